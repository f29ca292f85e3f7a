"""`redqueen verify BUNDLE`: whether a submission is what it says; exit codes as the command line's help tells."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen.corpus.store import Corpus
from redqueen.errors import UserError, unknown
from redqueen.evaluation.benchmark import Benchmark
from redqueen.files import write_text
from redqueen.leaderboard import manifest, predictions
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.schema import HARDWARE, Hardware, parse
from redqueen.leaderboard.verify import Options, verify
from redqueen.perturbations.suite import Suite
from redqueen.report.verified import FORMS, sentence

_PRECISIONS = {"bf16": "bfloat16", "16": "float16"}  # as Lightning spells it, whatever follows -> of a score


def run(cfg: DictConfig, folder: Path, files: Sequence[str] = ()) -> int:  # noqa: ARG001  (every task has it)
    """Verify, then print or write the report."""
    if len(files) != 1:
        raise UserError(f"one bundle, a folder, tar or zip: redqueen verify BUNDLE; got {len(files)}")
    options = Options(
        benchmark=Path(cfg.benchmark) if cfg.benchmark else None,
        results=Path(cfg.results),
        against=[Path(one) for one in cfg.against],
        run=partial(again, Path(cfg.run_on), cfg.salt) if cfg.run_on else None,
    )
    report = verify(Path(files[0]), options)
    shown = FORMS[cfg.form](report)
    if cfg.written:
        write_text(Path(cfg.written), shown)
        shown = f"{sentence(report)}\n"
    sys.stdout.write(shown)
    return report.code


def again(pictures: Path, salt: str, folder: Path, benchmark: Benchmark) -> list[Check]:
    """Run a bundle's weights on a sample of the corpus's pictures."""
    from redqueen.leaderboard import rerun  # noqa: PLC0415  (torch: for runs alone)

    declared = parse(Hardware, (folder / HARDWARE).read_bytes()).precision.partition("-")[0]
    seed = rerun.drawn_by(manifest.read(folder).root, salt)
    sample = rerun.Sample(seed, precision=_PRECISIONS.get(declared, "float32"))
    scores, checks = predictions.table(folder, benchmark)
    if scores is None:
        return checks
    return rerun.check(folder, benchmark, Corpus.open(pictures), suite_of(benchmark.card.suite), scores, sample)


def suite_of(label: str) -> Suite:
    """The suite of that name and version, among those that the settings know."""
    names: list[str] = GlobalHydra.instance().config_loader().get_group_options("suite")
    found: dict[str, Suite] = {}
    for name in sorted(names, key=lambda one: not label.startswith(one)):  # most files are called as their suite
        suite: Suite = instantiate(compose("judging", [f"suite={name}"]).suite)
        found[suite.label] = suite
        if label in found:
            return suite
    raise unknown("suite", label, found)
