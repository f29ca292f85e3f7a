"""Train on everything up to the cutoff, from fresh weights: the dearest, and what the others are measured against."""

from redqueen.corpus.store import Corpus
from redqueen.training.strategies.strategy import NONE, Names, Rows


class Cumulative:
    """Every window up to the cutoff, each time from scratch."""

    name = "cumulative"

    @property
    def label(self) -> str:
        """Name and settings."""
        return self.name

    def windows(self, seen: Names) -> Names:
        """All of them."""
        return tuple(seen)

    def start(self, seen: Names) -> str | None:  # noqa: ARG002
        """Fresh weights."""
        return None

    def replayed(self, corpus: Corpus, seen: Names, seed: int) -> Rows:  # noqa: ARG002
        """Nothing is left out that could be replayed."""
        return NONE
