"""The results as a Markdown table, for the README and for pages that show Markdown."""

from collections.abc import Sequence

from redqueen.report.finding import (
    MAIN_VIEW,
    UNDEFINED,
    controls_last,
    few_views,
    half_life,
    lowest_view,
    main_part,
    next_period,
    one_setup,
    same_period,
    spell,
    spell_months,
    view_names,
)
from redqueen.report.table import false_positives
from redqueen.types import Kind, Result

ALARMS: tuple[Kind, ...] = ("photo", "collage")


def matrix(results: Sequence[Result]) -> str:
    """One row a detector, controls last: same- and next-period AUROC under each view, false-positive rates.

    Of more views than a reader takes in, clean and the lowest. Half-lives have a column where any was estimated, and
    next periods where the protocol has more than one window.
    """
    one_setup(results)
    views = few_views(results)
    lowest, lasting = views != view_names(results), any(half_life(result, MAIN_VIEW) for result in results)
    head = ["detector"]
    periods = ("same", "next") if main_part(results[0]) == "next" else ("same",)
    head += [f"{period} period, {view}" for view in views for period in periods]
    head += [f"{periods[-1]} period, lowest view"] * lowest + ["half-life"] * lasting
    head += [f"false positives, {kind}s" for kind in ALARMS]
    rows = [head, ["---"] * len(head), *(_row(result, views, lowest, lasting) for result in controls_last(results))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _row(result: Result, views: Sequence[str], lowest: bool, lasting: bool) -> list[str]:
    cells = [f"{_escape(result.detector)} (control)" if result.control else _escape(result.detector)]
    for view in views:
        cells.append(spell(same_period(result, view)))
        cells += [spell(next_period(result, view))] if main_part(result) == "next" else []
    if lowest:
        found = lowest_view(result)
        cells.append(UNDEFINED if found is None else f"{spell(found[1])}, {_escape(found[0])}")
    if lasting:
        cells.append(spell_months(half_life(result, MAIN_VIEW)))
    for kind in ALARMS:
        entry = false_positives(result, kind, views[0])
        cells.append(spell(entry.rate if entry else None, percent=True))
    return cells


def _escape(text: str) -> str:
    """A name that cannot end its cell or its line."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
