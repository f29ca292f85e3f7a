"""Train on everything up to the cutoff, from the weights of the cutoff before.

As AI-GenBench trains (Pellegrini et al., IJCNN 2025, arXiv 2504.20865). All pictures must be kept; fewer steps may do.
"""

from redqueen.corpus.store import Corpus
from redqueen.training.strategies.strategy import NONE, Names, Rows, before


class WarmStart:
    """Every window up to the cutoff, from the previous checkpoint."""

    name = "warm_start"

    @property
    def label(self) -> str:
        """Name and settings."""
        return self.name

    def windows(self, seen: Names) -> Names:
        """All of them."""
        return tuple(seen)

    def start(self, seen: Names) -> str | None:
        """The cutoff before."""
        return before(seen)

    def replayed(self, corpus: Corpus, seen: Names, seed: int) -> Rows:  # noqa: ARG002
        """Nothing is left out that could be replayed."""
        return NONE
