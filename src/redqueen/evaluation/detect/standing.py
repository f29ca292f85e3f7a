"""How good a detector was found to be, and whether that still holds: what its Result says beside every verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from redqueen.errors import UserError
from redqueen.evaluation.detect.verdict import Basis
from redqueen.perturbations.suite import CLEAN
from redqueen.types import HalfLife, Interval, Kind, Result

NOT_MEASURED = "not measured: give result=FILE"
_KINDS: tuple[Kind, ...] = ("photo", "collage")


@dataclass(frozen=True)
class Standing:
    """What was measured of a detector.

    Attributes:
        false_positives: share of human-made test pictures of a kind over the threshold; None where not measured.
        half_life: in words.
        age: months from the end of the training cutoff until today; None where the dates are nominal.
        warnings: what must be known before a verdict is believed.
        measured: whether there is a result at all.
    """

    false_positives: Mapping[Kind, Interval | None]
    half_life: str
    age: int | None
    warnings: tuple[str, ...]
    measured: bool


def read(path: Path) -> Result:
    """A result from its JSON, strictly; raises UserError in one line."""
    try:
        return TypeAdapter(Result).validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"result={path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"result={path}: no result of redqueen evaluate: {where or 'the file'}: {first['msg']}"
        ) from None


def standing(basis: Basis, result: Result | None, today: date) -> Standing:
    """What a result says about a checkpoint today.

    Raises:
        UserError: the result is of another detector, or does not have the checkpoint's cutoff.
    """
    if result is None:
        age = _months(basis.cutoff, today)
        return Standing(dict.fromkeys(_KINDS), NOT_MEASURED, age, _control(basis), False)
    _check(basis, result)
    alarms = {one.kind: one.rate for one in result.false_positives if _same(basis, one.trained_up_to, one.view)}
    life = next((one for one in result.half_life if one.view == CLEAN), None)
    months = None if result.nominal_dates else _months(basis.cutoff, today)
    late = () if months is None or life is None else _late(basis, life, months)
    warnings = (*_control(basis), *_differences(basis, result), *late)
    words = "not in this result" if life is None else _words(life)
    return Standing({kind: alarms.get(kind) for kind in _KINDS}, words, months, warnings, True)


def _same(basis: Basis, trained_up_to: str, view: str) -> bool:
    return (trained_up_to, view) == (basis.trained_up_to, CLEAN)


def _check(basis: Basis, result: Result) -> None:
    if result.detector != basis.detector:
        raise UserError(f"the result is of {result.detector}, the checkpoint of {basis.detector}: give its own result")
    if basis.trained_up_to not in result.thresholds:
        raise UserError(
            f"the result has no cutoff {basis.trained_up_to}, up to which {basis.detector} was trained; "
            f"it has: {', '.join(result.thresholds)}"
        )


def _control(basis: Basis) -> tuple[str, ...]:
    shuffled = "It is a control that learned from shuffled labels: its verdicts mean nothing."
    return (shuffled,) if basis.labels == "shuffled" else ()


def _differences(basis: Basis, result: Result) -> tuple[str, ...]:
    """Where the result is not quite of this checkpoint, or not to be believed."""
    found = []
    if result.corpus_digest != basis.corpus_digest:
        found.append(f"It was measured on another corpus ({result.corpus}) than it was trained on ({basis.corpus}).")
    if abs(result.thresholds[basis.trained_up_to] - basis.threshold) > 1e-6:
        found.append("What was measured is another training of the same method: its threshold is not this one's.")
    if result.biased:
        found.append("It was measured on a corpus that is marked as biased.")
    if result.control:
        found.append("It is a control, no candidate: it shows what a result looks like without merit.")
    if result.superseded_by:
        found.append(f"Its result was superseded by {result.superseded_by}.")
    return tuple(found)


def _months(since: str, today: date) -> int:
    """Whole months of the calendar from the month "YYYY-MM" until today's.

    >>> _months("2025-11", date(2026, 2, 3))
    3
    """
    return 12 * (today.year - int(since[:4])) + today.month - int(since[5:7])


def _words(life: HalfLife) -> str:
    if life.detectable and life.months is not None:
        ends = " to ".join("unknown" if end is None else f"{end:.0f}" for end in (life.low, life.high))
        return f"{life.months:.0f} months (95 % interval {ends})"
    if life.low is not None:
        rests = f", if skill falls as fitted over {life.span:.0f}" if life.low > life.span else ""
        return f"no decay detectable: at least {life.low:.0f} months, the bound that the data allow{rests}"
    return "no half-life can be told from the data"


def _late(basis: Basis, life: HalfLife, age: int) -> tuple[str, ...]:
    """The warning where more time has gone by than the half-life, or than half of its skill is known to be left."""
    since = f"It has seen no generator released after {basis.cutoff}, {age} months ago"
    if life.detectable and life.months is not None:
        passed = f"{since}: its half-life of {life.months:.0f} months has passed. Of its skill expect half or less."
        return (passed,) if age > life.months else ()
    if life.low is not None and age > min(life.low, life.span):
        known = min(life.low, life.span)
        return (f"{since}: longer than the {known:.0f} months for which its skill is known to hold half or more.",)
    return ()
