"""Every figure of a submission, computed again from its scores; what it claims is only compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from redqueen.errors import UserError
from redqueen.evaluation import scores as tables
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.evaluation.measured import Facts, Slicing, measured
from redqueen.files import digest_file
from redqueen.leaderboard.claims import headline
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.headlines import Draws, headlines
from redqueen.leaderboard.schema import CARD, RESULT, Submission, parse, parse_result, predictions, problems
from redqueen.leaderboard.strict_json import StrictJsonError
from redqueen.types import Result

TOLERANCE = 1e-6
_FIGURES = ("cells", "next_period", "same_period", "change", "false_positives", "generators", "measures", "half_life")
_FIX = "leave claims out, or give what these scores give: redqueen submit does"


def recomputed(folder: Path, benchmark: Benchmark) -> tuple[Result, Draws, list[Check]]:
    """What a bundle's scores give on a benchmark, the draws behind its headlines, and whether its claims agree.

    Call it after `predictions.check` has found nothing to reject.

    Raises:
        UserError: its files cannot be read, or its scores do not fit the benchmark.
    """
    card, claimed = _read(folder)
    path = folder / predictions(benchmark.card.suite)
    scored = tables.scored(tables.read(path), benchmark)
    facts = _facts(card, claimed, benchmark, digest_file(path))
    found, matrix = measured(
        benchmark.evaluation, scored, facts, Slicing(benchmark.card.styles, benchmark.card.distances)
    )
    draws = headlines(benchmark.evaluation, scored, matrix)
    return found, draws, [*_compare_card(card, found), *_compare_result(claimed, found), _setup(claimed, found, scored)]


def _read(folder: Path) -> tuple[Submission, Result]:
    try:
        card = parse(Submission, (folder / CARD).read_bytes())
        return card, parse_result((folder / RESULT).read_bytes())
    except (OSError, ValidationError, StrictJsonError) as error:
        told = str(error) if isinstance(error, OSError) else problems(error)[0]
        raise UserError(f"{CARD} and {RESULT} cannot be read: {told[:200]}") from None


def _facts(card: Submission, claimed: Result, benchmark: Benchmark, digest: str) -> Facts:
    """What no score can tell is taken from the bundle, all else from the benchmark.

    What others reported of a method is no submitter's to say, and is left out.
    """
    return Facts(
        detector=card.detector.name,
        control=card.detector.control,
        suite=benchmark.card.suite,
        corpus=benchmark.card.name,
        corpus_digest=benchmark.card.corpus_digest,
        predictions_digest=digest,
        labels=claimed.labels,
        seed=claimed.seed,
        biased=benchmark.card.biased,
        limits=tuple(dict.fromkeys([*benchmark.card.limits, *claimed.limits])),
        strategy=claimed.strategy,
        cost=claimed.cost,
        examples=claimed.examples,
        environment=claimed.environment,
    )


def _compare_card(card: Submission, found: Result) -> Iterator[Check]:
    """The claims of `submission.json`, by the names that `claims.headline` gives them."""
    if not card.claims:
        yield Check("recompute.claims", "skipped", f"{CARD} claims no figure")
        return
    yield _compared("recompute.claims", CARD, card.claims, headline(found))


def _compare_result(claimed: Result, found: Result) -> Iterator[Check]:
    """Every figure of `run/result.json`; its intervals too where they rest on as many draws."""
    ends = ("value", "low", "high") if claimed.draws == found.draws else ("value",)
    yield _compared("recompute.result", RESULT, dict(_figures(claimed, ends)), dict(_figures(found, ends)))


def _compared(slug: str, file: str, claims: Mapping[str, float | None], found: Mapping[str, float | None]) -> Check:
    """One line: the first figure that differs, with both values, and how many more do."""
    wrong = [name for name in claims if name not in found or not _equal(claims[name], found[name])]
    if not wrong:
        return Check(slug, "passed", f"{len(claims)} figures of {file} agree to {TOLERANCE:g}")
    worst = wrong[0]
    ours = _number(found[worst]) if worst in found else "no such figure"
    more = f"; {len(wrong) - 1} more of {len(claims)} differ" if len(wrong) > 1 else ""
    shown = ascii(worst)[1:-1][:120]
    return Check(slug, "rejected", f"{file} claims {shown} = {_number(claims[worst])}, recomputed {ours}{more}", _FIX)


def _figures(result: Result, ends: Sequence[str]) -> Iterator[tuple[str, float | None]]:
    """Name -> number of every figure of a result."""
    tree = asdict(result)
    for name in _FIGURES:
        for one in tree[name]:
            words = [str(value) for value in one.values() if isinstance(value, str)]
            for field, value in one.items():
                key = "/".join([name, *words, field])
                if isinstance(value, dict):
                    yield from ((f"{key}/{end}", value[end]) for end in ends)
                elif field == "months":
                    yield key, value


def _setup(claimed: Result, found: Result, scored: Sequence[Scored]) -> Check:
    """Whether the claimed result is of the same benchmark, cutoffs and windows."""
    pairs: Mapping[str, tuple[Any, Any]] = {
        name: (getattr(claimed, name), getattr(found, name))
        for name in ("detector", "control", "protocol", "suite", "corpus", "corpus_digest", "windows")
    }
    wrong = [name for name, (theirs, ours) in pairs.items() if theirs != ours]
    if sorted(claimed.thresholds) != sorted(one.cutoff.name for one in scored):
        wrong.append("thresholds")
    if not wrong:
        return Check("recompute.setup", "passed", f"{RESULT} is of this benchmark")
    first = wrong[0]
    shown = f": {ascii(pairs[first][0])[:60]}, not {ascii(pairs[first][1])[:60]}" if first in pairs else ""
    return Check("recompute.setup", "rejected", f"{RESULT} has another {', '.join(wrong)}{shown}", _FIX)


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(1.0, abs(other))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6f}"
