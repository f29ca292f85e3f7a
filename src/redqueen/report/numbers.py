"""The numbers behind each figure."""

from collections.abc import Sequence

from redqueen.report.calibrated import points
from redqueen.report.data import Cell, Data
from redqueen.report.dots import values
from redqueen.report.figures import found_by_window
from redqueen.report.finding import (
    MAIN_VIEW,
    RATE,
    cells_of,
    controls_last,
    half_life,
    measured,
    next_period,
    same_period,
    spell_months,
    spell_part,
    view_names,
)
from redqueen.report.skill import cells_by_age
from redqueen.report.view_map import FLIPPED, LOST
from redqueen.types import Interval, Result


def name_of(result: Result) -> str:
    """A detector, or a control, said to be one."""
    return f"{result.detector} (control)" if result.control else result.detector


def half_lives(results: Sequence[Result]) -> Data:
    """Half-life, slope and skill of every detector under every view."""
    head = ["Detector", "View", "Half-life", "Months", "Low", "High", "AUROC per year", "Fitted skill after the cutoff"]
    head += ["Cells", "Span in months", "TPR at 1 % FPR, last training period", "TPR at 1 % FPR, next period"]
    rows: list[list[Cell]] = []
    for result in controls_last(results):
        for view in view_names([result]):
            one = half_life(result, view)
            rates: list[Cell] = [measured(result, RATE, part, view) for part in ("same", "next")]
            if one is not None:
                told: list[Cell] = [spell_months(one), one.months, one.low, one.high, one.slope, one.skill]
                rows.append([name_of(result), view, *told, one.cells, one.span, *rates])
            elif rates != [None, None]:
                rows.append([name_of(result), view, *[None] * 8, *rates])
    return Data("half-life", "Half-lives, and what they rest on", head, frozenset([*head[6:8], *head[10:]]), rows)


def ages(results: Sequence[Result]) -> Data:
    """Every cell from the cutoff's own window on, by age."""
    head = ["Detector", "Trained up to", "Tested on", "Months after the cutoff", "AUROC"]
    rows: list[list[Cell]] = []
    for result in controls_last(results):
        found = cells_of(result, MAIN_VIEW)
        for cells in cells_by_age(result, MAIN_VIEW):
            for window, age in zip(cells.tested, cells.points[0], strict=True):
                one = found[cells.cutoff.name, window.name]
                rows.append([name_of(result), cells.cutoff.name, window.name, float(age), one])
    return Data("half-life-cells", f"Cells by age, view {MAIN_VIEW}", head, frozenset(["AUROC"]), rows)


def cells(results: Sequence[Result], view: str, name: str, title: str) -> Data:
    """Every cell of a view, in the order of detectors, cutoffs and windows; pairs without a cell are unknown."""
    head = ["Detector", "Trained up to", "Tested on", "Part", "AUROC", "Pictures", "Groups"]
    rows: list[list[Cell]] = []
    for result in controls_last(results):
        names, found = [window.name for window in result.windows], cells_of(result, view)
        trained = [one for one in names if any(one == pair[0] for pair in found)]
        for row, column in ((row, column) for row in trained for column in names):
            one = found.get((row, column))
            part = "future" if names.index(column) > names.index(row) else "past"
            counts: list[Cell] = [None, None] if one is None else [one.n, one.n_groups]
            rows.append([name_of(result), row, column, part, one, *counts])
    return Data(name, f"{title}, all cells", head, frozenset(["AUROC"]), rows)


def found(results: Sequence[Result]) -> Data:
    """What is found at 1 % false alarms of each window as it comes out."""
    head = ["Detector", "Window", "Found at 1 % false alarms"]
    rows: list[list[Cell]] = [
        [name_of(result), window, one]
        for result in controls_last(results)
        for window, one in found_by_window(result).items()
    ]
    return Data("found", "Found at 1 % false alarms, each window as it comes out", head, frozenset(head[2:]), rows)


def slices(results: Sequence[Result], sorts: Sequence[str], name: str, title: str) -> Data:
    """AUROC of each slice, on the period that the report is about."""
    rows: list[list[Cell]] = [
        [name_of(result), by, slice_, figure]
        for result in controls_last(results)
        for by in sorts
        for slice_, figure in values(result, by).items()
    ]
    head = ["Detector", "By", "Slice", "AUROC"]
    caption = f"{title}: AUROC on {spell_part(results[0])}, view {MAIN_VIEW}"
    return Data(name, caption, head, frozenset(["AUROC"]), rows)


def views(results: Sequence[Result]) -> Data:
    """What each view leaves of each detector."""
    head = ["Detector", "View", "AUROC, last training period", "AUROC, next period"]
    head += ["AUROC lost against clean", "Verdicts flipped", "Half-life"]
    rows: list[list[Cell]] = []
    for result in controls_last(results):
        for view in view_names(results):
            periods: list[Interval | None] = [same_period(result, view), next_period(result, view)]
            costs = [measured(result, metric, view=view) for metric in (LOST, FLIPPED)]
            rows.append([name_of(result), view, *periods, *costs, spell_months(half_life(result, view))])
    return Data("views", "Mean over the training cutoffs, by view", head, frozenset(head[2:6]), rows)


def reliability(results: Sequence[Result]) -> Data:
    """The points of all reliability diagrams."""
    head = ["Detector", "Lowest probability", "Highest probability", "Mean probability", "Share generated", "Pictures"]
    rows: list[list[Cell]] = [
        [name_of(result), f"{one.low:.4f}", f"{one.high:.4f}", f"{one.probability:.4f}", one.share, one.share.n]
        for result in controls_last(results)
        for one in points(result)
    ]
    return Data("reliability", "Pictures of like probability", head, frozenset(["Share generated"]), rows)
