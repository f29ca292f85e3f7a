"""The order in which training rows are drawn: draw n depends on (seed, n) alone, so a resumed run sees the same.

Rows fall into strata: the classes, or within each class the generators (of human-made pictures: the kinds). Each
stratum is shuffled anew whenever it is used up.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redqueen.files import seed_from
from redqueen.training.recipe import Balance, BalanceBy

Positions = NDArray[np.int64]


class Draw(NamedTuple):
    """Which row to take, and the seed of its augmentation."""

    position: int
    seed: int


class Draws:
    """An endless sequence of draws; the classes take turns, and within a class its strata, in an order shuffled anew.

    Args:
        classes: strata by name for each class, in the order of their turns; a stratum is an array of positions.
        seed: of everything random.
    """

    def __init__(self, classes: Sequence[Mapping[str, Positions]], seed: int) -> None:
        self.classes, self.seed = [dict(strata) for strata in classes], seed
        self._orders: dict[str, tuple[int, Positions]] = {}

    def between(self, first: int, end: int) -> Iterator[Draw]:
        """Draws number `first` to `end` - 1."""
        for number in range(first, end):
            turn, which = divmod(number, len(self.classes))
            name, again = self._stratum(which, turn)
            round_, place = divmod(again, len(self.classes[which][name]))
            order = self._order(name, round_, self.classes[which][name])
            yield Draw(int(order[place]), seed_from("augment", self.seed, name, again))

    def _stratum(self, which: int, turn: int) -> tuple[str, int]:
        """The stratum that a class's draw number `turn` is taken from, and how many were taken from it before."""
        names = list(self.classes[which])
        if len(names) == 1:
            return names[0], turn
        again, place = divmod(turn, len(names))
        order = self._order(f"strata/{which}", again, np.arange(len(names)))
        return names[order[place]], again

    def _order(self, name: str, round_: int, positions: Positions) -> Positions:
        kept = self._orders.get(name)
        if kept is None or kept[0] != round_:
            shuffled = np.random.default_rng(seed_from("order", self.seed, name, round_)).permutation(positions)
            kept = self._orders[name] = (round_, shuffled)
        return kept[1]


def draws(
    labels: Sequence[int] | Positions, makers: Sequence[str], balance: Balance, by: BalanceBy, seed: int
) -> Draws:
    """The sequence that a recipe asks for.

    Args:
        labels: (n,), 0 or 1.
        makers: (n,), generator or kind of each row.
        balance: what is balanced.
        by: "weights" draws every row equally often.
        seed: of everything random.
    """
    if balance == "none" or by == "weights":
        return Draws([{"all": np.arange(len(labels))}], seed)
    return Draws(list(strata(labels, makers, balance)), seed)


def strata(
    labels: Sequence[int] | Positions, makers: Sequence[str], balance: Balance
) -> Iterator[Mapping[str, Positions]]:
    """Of each class in `labels` its strata by name, in alphabetical order."""
    truth, names = np.asarray(labels), np.asarray(makers, dtype=object)
    for label in (0, 1):
        if balance == "class":
            yield {str(label): np.flatnonzero(truth == label)}
        else:
            found = sorted(set(names[truth == label]))
            yield {f"{label}/{name}": np.flatnonzero((truth == label) & (names == name)) for name in found}


def weights(labels: Sequence[int] | Positions, makers: Sequence[str], balance: Balance) -> NDArray[np.float64]:
    """Of each row what its loss weighs, (n,), mean 1: every stratum of a class the same in sum, both classes too."""
    if balance == "none":
        return np.ones(len(labels))
    result = np.zeros(len(labels))
    for parts in strata(labels, makers, balance):
        for positions in parts.values():
            result[positions] = len(labels) / (2 * len(parts) * len(positions))
    return result
