"""The tables of the leaderboard: each cell as text for the page and as figures to sort by and to download."""

from collections.abc import Sequence
from dataclasses import dataclass

from redqueen.leaderboard.board import FEWEST, VIEW, Board, Row
from redqueen.report.dots import values
from redqueen.report.finding import UNDEFINED, measured, next_period, spell_months, view_names
from redqueen.types import HalfLife, Interval

STEPS = 20  # shades of a heat map
SLICES = {  # sort of slices -> what a reader calls it
    "kind": "kind of human-made picture",
    "style": "style of human-made picture",
    "prompt": "prompt",
    "topic": "topic",
    "country": "developer's country",
    "family": "family of generators",
}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: names it in the page's address.
        title: its heading.
        note: a second line of the heading.
        falls: whether the first click sorts it from the highest down.
        group: of columns that are shown or hidden together.
        percent: whether its figures are shares.
        words: whether it holds no figure.
    """

    key: str
    title: str
    note: str = ""
    falls: bool = True
    group: str = ""
    percent: bool = False
    words: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in a cell.

    Attributes:
        text: the figure, or a word.
        small: what stands under it: its interval.
        of: whom it is of, under that.
        sort: what it is sorted by; None comes last either way.
        low: lower end of the interval.
        high: upper end.
        shade: step of the heat map's colours; None for none.
    """

    text: str
    small: str = ""
    sort: float | str | None = None
    low: float | None = None
    high: float | None = None
    shade: int | None = None
    of: str = ""


@dataclass(frozen=True)
class Grid:
    """A table of submissions: `cells[row][column]`, rows in the board's order."""

    name: str
    caption: str
    columns: Sequence[Column]
    cells: Sequence[Sequence[Cell]]


NOTHING = Cell(UNDEFINED)


def figure(one: Interval | None, percent: bool = False, of: str = "", shaded: bool = False) -> Cell:
    """A figure over its interval."""
    if one is None or one.value is None:
        return NOTHING
    scale, digits, sign = (100, 1, " %") if percent else (1, 2 if shaded else 3, "")
    ends = [f"{end * scale:.{digits}f}" for end in (one.low, one.high) if end is not None]
    shade = min(STEPS, max(0, round(one.value * STEPS))) if shaded else None
    return Cell(
        f"{one.value * scale:.{digits}f}{sign}",
        "–".join(ends) or "no interval",
        one.value,
        one.low,
        one.high,
        shade,
        of,
    )


def months(one: HalfLife | None) -> Cell:
    """A half-life, sorted by its estimate, or by its bound where no decay is detectable."""
    if one is None:
        return NOTHING
    value, small, _ = spell_months(one).replace("months", "").strip(), "", None
    if one.detectable and one.months is not None:
        value, _, small = value.partition(" ")
        small = small.strip("()").replace("-", "–")
        return Cell(f"{value} months", small, one.months, one.low, one.high)
    if one.low is None:
        return Cell("no bound", "", None)
    return Cell(f"≥ {one.low:.0f} months", "no decay seen", one.low, one.low, None)


def overview(board: Board) -> Grid:
    """The table of the first view."""
    columns = [
        Column("rank", "Rank", "95 % interval", falls=False),
        Column("tie", "Tie", "group", falls=False),
        Column("next", "Next period", "AUROC, clean"),
        Column("same", "Last training period", "AUROC, clean"),
        Column("worst", "Worst generator", f"of ≥ {FEWEST} pictures"),
        Column("photo", "False alarms", "photographs", falls=False, percent=True),
        Column("collage", "False alarms", "collages", falls=False, percent=True),
        Column("lost", "Lost to sharing", "worst platform", falls=False),
        Column("half", "Half-life", "clean"),
        Column("tier", "Tier", "", words=True, falls=False),
        Column("cost", "Cost", "pictures trained on", falls=False),
        Column("date", "Published", "", words=True),
    ]
    return Grid("overview", f"Submissions on {board.name}", columns, [overview_cells(row) for row in board.rows])


