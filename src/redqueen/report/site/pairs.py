"""Who differs from whom: the differences of the best submissions, every two of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from redqueen.leaderboard.board import Board, Pair

MATRIX = 10  # submissions that fit a matrix; of more, each beside the one below it
ALPHA = 0.05


@dataclass(frozen=True)
class Against:
    """One cell: the row's submission less the column's.

    Attributes:
        text: the difference.
        small: its interval, and p.
        verdict: "better", "worse" or "tied", by p after Holm; empty on the diagonal.
    """

    text: str
    small: str
    verdict: str


@dataclass(frozen=True)
class Pairs:
    """A matrix of the best, and each submission beside the one below it.

    Attributes:
        names: in the matrix.
        cells: `cells[row][column]`; None on the diagonal.
        steps: the higher one, the lower one, their difference.
        number: of pairs that p is adjusted for.
        compared: submissions in them.
        ranked: submissions that have a rank.
    """

    names: Sequence[str]
    cells: Sequence[Sequence[Against | None]]
    steps: Sequence[tuple[str, str, Against]]
    number: int
    compared: int
    ranked: int


def matrix(board: Board) -> Pairs:
    """The differences as the page shows them."""
    order = [row.record.submission for row in board.rows if row.rank is not None]
    found = {(one.higher, one.lower): one for one in board.pairs}
    names = [name for name in order if any(name in key for key in found)]
    shown = names[:MATRIX]
    cells = [[_cell(found, one, other) for other in shown] for one in shown]
    steps = [(one, other, _against(found[one, other], 1)) for one, other in zip(names, names[1:], strict=False)]
    return Pairs(shown, cells, steps, len(found), len(names), len(order))


def _cell(found: dict[tuple[str, str], Pair], one: str, other: str) -> Against | None:
    if one == other:
        return None
    return _against(found[one, other], 1) if (one, other) in found else _against(found[other, one], -1)


def _against(pair: Pair, sign: int) -> Against:
    """A pair as its higher one sees it, or with sign -1 its lower one."""
    interval, p = pair.difference.interval, pair.p_adjusted
    if interval.value is None or interval.low is None or interval.high is None or p is None:
        return Against("n/a", "", "tied")
    low, high = sorted((sign * interval.low, sign * interval.high))
    verdict = "tied" if p > ALPHA else "better" if sign * interval.value > 0 else "worse"
    told = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"  # noqa: PLR2004
    return Against(f"{sign * interval.value:+.3f}", f"{low:+.3f} to {high:+.3f}, {told}", verdict)
