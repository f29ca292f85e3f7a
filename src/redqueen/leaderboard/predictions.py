"""A submission's table of scores, row by row: every test picture once, every score a probability, nothing inverted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.scores import Origin, Scores
from redqueen.leaderboard import coverage, levels, schema
from redqueen.leaderboard.blocks import Block, blocks_of, some
from redqueen.leaderboard.findings import Check, exit_code
from redqueen.leaderboard.schema import CALIBRATION, Calibration, Submission, parse, problems
from redqueen.leaderboard.scores_file import WITH_TOOL, Allowed, opened
from redqueen.leaderboard.strict_json import StrictJsonError
from redqueen.metrics.statistics import percentile_interval
from redqueen.perturbations.suite import CLEAN

FOLDER = "predictions"
INVERTED = 0.4  # AUROC of a detector that has seen everything; over it, it may be no better than chance


def check(folder: Path, card: Submission, benchmark: Benchmark) -> list[Check]:
    """Every check of the table that needs no other submission; the first ones are of the file, the last of its scores.

    Args:
        folder: of the bundle, a copy that nobody else writes to.
        card: its `submission.json`.
        benchmark: what it says that it was measured on.
    """
    scores, checks = table(folder, benchmark)
    if scores is None:
        return checks
    checks += [*_origin(scores.origin, card, benchmark), *_thresholds(folder, scores.origin, benchmark)]
    checks += _places(scores, benchmark)
    if exit_code(checks) in {1, 4}:
        return checks
    blocks = list(blocks_of(scores, benchmark))
    checks += coverage.check(blocks, benchmark)
    checks += coverage.statuses(blocks, benchmark)
    if exit_code(checks) in {1, 4}:
        return checks
    checks += levels.check(blocks, control=card.detector.control)
    if exit_code(checks) not in {1, 4}:
        checks += _direction(blocks, benchmark)
    return checks


def table(folder: Path, benchmark: Benchmark) -> tuple[Scores | None, list[Check]]:
    """The one table that a bundle has, or None and why it is not read."""
    wanted = folder / schema.predictions(benchmark.card.suite)
    found = sorted(path.name for path in (folder / FOLDER).iterdir()) if (folder / FOLDER).is_dir() else []
    if found != [wanted.name]:
        shown = ", ".join(name[:60] for name in found[:5]) or "nothing"
        message = f"{FOLDER}/ must hold {wanted.name} alone, got {shown}"
        return None, [Check("predictions.file", "rejected", message, WITH_TOOL)]
    return opened(wanted, Allowed(len(benchmark.card.cutoffs) * len(benchmark.card.views) * len(benchmark.ids)))


def _origin(origin: Origin, card: Submission, benchmark: Benchmark) -> list[Check]:
    """What the file and the card say that the scores belong to."""
    pairs: Mapping[str, tuple[str, str]] = {
        "benchmark": (origin.benchmark, benchmark.digest),
        "suite": (origin.suite, benchmark.card.suite),
        "detector": (origin.detector, card.detector.name),
    }
    wrong = [
        f"{name} {_short(given)}, not {_short(wanted)}" for name, (given, wanted) in pairs.items() if given != wanted
    ]
    if not wrong:
        return [Check("predictions.benchmark", "passed", f"scores of benchmark {_short(benchmark.digest)}")]
    fix = "score the test pictures of this version of the benchmark; scores of versions never mix"
    return [Check("predictions.benchmark", "rejected", f"the table's scores are of {'; '.join(wrong)}", fix)]


def _thresholds(folder: Path, origin: Origin, benchmark: Benchmark) -> list[Check]:
    """Each cutoff has one, inside (0, 1), and it is the one that `calibration.json` says how it was fitted."""
    try:
        fitted = parse(Calibration, (folder / CALIBRATION).read_bytes()).cutoffs
    except (OSError, ValidationError, StrictJsonError) as error:
        told = str(error) if isinstance(error, OSError) else problems(error)[0]
        return [
            Check("predictions.threshold", "rejected", f"{CALIBRATION} cannot be compared: {told[:200]}", WITH_TOOL)
        ]
    wrong = []
    for cutoff in sorted({*benchmark.card.cutoffs, *origin.thresholds, *fitted}):
        given, known = origin.thresholds.get(cutoff), fitted.get(cutoff)
        if cutoff not in benchmark.card.cutoffs:
            wrong.append(f"{ascii(cutoff[:40])} is no cutoff")
        elif given is None or known is None:
            wrong.append(f"{cutoff} has none in {'the table' if given is None else CALIBRATION}")
        elif not 0 < given < 1:
            wrong.append(f"{cutoff}: {given} is not inside (0, 1)")
        elif given != known.threshold:
            wrong.append(f"{cutoff}: {given} in the table, {known.threshold} in {CALIBRATION}")
    if not wrong:
        return [Check("predictions.threshold", "passed", f"{len(fitted)} thresholds, as in {CALIBRATION}")]
    fix = "give the threshold on the score that validation fixed, the same in both places"
    return [Check("predictions.threshold", "rejected", f"thresholds: {some(wrong)}", fix)]


def _places(scores: Scores, benchmark: Benchmark) -> list[Check]:
    """Cutoffs and views are those of the benchmark."""
    wrong = []
    for column, wanted in (("cutoff", benchmark.card.cutoffs), ("view", benchmark.card.views)):
        found = {str(one) for one in scores.table.column(column).unique().to_pylist()}
        wrong += [f"{column} {ascii(one[:60])} is unknown" for one in sorted(found - set(wanted))]
        wrong += [f"{column} {one!r} is missing" for one in wanted if one not in found]
    if not wrong:
        return [Check("predictions.views", "passed", f"{len(benchmark.card.cutoffs)} cutoffs, {_views(benchmark)}")]
    fix = "score every picture under every view at every cutoff: a mean over some of them is not ranked"
    return [Check("predictions.views", "rejected", some(wrong), fix)]


def _direction(blocks: Sequence[Block], benchmark: Benchmark) -> list[Check]:
    """The detector of the last cutoff has seen every window: clean, it must not be wrong more often than right."""
    block = next(one for one in reversed(blocks) if one.view == CLEAN)
    order = np.argsort(block.ids)
    place = order[np.searchsorted(block.ids[order], np.asarray(benchmark.ids, np.str_))]
    real = np.flatnonzero(~benchmark.column("canary").astype(bool))
    part = benchmark.evaluation.part(real)
    found, draws = part.auroc(block.scores[place])
    if found.value is None:
        return [Check("predictions.direction", "skipped", "the benchmark has one class alone")]
    high = percentile_interval(found.value, draws, found.n, found.n_groups).high
    if found.value < INVERTED and high is not None and high < 0.5:
        message = (
            f"AUROC at the last cutoff, clean, is {found.value:.3f} (at most {high:.3f}): are the scores inverted?"
        )
        return [Check("predictions.direction", "review", message, "higher must mean AI-generated: try 1 - score")]
    return [Check("predictions.direction", "passed", f"AUROC at the last cutoff, clean, is {found.value:.3f}")]


def _views(benchmark: Benchmark) -> str:
    return f"{len(benchmark.card.views)} views"


def _short(text: str) -> str:
    return ascii(text)[1:-1][:24]
