"""Copy what runs wrote into `results/`, and what is said of it into the README and those of `results/`.

RUN is the folder of a `redqueen track` run; its JSONs join those of results/<corpus>/<protocol>/ as claims (one of the
same detector is replaced, unless `redqueen leaderboard add` has published it), and figures, page and card are made of
all that lie there. Without RUN they are made of what lies in results/<corpus>/ already.
"""

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from redqueen.files import write_json, write_text
from redqueen.leaderboard.records import read_log
from redqueen.report.finding import MAIN_VIEW, first_sentence, next_period, notes, same_period, spell
from redqueen.report.markdown import matrix
from redqueen.report.paragraphs import paragraphs
from redqueen.tasks.evaluate import read
from redqueen.tasks.report import write
from redqueen.types import Audit, Result

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- results: begin (scripts/publish.py) -->", "<!-- results: end -->"

Seeds = dict[str, dict[str, float]]  # detector -> "seed 0", …, "mean" -> a figure


def main() -> int:
    given = argument_parser().parse_args()
    corpus = claimed(given.run) if given.run else ROOT / "results" / given.corpus
    told(corpus)
    for name, runs in given.beside:
        copied(runs, corpus / "beside" / name)
    if given.shuffled:
        write_json(corpus / "shuffled.json", by_seed(corpus / "shuffled.json", given.shuffled, "shuffled"))
    if given.seeds:
        write_json(corpus / "seeds.json", by_seed(corpus / "seeds.json", given.seeds, "true"))
    write_text(corpus / "README.md", page(corpus))
    write_text(ROOT / "results" / "README.md", index())
    readme = ROOT / "README.md"
    head, rest = readme.read_text().split(BEGIN)
    write_text(readme, f"{head}{BEGIN}\n{block(corpus)}{END}{rest.split(END)[1]}")
    return 0


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", nargs="?")
    parser.add_argument("--corpus", default="field", help="folder of results/, where there is no RUN (%(default)s)")
    runs = {"type": Path, "nargs": "+", "metavar": "RUN", "default": ()}
    parser.add_argument("--shuffled", **runs, help="runs with labels=shuffled, of any seeds: shuffled.json")
    parser.add_argument("--seeds", **runs, help="runs as RUN, of any seeds: seeds.json")
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        type=lambda text: (text.split("=")[0], [Path(path) for path in text.split("=")[1].split(",")]),
        metavar="NAME=RUN,…",
        help="runs that are compared with RUN: beside/NAME/",
    )
    return parser


def copied(runs: Iterable[Path], target: Path) -> None:
    """The results of runs, each in a file of its detector's name; beside one of another strategy, of that as well."""
    target.mkdir(parents=True, exist_ok=True)
    for path in (path for run in runs for path in sorted((run / "results").glob("*.json"))):
        strategy = read(path).strategy.partition(",")[0]  # strictly
        name = path.name if strategy == "cumulative" else f"{path.stem}-{strategy.replace(' ', '_')}.json"
        shutil.copyfile(path, target / name)


def claimed(run: Path) -> Path:
    """Copy the results of a run and its corpus's card to those that are there; the folder of its corpus."""
    first = read(next((run / "results").glob("*.json")))
    corpus = ROOT / "results" / first.corpus
    verified = {event.submission for event in read_log(corpus / first.protocol)}
    kept = verified & {path.stem for path in (run / "results").glob("*.json")}
    if kept:
        raise SystemExit(f"{', '.join(sorted(kept))}: published by `redqueen leaderboard add`, and not to be replaced")
    copied([run], corpus / first.protocol)
    shutil.copyfile(run / "card.json", corpus / "card.json")
    return corpus


def told(corpus: Path) -> None:
    """Figures and report of all results of a corpus."""
    found, card = main_results(corpus)
    write(found, card, corpus, {})  # no picture of a benchmark is published


def in_order(folder: Path) -> list[Result]:
    """Every result of a folder, the best on next periods first."""

    def height(result: Result) -> float:
        found = _later(result)
        return -1.0 if found is None else found

    return sorted((read(path) for path in sorted(folder.glob("*.json"))), key=height, reverse=True)


def _later(result: Result) -> float | None:
    """Mean AUROC over next periods."""
    found = next_period(result, MAIN_VIEW)
    return None if found is None else found.value


def by_seed(path: Path, runs: Sequence[Path], labels: str) -> Seeds:
    """Of each detector the mean AUROC over next periods, or over all windows where there is none, of each seed.

    A seed that is given again replaces what was known of it.
    """
    known: Seeds = json.loads(path.read_text()) if path.exists() else {}
    fresh: Seeds = {}
    for result in (read(one) for run in runs for one in sorted((run / "results").glob("*.json"))):
        if result.labels != labels:
            raise SystemExit(f"{result.detector}, seed {result.seed}: labels are {result.labels}, not {labels}")
        fresh.setdefault(result.detector, {})[f"seed {result.seed}"] = _height(result)
    for name, seeds in fresh.items():
        each = {seed: value for seed, value in (known.get(name, {}) | seeds).items() if seed != "mean"}
        known[name] = {"mean": statistics.mean(each.values()), **each}
    return dict(sorted(known.items()))


def _height(result: Result) -> float:
    later = _later(result)
    if later is not None:
        return later
    cells = [cell.auroc.value for cell in result.cells if cell.view == MAIN_VIEW]
    return statistics.mean(value for value in cells if value is not None)


