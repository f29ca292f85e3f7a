"""Random choices as the planners need them: rounded, so that a recipe is short, and of plain Python types."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from redqueen.files import seed_from

T = TypeVar("T")


class Dice:
    """A seeded stream of choices; the same parts give the same stream on every machine."""

    def __init__(self, *parts: object) -> None:
        self._rng = np.random.default_rng(seed_from(*parts))

    def between(self, low: float, high: float) -> float:
        """A number in [low, high), to three places."""
        return round(float(self._rng.uniform(low, high)), 3)

    def count(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return int(self._rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """True in `share` of all cases."""
        return bool(self._rng.random() < share)

    def one(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self._rng.integers(len(items)))]

    def some(self, items: Sequence[T], number: int) -> list[T]:
        """That many of the items in random order, none twice before all were taken once."""
        order: list[int] = []
        while len(order) < number:
            order += self._rng.permutation(len(items)).tolist()
        return [items[i] for i in order[:number]]

    def weighted(self, shares: Mapping[T, float]) -> T:
        """One of the keys, as often as its share of the sum says."""
        keys = list(shares)
        weights = np.array([shares[key] for key in keys])
        return keys[int(self._rng.choice(len(keys), p=weights / weights.sum()))]

    def off_one(self, low: float, high: float) -> float:
        """A factor well off 1, on either side, within [low, high]."""
        return self.between(low, 0.8) if self.chance(0.5) else self.between(1.2, high)

    def seed(self) -> int:
        """A seed for the roughness of an edge."""
        return int(self._rng.integers(2**31))

    def side(self, low: int, high: int) -> int:
        """A length in pixels, evenly spread over ratios."""
        return round(float(np.exp(self._rng.uniform(np.log(low), np.log(high)))))
