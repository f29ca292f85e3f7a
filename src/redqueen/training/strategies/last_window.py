"""Train on the newest window alone: the cheapest, and it forgets.

With the previous weights it is plain fine-tuning, the usual lower bound of continual learning ("None" in van de Ven and
Tolias, "Three scenarios for continual learning", 2019, arXiv 1904.07734); with fresh weights it shows what one window
alone can teach.
"""

from redqueen.corpus.store import Corpus
from redqueen.training.strategies.strategy import NONE, Names, Rows, before


class LastWindow:
    """The last window up to the cutoff.

    Args:
        fresh: start from fresh weights, not from those of the cutoff before.
    """

    name = "last_window"

    def __init__(self, fresh: bool = False) -> None:
        self.fresh = fresh

    @property
    def label(self) -> str:
        """Name and settings."""
        return self.name + ", fresh weights" * self.fresh

    def windows(self, seen: Names) -> Names:
        """The last one."""
        return tuple(seen[-1:])

    def start(self, seen: Names) -> str | None:
        """The cutoff before, unless `fresh`."""
        return None if self.fresh else before(seen)

    def replayed(self, corpus: Corpus, seen: Names, seed: int) -> Rows:  # noqa: ARG002
        """Nothing."""
        return NONE
