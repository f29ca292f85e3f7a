"""The tables of a report that have no figure: metrics, generators, an analyst's day, false alarms, the audit."""

import statistics
from collections.abc import Sequence

from redqueen.report.finding import (
    MAIN_VIEW,
    best_of,
    controls_last,
    half_life,
    measured,
    next_period,
    same_period,
    spell,
    spell_months,
)
from redqueen.report.numbers import name_of
from redqueen.report.page import Table
from redqueen.report.table import false_positives
from redqueen.types import HUMAN_KINDS, Audit, Interval, Kind, Result

FEWEST = 10  # test pictures of a generator that is named as the worst
SCREENED = 1_000_000  # pictures in an analyst's example
METRICS = {  # metric -> heading, whether it is a share
    "average_precision": ("Average precision", False),
    "tpr_at_fpr_0.01": ("Found at 1 % false alarms", True),
    "tpr_at_fpr_0.05": ("Found at 5 % false alarms", True),
    "balanced_accuracy": ("Balanced accuracy", False),
    "brier": ("Brier score", False),
    "adaptive_ece": ("Calibration error", False),
    "negative_log_likelihood": ("Log loss", False),
}
_PLURAL: dict[Kind, str] = {"photo": "Photographs", "collage": "Collages", "drawing": "Drawings"}
_PREVALENCES = {"0.01": 100, "0.0001": 10_000}  # as a metric is called -> one picture in so many
_VERDICTS = {
    "leak": "Leak: metadata alone tells generated from human-made pictures",
    "clear": "Clear: metadata alone tells next to nothing",
    "undetermined": "Undetermined: too few pictures to exclude a leak",
}


def lasting(results: Sequence[Result]) -> Table | None:
    """Half-life, slope and skill of every detector, clean; nothing where none was estimated."""
    rows = [
        [name_of(result), spell_months(one), _signed(one.slope), spell(one.skill), str(one.cells), f"{one.span:.0f}"]
        for result in controls_last(results)
        if (one := half_life(result, MAIN_VIEW)) is not None
    ]
    head = ["Detector", "Half-life", "AUROC a year", "Skill at the cutoff", "Cells", "Months they span"]
    return Table("Half-lives, clean, with 95 % intervals", head, rows) if rows else None


def _signed(one: Interval) -> str:
    if one.value is None or one.low is None or one.high is None:
        return spell(one)
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})"


def next_metrics(results: Sequence[Result]) -> Table:
    """Every headline metric on the next period, clean; those that no detector has are left out."""
    metrics = {name: said for name, said in METRICS.items() if any(measured(result, name) for result in results)}
    head = ["Detector", "AUROC, next period", "AUROC, last training period", *(said for said, _ in metrics.values())]
    rows = [
        [
            name_of(result),
            spell(next_period(result, MAIN_VIEW)),
            spell(same_period(result, MAIN_VIEW)),
            *(spell(measured(result, name), percent=share) for name, (_, share) in metrics.items()),
        ]
        for result in controls_last(results)
    ]
    return Table("Mean over the training cutoffs, clean, with 95 % intervals", head, rows)


def by_generator(results: Sequence[Result]) -> Table | None:
    """The mean over generators, each met in the period after training, and the extremes; nothing without generators."""
    rows = []
    for result in controls_last(results):
        found = [one for one in result.generators if one.view == MAIN_VIEW and one.auroc.value is not None]
        large = sorted(
            (one for one in found if one.pictures >= FEWEST), key=lambda one: (one.auroc.value or 0, one.generator)
        )
        if not found:
            continue
        mean = statistics.mean(one.auroc.value for one in found if one.auroc.value is not None)
        ends = [f"{one.generator} ({one.released}): {spell(one.auroc)}" for one in (large[:1] + large[-1:])]
        rows.append([name_of(result), str(len(found)), f"{mean:.2f}", *(ends or ["n/a", "n/a"])])
    caption = f"AUROC by generator, clean; worst and best of those with at least {FEWEST} test pictures"
    return Table(caption, ["Detector", "Generators", "Mean over them", "Worst", "Best"], rows) if rows else None


