"""`redqueen submit RUN`: a bundle that anyone can verify, of one detector of a finished run."""

import re
from pathlib import Path

from hydra.utils import get_class
from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.evaluation import benchmark as benchmarks
from redqueen.evaluation.benchmark import Benchmark
from redqueen.files import write_text
from redqueen.leaderboard import bundle, card, private
from redqueen.leaderboard.assemble import assemble, check_fits, lost
from redqueen.leaderboard.finished import Finished, finished

_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
_OURS = "redqueen.detectors."
PUBLISHED = Path("results")  # where benchmarks lie that were not named


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (it makes no folder of its own)
    """Write the bundle, or say all that is missing; the same again changes nothing."""
    found = finished(Path(cfg.run), cfg.submitted)
    benchmark, human = _both(cfg, found)
    made = assemble(found, human, benchmark, weights=cfg.model)
    written = bundle.write(made, Path(cfg.output))
    for line in private.secrets(dict(found.config)):
        say(f"blacked out in run/config.yaml: {line}")
    coarse = lost(found.result, made.result)
    if coarse:
        say(coarse)
    unmet = made.card.checklist.unmet()
    if unmet:
        say(f"answered with no, which verification will ask about: {', '.join(unmet)}")
    say(f"{'bundle' if written.fresh else 'this bundle is there already'}: {written.folder}, root {written.root}")
    say(f"next: redqueen verify {written.folder} benchmark={benchmark.folder}")
    return 0


def _both(cfg: DictConfig, found: Finished) -> tuple[Benchmark, dict[str, object]]:
    """The benchmark and the card; if both are missing, that is told in one line."""
    missing = []
    try:
        benchmark = _benchmark(cfg.benchmark, found)
    except UserError as error:
        missing.append(str(error))
    try:
        human = _human(Path(cfg.card), found)
    except UserError as error:
        missing.append(str(error))
    if missing:
        raise UserError("; ".join(missing))
    return benchmark, human


def _benchmark(folder: str | None, found: Finished) -> Benchmark:
    """The benchmark that was named, or the newest below `results` that the run was measured on."""
    if folder is not None:
        opened = Benchmark.open(Path(folder))
        check_fits(found, opened)
        return opened
    fitting = []
    for path in sorted(PUBLISHED.rglob(benchmarks.CARD)):
        opened = Benchmark.open(path.parent)
        try:
            check_fits(found, opened)
        except UserError:
            continue
        fitting.append(opened)
    if not fitting:
        raise UserError(
            f"no benchmark below {PUBLISHED}/ is that of this run: add benchmark=FOLDER, "
            f"or write one with 'redqueen benchmark {found.folder} output=FOLDER'"
        )
    return max(fitting, key=lambda one: one.card.version)


def _human(path: Path, found: Finished) -> dict[str, object]:
    """What people say of the submission; a template is written where that is not there."""
    if path.exists():
        return card.read(path)
    write_text(path, card.template(_known(found)))
    raise UserError(
        f"card={path} was not there: a template is there now; fill it in and call this again (it asks what the method "
        "is, who answers for it, how it was chosen, and seven questions)"
    )


def _known(found: Finished) -> dict[str, str]:
    """What the template need not ask."""
    known = {"submission_id": found.result.detector}
    target = str(found.node["_target_"])
    if target.startswith(_OURS):
        method = get_class(target)
        paper = _ARXIV.search(getattr(method, "paper", ""))
        known |= {"input": getattr(method, "input", "")} if getattr(method, "input", "") else {}
        known |= {"paper": f"https://arxiv.org/abs/{paper.group(1)}"} if paper else {}
    return known
