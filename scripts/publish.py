"""Copy what runs wrote into `results/`, and what is said of it into `results/<corpus>/README.md` and the README.

usage: python scripts/publish.py RUN [SHUFFLED_RUN …]

RUN is the folder of a `redqueen track` run; its JSONs go to results/<corpus>/<protocol>/, its figures and its corpus
card to results/<corpus>/. Each SHUFFLED_RUN is one with labels=shuffled; together they become
results/<corpus>/shuffled.json: per detector, the AUROC of each seed (mean over windows, view clean) and their mean.
"""

import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from redqueen.files import write_json, write_text
from redqueen.report.finding import first_sentence, notes
from redqueen.report.markdown import matrix
from redqueen.report.paragraphs import paragraphs
from redqueen.tasks.evaluate import read
from redqueen.types import Audit, Result

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- results: begin (scripts/publish.py) -->", "<!-- results: end -->"


def publish(run: Path) -> tuple[list[Result], dict[str, Any]]:
    found = [read(path) for path in sorted((run / "results").glob("*.json"))]
    corpus = ROOT / "results" / found[0].corpus
    for result in found:
        target = corpus / result.protocol / f"{result.detector}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / "results" / f"{result.detector}.json", target)
    (corpus / "figures").mkdir(parents=True, exist_ok=True)
    for picture in sorted((run / "figures").glob("*.png")):
        shutil.copyfile(picture, corpus / "figures" / picture.name)
    for name in ("card.json", "report.html"):
        shutil.copyfile(run / name, corpus / name)
    return found, json.loads((run / "card.json").read_text())


def shuffled(runs: list[Path]) -> dict[str, dict[str, object]]:
    by_detector: dict[str, dict[str, float]] = {}
    for run in runs:
        for path in sorted((run / "results").glob("*.json")):
            result = read(path)
            if result.labels != "shuffled":
                raise SystemExit(f"{path}: labels are {result.labels}, not shuffled")
            values = [
                cell.auroc.value for cell in result.cells if cell.view == "clean" and cell.auroc.value is not None
            ]
            by_detector.setdefault(result.detector, {})[f"seed {result.seed}"] = statistics.mean(values)
    return {name: {"mean": statistics.mean(seeds.values()), **seeds} for name, seeds in by_detector.items()}


def main(words: list[str]) -> int:
    if not words:
        raise SystemExit(__doc__)
    found, card = publish(Path(words[0]))
    corpus = ROOT / "results" / found[0].corpus
    if words[1:]:
        write_json(corpus / "shuffled.json", shuffled([Path(word) for word in words[1:]]))
    write_text(corpus / "README.md", page(found, card))
    readme = ROOT / "README.md"
    head, rest = readme.read_text().split(BEGIN)
    write_text(readme, f"{head}{BEGIN}\n{block(found, card)}{END}{rest.split(END)[1]}")
    return 0


def block(found: list[Result], card: dict[str, Any]) -> str:
    audit = TypeAdapter(Audit).validate_python(card["audit"])
    return f"{first_sentence(found, audit)}\n\n{matrix(found)}\n\n{measured_on(card)}\n"


def page(found: list[Result], card: dict[str, Any]) -> str:
    """What `results/<corpus>/README.md` says: the table, a paragraph a detector, and the limits."""
    limits = "\n".join(f"- {note}" for note in notes(found))
    return (
        f"# Results on {card['name']}, {found[0].protocol}\n\n{block(found, card)}\n## Detector by detector\n\n"
        f"{paragraphs(found)}\n\n## What these numbers do not say\n\n{limits}\n"
    )


def measured_on(card: dict[str, Any]) -> str:
    counts = card["counts"]
    kinds = ", ".join(f"{number} {kind}" for kind, number in counts["kind"].items())
    return (
        f"Measured on `{card['name']}`: {counts['rows']} pictures in {counts['groups']} groups ({kinds}), "
        f"{len(counts['generator'])} generator names."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