def overview_cells(row: Row) -> list[Cell]:
    """A submission's cells of the first view."""
    rank, event, worst, lost = row.rank, row.record.published, row.worst, row.laundered
    ranked = (
        Cell("–", "control" if row.result.control else "not ranked") if rank is None else _rank(rank.low, rank.high)
    )
    return [
        ranked,
        Cell("–") if rank is None else Cell(letters(rank.tie_group), "", rank.tie_group),
        figure(row.headline),
        figure(row.same),
        NOTHING if worst is None else figure(worst.auroc, of=worst.generator),
        figure(row.photo, percent=True),
        figure(row.collage, percent=True),
        NOTHING if lost is None else figure(lost.lost, of=lost.view),
        months(row.half_life),
        Cell(row.record.tier, "", row.record.tier),
        NOTHING if row.pictures is None else Cell(f"{row.pictures:,}", "", row.pictures),
        Cell("–") if event is None else Cell(event.date, "", event.date),
    ]


def _rank(low: int, high: int) -> Cell:
    return Cell(f"{low}" if low == high else f"{low}–{high}", "", low + high / 1000, low, high)


def letters(number: int) -> str:
    """A, B, …, Z, AA, AB, … of 1, 2, and so on.

    >>> letters(1), letters(26), letters(27)
    ('A', 'Z', 'AA')
    """
    found = ""
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(65 + rest) + found
    return found


def generators(board: Board) -> Grid:
    """Detector against generator: AUROC on a generator's pictures in the period after training, oldest first."""
    large = (one for row in board.rows for one in row.result.generators if one.view == VIEW and one.pictures >= FEWEST)
    dated = sorted({(one.released, one.generator) for one in large})
    columns = [Column(f"g:{name}", name, released) for released, name in dated]
    cells = []
    for row in board.rows:
        found = {f"g:{one.generator}": one.auroc for one in row.result.generators if one.view == VIEW}
        cells.append([figure(found.get(column.key), shaded=True) for column in columns])
    return Grid("generators", "AUROC by generator, each met in the period after training, clean", columns, cells)


def platforms(board: Board) -> Grid:
    """Detector against view: AUROC on the next period."""
    views = view_names([row.result for row in board.rows])
    columns = [Column(f"v:{view}", view.replace("_", " › ")) for view in views]
    cells = [[figure(next_period(row.result, view), shaded=True) for view in views] for row in board.rows]
    return Grid("platforms", "AUROC on the next period after each treatment", columns, cells)


def slices(board: Board) -> Grid:
    """Detector against slice: AUROC on the next period, clean."""
    columns, cells = list[Column](), [list[Cell]() for _ in board.rows]
    for by in SLICES:
        each = [values(row.result, by) for row in board.rows]
        for name in sorted({name for found in each for name in found}):
            columns.append(Column(f"s:{by}:{name}", name, group=by))
            for own, found in zip(cells, each, strict=True):
                own.append(figure(found.get(name), shaded=True))
    return Grid("slices", "AUROC on the next period by slice, clean", columns, cells)


METRICS = {  # what the column of the next period may show: heading, whether a share, whether high is good
    "auroc": ("AUROC", False, True),
    "average_precision": ("average precision", False, True),
    "equal_error_rate": ("equal error rate", True, False),
    "tpr_at_fpr_0.01": ("found at 1 % false alarms", True, True),
    "tpr_at_fpr_0.05": ("found at 5 % false alarms", True, True),
    "balanced_accuracy": ("balanced accuracy", False, True),
    "brier": ("Brier score", False, False),
    "adaptive_ece": ("calibration error", False, False),
}


def metrics(board: Board) -> dict[str, dict[str, list[Interval | None]]]:
    """Metric -> view -> the figure of each row on the next period; those that no row has are left out."""
    views = view_names([row.result for row in board.rows])
    found = {
        name: {view: [measured(row.result, name, view=view) for row in board.rows] for view in views}
        for name in METRICS
    }
    return {
        name: kept
        for name, by_view in found.items()
        if (kept := {view: each for view, each in by_view.items() if any(each)})
    }
