"""What a strategy of continual training decides; the names that it gets and gives are those of windows, in time order.

A head with a closed form has one best fit for given rows, wherever the search starts: for it `start` says which
checkpoint came before and changes nothing, so that `warm_start` equals `cumulative` and the strategies differ by their
rows alone.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from redqueen.corpus.store import Corpus

Names = Sequence[str]
Rows = NDArray[np.int64]

NONE: Rows = np.zeros(0, np.int64)


class Strategy(Protocol):
    """How a detector is kept up to date, window after window.

    Attributes:
        name: slug.
    """

    name: str

    @property
    def label(self) -> str:
        """Name and settings, as results record them."""
        ...

    def windows(self, seen: Names) -> Names:
        """Of the windows up to the cutoff, its own last, those whose training and validation rows are learned from."""
        ...

    def start(self, seen: Names) -> str | None:
        """The earlier cutoff whose weights training starts from; None for fresh weights."""
        ...

    def replayed(self, corpus: Corpus, seen: Names, seed: int) -> Rows:
        """Training rows of earlier windows that are learned from again; they depend on seed and `seen` alone."""
        ...


def before(seen: Names) -> str | None:
    """The cutoff before the last one; None at the first.

    >>> before(["2024-01", "2024-02"]), before(["2024-01"])
    ('2024-01', None)
    """
    return seen[-2] if len(seen) > 1 else None
