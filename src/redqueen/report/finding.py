"""What the results say, in words: the first sentence of a report, its limits, and how a figure is spelled."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from redqueen.errors import DigestError, UserError
from redqueen.types import Audit, HalfLife, Interval, Measure, Result, Window

MAIN_VIEW = "clean"
CHANCE = 0.5
UNDEFINED = "n/a"
MOST_VIEWS = 3  # that a table of detectors has columns for

RATE = "tpr_at_fpr_0.01"  # what is found at 1 % false alarms
_SHARED = ("corpus_digest", "protocol", "suite", "windows", "nominal_dates", "labels", "examples", "augment")


def one_setup(results: Sequence[Result]) -> Result:
    """The first result, after checking that all of them were measured the same way on the same corpus.

    Raises:
        UserError: there is no result.
        DigestError: two results differ in corpus, protocol, suite, windows, kind of dates, labels, examples or
            augmentation.
    """
    if not results:
        raise UserError("no results: a report needs at least one; run `redqueen evaluate` first")
    first = results[0]
    for other in results[1:]:
        for name in _SHARED:
            if getattr(other, name) != getattr(first, name):
                raise DigestError(f"'{first.detector}' and '{other.detector}' differ in {name}; report them separately")
    return first


def controls_last(results: Iterable[Result]) -> list[Result]:
    """The detectors in their given order, then the controls in theirs."""
    return sorted(results, key=lambda result: result.control)


def view_names(results: Iterable[Result]) -> list[str]:
    """The views that were measured, in order of appearance."""
    found = list(results)
    named = [entry.view for result in found for entry in result.next_period]
    return list(dict.fromkeys(named + [cell.view for result in found for cell in result.cells]))


def few_views(results: Iterable[Result]) -> list[str]:
    """All views, or the main one alone where a table of all would not be read."""
    views = view_names(results)
    return views if len(views) <= MOST_VIEWS or MAIN_VIEW not in views else [MAIN_VIEW]


def lowest_view(result: Result) -> tuple[str, Interval] | None:
    """The view with the lowest AUROC on the period that a report is about, or None if none is defined."""
    means = result.next_period if main_part(result) == "next" else result.same_period
    found = [(one.view, one.auroc) for one in means if one.auroc.value is not None]
    return min(found, key=lambda pair: pair[1].value or 0.0, default=None)


def cutoffs(results: Sequence[Result]) -> list[Window]:
    """The windows at which some training ended, in the order of time."""
    trained = {cell.trained_up_to for result in results for cell in result.cells}
    return [window for window in results[0].windows if window.name in trained]


def cells_of(result: Result, view: str) -> dict[tuple[str, str], Interval]:
    """AUROC under one view by (trained_up_to, tested_on); pairs that were not measured are absent."""
    return {(cell.trained_up_to, cell.tested_on): cell.auroc for cell in result.cells if cell.view == view}


def next_period(result: Result, view: str) -> Interval | None:
    """Mean AUROC on the window after the cutoff under one view, or None if it was not measured."""
    return next((entry.auroc for entry in result.next_period if entry.view == view), None)


def same_period(result: Result, view: str) -> Interval | None:
    """Mean AUROC on the last window of training under one view, over the cutoffs that `next_period` averages."""
    return next((entry.auroc for entry in result.same_period if entry.view == view), None)


def half_life(result: Result, view: str) -> HalfLife | None:
    """The half-life under one view, or None if it was not estimated."""
    return next((entry for entry in result.half_life if entry.view == view), None)


def main_part(result: Result) -> str:
    """The period that a report is about: the next one, or of a protocol of one window its own."""
    return "next" if len(result.windows) > 1 else "same"


def spell_part(result: Result) -> str:
    """`main_part` in words."""
    return "the next period" if main_part(result) == "next" else "its own period"


def main_period(result: Result, view: str) -> Interval | None:
    """Mean AUROC on the period that a report is about under one view, or None if it was not measured."""
    return next_period(result, view) if main_part(result) == "next" else same_period(result, view)


def measured(
    result: Result,
    metric: str,
    part: str | None = None,
    view: str = MAIN_VIEW,
    slice_: tuple[str, str] = ("all", "all"),
) -> Interval | None:
    """A metric over all test pictures or a slice of them, on `main_part` or another, or None if it was not measured."""
    wanted = (metric, part or main_part(result), view, *slice_)
    found = (m.figure for m in result.measures if (m.metric, m.part, m.view, m.by, m.name) == wanted)
    return next(found, None)


def sliced(result: Result, by: str) -> list[Measure]:
    """AUROC on the period that a report is about of each slice of one sort."""
    part = main_part(result)
    return [one for one in result.measures if one.by == by and one.metric == "auroc" and one.part == part]


def best_of(results: Sequence[Result]) -> Result:
    """The detector of the first sentence; a control only where there is nothing else."""
    return _highest([result for result in results if not result.control] or results)[0]


def spell_months(found: HalfLife | None) -> str:
    """A half-life in months with its interval, or the bound that the data set to it.

    >>> flat = Interval(value=0.0, low=0.0, high=0.0, n=9, n_groups=9)
    >>> spell_months(HalfLife("clean", 14.2, 9.1, 31.0, True, slope=flat, skill=flat, cells=9, span=30.0))
    '14 (9-31) months'
    >>> spell_months(HalfLife("clean", None, 20.4, None, False, slope=flat, skill=flat, cells=9, span=30.0))
    'at least 20 months'
    """
    if found is None:
        return UNDEFINED
    if found.detectable and found.months is not None:
        ends = [UNDEFINED if end is None else f"{end:.0f}" for end in (found.low, found.high)]
        return f"{found.months:.0f} ({ends[0]}-{ends[1]}) months"
    return "no bound" if found.low is None else f"at least {found.low:.0f} months"


def spell(interval: Interval | None, percent: bool = False) -> str:
    """A figure with its interval.

    >>> spell(Interval(value=0.714, low=0.66, high=0.77, n=90, n_groups=40))
    '0.71 (0.66-0.77)'
    >>> spell(Interval(value=0.031, low=0.0, high=0.052, n=90, n_groups=40), percent=True)
    '3.1% (0.0-5.2)'
    >>> spell(Interval(value=-0.001, low=-0.05, high=0.03, n=90, n_groups=40))
    '0.00 (-0.05 to 0.03)'
    >>> spell(Interval(value=None, low=None, high=None, n=0, n_groups=0))
    'n/a'
    """
    if interval is None or interval.value is None:
        return UNDEFINED
    scale, digits, sign = (100, 1, "%") if percent else (1, 2, "")
    ends = [UNDEFINED if end is None else f"{end * scale:z.{digits}f}" for end in (interval.low, interval.high)]
    between = " to " if any(end.startswith("-") for end in ends) else "-"
    return f"{interval.value * scale:z.{digits}f}{sign} ({ends[0]}{between}{ends[1]})"


def spell_change(interval: Interval | None, digits: int = 2) -> str:
    """A figure that may lie on either side of 0, with its interval.

    >>> spell_change(Interval(value=-0.001, low=-0.05, high=0.03, n=90, n_groups=40))
    '+0.00 (-0.05 to +0.03)'
    """
    if interval is None or interval.value is None or interval.low is None or interval.high is None:
        return spell(interval)
    value, low, high = (f"{one:+z.{digits}f}" for one in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"


def first_sentence(results: Sequence[Result], audit: Audit) -> str:
    """The finding, led by "Biased:" for a biased corpus and by "Control with shuffled labels:" for such a run."""
    setup = one_setup(results)
    said = _shuffled(results) if setup.labels == "shuffled" else _capital(_best(results))
    if audit.biased or any(result.biased for result in results):
        reason = audit.reason.strip().rstrip(".") or "these results were made on a corpus marked as biased"
        return f"Biased: {reason}. {said}"
    return said


def notes(results: Iterable[Result]) -> list[str]:
    """What these results do not say: the limits of all of them, each once, in order."""
    return list(dict.fromkeys(limit for result in results for limit in result.limits))


def _best(results: Sequence[Result]) -> str:
    detectors = [result for result in results if not result.control]
    if not detectors:
        return "only controls were run, so no detector was measured."
    best, later = _highest(detectors)
    who = f"the best of {len(detectors)} detectors here" if len(detectors) > 1 else "the one detector here"
    same = same_period(best, MAIN_VIEW)
    if later is None and same is None:
        return "no detector here has a defined AUROC."
    known = f"AUROC {spell(same)} on generators of the last period it was trained on"
    if later is None:
        return f"{who}, {best.detector}, has {known}; how it does on later ones was not measured."
    lasts = _lasting(best)
    if same is None:
        later_said = f"AUROC {spell(later)} on generators of the next period{_chance(later)}"
        return f"{who}, {best.detector}, has {later_said}{lasts}."
    return f"{who}, {best.detector}, has {known} and {spell(later)} on those of the next period{_chance(later)}{lasts}."


def _lasting(result: Result) -> str:
    """How long the best detector stays right; nothing where that was not asked."""
    found = half_life(result, MAIN_VIEW)
    if found is None:
        return ""
    if not found.detectable or found.months is None:
        if found.low is None:
            return "; among later generators no decay is detectable, and these data set no bound to its half-life"
        fitted = ", if skill falls as fitted" if found.low > found.span else ""
        return (
            f"; among later generators no decay is detectable over the {found.span:.0f} months that the data span: "
            f"its half-life is at least {found.low:.0f} months{fitted}"
        )
    beyond = f", beyond the {found.span:.0f} months that the data span" if found.months > found.span else ""
    return f"; among later generators half of its skill is gone within {spell_months(found)} of the cutoff{beyond}"


def _shuffled(results: Sequence[Result]) -> str:
    detectors = [result for result in results if not result.control] or results
    highest, later = _highest(detectors)
    if later is None:
        return f"Control with shuffled labels: {_farthest(detectors)}."
    told = (
        "which includes chance, as it should"
        if _includes_chance(later)
        else "which excludes chance: something leaks, or this seed is an odd one, and others must say"
    )
    return (
        f"Control with shuffled labels: the highest AUROC on the next period is {spell(later)}, "
        f"by {highest.detector}, {told}."
    )


def _farthest(results: Sequence[Result]) -> str:
    """Where no next period was measured: the mean over all windows that lies farthest from chance."""
    known = {result.detector: [one.value for one in cells_of(result, MAIN_VIEW).values()] for result in results}
    means = {name: fmean(one for one in each if one is not None) for name, each in known.items() if any(each)}
    if not means:
        return "no AUROC is defined"
    name = max(means, key=lambda one: abs(means[one] - CHANCE))
    return f"the mean AUROC over all windows that lies farthest from chance, 0.50, is {means[name]:.2f}, by {name}"


def _highest(results: Sequence[Result]) -> tuple[Result, Interval | None]:
    """The highest on the next period, or on the same one where no next period is defined; and its next period."""

    def height(result: Result) -> tuple[bool, float]:
        later, same = next_period(result, MAIN_VIEW), same_period(result, MAIN_VIEW)
        figure = later if _defined(later) else same
        value = figure.value if figure is not None else None
        return _defined(later), float("-inf") if value is None else value

    highest = max(results, key=height)
    later = next_period(highest, MAIN_VIEW)
    return highest, later if _defined(later) else None


def _chance(interval: Interval) -> str:
    return ", where chance cannot be excluded" if _includes_chance(interval) else ""


def _includes_chance(interval: Interval) -> bool:
    return interval.low is None or interval.high is None or interval.low <= CHANCE <= interval.high


def _defined(interval: Interval | None) -> bool:
    return interval is not None and interval.value is not None


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