def main_results(corpus: Path) -> tuple[list[Result], dict[str, Any]]:
    """The results of a corpus, and its card."""
    card = json.loads((corpus / "card.json").read_text())
    (folder,) = {path.parent for path in corpus.glob("*-v*/*.json")}
    return in_order(folder), card


def block(corpus: Path) -> str:
    """What the README says: the finding, the table, the corpus."""
    found, card = main_results(corpus)
    audit = TypeAdapter(Audit).validate_python(card["audit"])
    return f"{first_sentence(found, audit)}\n\n{matrix(found)}\n\n{measured_on(card)}\n"


def page(corpus: Path) -> str:
    """What `results/<corpus>/README.md` says: the table, a paragraph a detector, comparisons, and the limits."""
    found, card = main_results(corpus)
    limits = "\n".join(f"- {note}" for note in notes(found))
    parts = [
        f"# Results on {card['name']}, {found[0].protocol}",
        block(corpus).strip(),
        f"## Detector by detector\n\n{paragraphs(found)}",
        *(beside(folder, found) for folder in sorted(corpus.glob("beside/*"))),
        seeds(corpus),
        f"## What these numbers do not say\n\n{limits}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def index() -> str:
    """What `results/README.md` says: of each corpus the finding and its table, and where the rest lies."""
    corpora = sorted(path.parent for path in (ROOT / "results").glob("*/card.json"))
    parts = [
        "# Results",
        "Written by `scripts/publish.py` from the results beside it. Every figure of a table has its 95 % interval, "
        "that of other test pictures; how far a figure moves with the seed of the training stands with each corpus.",
    ]
    for corpus in corpora:
        at = corpus.name
        places = (
            f"[Detector by detector]({at}/README.md) · [report]({at}/report.html) · [figures and their numbers]"
            f"({at}/figures) · [corpus card]({at}/card.json)"
        )
        picture = f"![How long a detector of {at} stays right]({at}/figures/half-life.png)"
        parts += [f"## {at}", block(corpus).strip(), picture, places]
    return "\n\n".join(parts) + "\n"


def beside(folder: Path, main: Sequence[Result]) -> str:
    """A comparison: each detector that was kept up to date, or learned from, otherwise beside its ordinary self."""
    found = in_order(folder)
    title = f"## Beside them: {folder.name}"
    own = [f"- {note}" for note in notes(found) if note not in notes(main)]
    if own:
        title += "\n\n" + "\n".join(own)
    usual = {result.detector: result for result in main}
    if {result.strategy for result in found} != {result.strategy for result in main}:
        return f"{title}\n\n{by_strategy(found, usual)}"
    rows = ["| detector | learned from | same period | next period |", "| --- | --- | --- | --- |"]
    for result in (one for aside in found for one in (usual[aside.detector], aside)):
        figures = f"{spell(same_period(result, MAIN_VIEW))} | {spell(next_period(result, MAIN_VIEW))}"
        rows.append(f"| {result.detector} | {result.examples} | {figures} |")
    return "\n\n".join([title, "\n".join(rows), paragraphs(found)])


def by_strategy(found: Sequence[Result], usual: dict[str, Result]) -> str:
    """What staying in place costs: each way of keeping a detector up to date beside training anew on everything."""
    head = ["detector", "strategy", "same period", "next period", "all that it has seen", "pictures a month"]
    rows = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    names = dict.fromkeys(result.detector for result in found)
    for result in (one for name in names for one in (usual[name], *(r for r in found if r.detector == name))):
        past = next(
            (m.figure for m in result.measures if (m.metric, m.part, m.view) == ("auroc", "past", MAIN_VIEW)), None
        )
        figures = [spell(same_period(result, MAIN_VIEW)), spell(next_period(result, MAIN_VIEW)), spell(past)]
        cells = [result.detector, result.strategy, *figures, f"{pictures_a_month(result):,.0f}"]
        rows.append(f"| {' | '.join(cells)} |")
    said = (
        "Every strategy trains once a window. *Pictures a month*: shown in training, again and again, over all "
        "cutoffs, divided by the months from the first window to the last. Each is one training, and what another seed "
        "would give stands below."
    )
    return said + "\n\n" + "\n".join(rows)


def pictures_a_month(result: Result) -> float:
    first, last = result.windows[0].start, result.windows[-1].end
    months = (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7]) + 1
    return sum(cost.pictures for cost in result.cost) / months


def seeds(corpus: Path) -> str:
    """How far the mean over next periods moves with the seed, and where shuffled labels land."""
    rows = ["| detector | labels | seeds | mean | lowest | highest |", "| --- | --- | --- | --- | --- | --- |"]
    for name, labels in (("seeds.json", "true"), ("shuffled.json", "shuffled")):
        path = corpus / name
        for detector, told in (json.loads(path.read_text()) if path.exists() else {}).items():
            each = [value for key, value in told.items() if key != "mean"]
            ends = f"{min(each):.3f} | {max(each):.3f}"
            rows.append(f"| {detector} | {labels} | {len(each)} | {told['mean']:.3f} | {ends} |")
    said = "AUROC, clean: the mean over next periods with true labels, over all windows with shuffled ones."
    return f"## Seeds and shuffled labels\n\n{said}\n\n" + "\n".join(rows)


def measured_on(card: dict[str, Any]) -> str:
    counts = card["counts"]
    kinds = ", ".join(f"{number} {kind}" for kind, number in counts["kind"].items())
    return (
        f"Measured on `{card['name']}`: {counts['rows']} pictures in {counts['groups']} groups ({kinds}), "
        f"{len(counts['generator'])} generator names."
    )


if __name__ == "__main__":
    sys.exit(main())