def screening(results: Sequence[Result]) -> tuple[list[str], Table | None]:
    """What an analyst who screens a million pictures would live with: in words for the best detector, and for all."""
    rows = []
    for result in controls_last(results):
        cells = [_screened(result, name) for name in _PREVALENCES]
        if any(cells):
            rows.append([name_of(result), *(cell for found in cells for cell in found or ("n/a",) * 3)])
    if not rows:
        return [], None
    head = ["Detector"]
    for one in _PREVALENCES.values():
        head += [f"1 in {one:,}: flagged", "right", "right of those flagged"]
    best, words = best_of(results), []
    for name, one in _PREVALENCES.items():
        found = _screened(best, name)
        if found is not None:
            words.append(
                f"Of {SCREENED:,} pictures with {SCREENED // one:,} AI-generated ones, {best.detector} flags "
                f"{found[0]} at its threshold, of which {found[1]} are right. Averaged over the cutoffs, "
                f"{found[2]} of the flagged pictures are AI-generated."
            )
    return words, Table(f"Of {SCREENED:,} pictures, at the validation threshold, on the next period, clean", head, rows)


def _screened(result: Result, prevalence: str) -> tuple[str, str, str] | None:
    """Pictures flagged, those that are right among them, and their share with its interval."""
    rates = [measured(result, name) for name in ("true_positive_rate", "false_positive_rate")]
    precision = measured(result, f"precision_at_prevalence_{prevalence}")
    tpr, fpr = (None if rate is None else rate.value for rate in rates)
    if tpr is None or fpr is None:
        return None
    made = SCREENED // _PREVALENCES[prevalence]
    hits, alarms = round(made * tpr), round((SCREENED - made) * fpr)
    return _rounded(hits + alarms), _rounded(hits), _share(precision)


def _rounded(number: int) -> str:
    """Three digits that count.

    >>> _rounded(101_249), _rounded(80)
    ('101,000', '80')
    """
    return f"{int(float(f'{number:.3g}')):,}"


def _share(one: Interval | None) -> str:
    """A percentage that may be far below 1."""
    if one is None or one.value is None or one.low is None or one.high is None:
        return "n/a"
    digits = 1 if one.value >= 0.01 else 2  # noqa: PLR2004
    return f"{one.value:.{digits}%} ({100 * one.low:.{digits}f}-{100 * one.high:.{digits}f})"


def alarms(results: Sequence[Result], views: Sequence[str]) -> Table:
    """Human-made pictures taken for generated ones, at the last cutoff, under some views."""
    rows, ends = [], set()
    for result, view in ((result, view) for result in controls_last(results) for view in views):
        found = [false_positives(result, kind, view) for kind in HUMAN_KINDS]
        ends |= {entry.trained_up_to for entry in found if entry is not None}
        named = [name_of(result), view] if len(views) > 1 else [name_of(result)]
        rows.append([*named, *(_with_count(entry.rate if entry else None) for entry in found)])
    until = f", trained up to {', '.join(sorted(ends))}" if ends else ""
    under = f", view {views[0]}" if len(views) == 1 else ""
    caption = f"Share of human-made pictures taken for generated ones at the validation threshold{until}{under}"
    head = ["Detector", *(["View"] if len(views) > 1 else []), *(_PLURAL[kind] for kind in HUMAN_KINDS)]
    return Table(caption, head, rows)


def _with_count(rate: Interval | None) -> str:
    return spell(rate, percent=True) + (f" of {rate.n}" if rate is not None and rate.value is not None else "")


def audited(audit: Audit) -> Table:
    """What a probe of metadata tells, window by window."""
    rows = [
        [entry.window, spell(entry.before), spell(entry.after), str(entry.after.n), _VERDICTS[entry.verdict]]
        for entry in audit.windows
    ]
    verdict = "Biased" if audit.biased else "Not biased"
    mean = ["Mean", spell(audit.mean_before), spell(audit.mean_after), str(audit.mean_after.n), verdict]
    head = ["Window", "Before matching", "After matching", "Pictures", "Verdict"]
    return Table("AUROC of a probe that sees metadata alone (0.5: it sees nothing)", head, [*rows, mean])
