"""The numbers behind a figure, once: as a table in the page and as CSV beside the figure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from redqueen.report.finding import UNDEFINED, spell
from redqueen.report.page import Table
from redqueen.types import Interval

Cell = str | int | float | Interval | None
_ENDS = ("", " low", " high", " pictures", " groups")


@dataclass(frozen=True)
class Data:
    """Rows of cells; in CSV an interval takes five columns.

    Attributes:
        name: of the file.
        caption: what the rows are.
        head: names of the columns.
        intervals: which of them hold intervals.
        rows: cells; None is unknown.
    """

    name: str
    caption: str
    head: Sequence[str]
    intervals: frozenset[str]
    rows: Sequence[Sequence[Cell]]

    def table(self) -> Table:
        """For the page: intervals spelled."""
        return Table(self.caption, self.head, [[_spelled(cell) for cell in row] for row in self.rows])

    def csv(self) -> str:
        """For a machine: all digits, nothing where nothing is known; a name that looks like a formula is quoted."""
        head = [f"{name}{end}" for name in self.head for end in (_ENDS if name in self.intervals else ("",))]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head)
        for row in self.rows:
            writer.writerow([one for name, cell in zip(self.head, row, strict=True) for one in self._wide(name, cell)])
        return out.getvalue()

    def _wide(self, name: str, cell: Cell) -> list[str]:
        if name not in self.intervals:
            return [_plain(cell)]
        if not isinstance(cell, Interval):
            return [""] * len(_ENDS)
        return ["" if one is None else str(one) for one in (cell.value, cell.low, cell.high, cell.n, cell.n_groups)]


def _spelled(cell: Cell) -> str:
    if cell is None:
        return UNDEFINED
    if isinstance(cell, Interval):
        return spell(cell)
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)


def _plain(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text[:1] in ("=", "+", "-", "@") else text
