"""One cutoff under one strategy: the rows to learn from, the weights to start from, and what a record says of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector
from redqueen.training.checkpoint import Checkpoint
from redqueen.training.strategies.strategy import Rows, Strategy


@dataclass(frozen=True)
class Lesson:
    """What training up to the last of the windows `seen` is made of.

    Attributes:
        strategy: decides it.
        seen: names of the windows up to the cutoff, in time order.
        earlier: the checkpoint to start from, if the strategy starts from one.
        seed: of the memory.
    """

    strategy: Strategy
    seen: tuple[str, ...]
    earlier: Checkpoint | None
    seed: int

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows whose rows are learned from."""
        return tuple(self.strategy.windows(self.seen))

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What a checkpoint depends on besides `windows`; empty where all that was seen is learned from fresh weights.

        So is the first cutoff under every strategy, which therefore share its checkpoint.
        """
        if self.windows == self.seen and self.earlier is None:
            return {}
        start = self.earlier.digest if self.earlier else None
        return {"strategy": {"name": self.strategy.name, **vars(self.strategy)}, "seen": self.seen, "start": start}

    def replayed(self, corpus: Corpus) -> Rows:
        """The rows of the memory."""
        return self.strategy.replayed(corpus, self.seen, self.seed)

    def begin(self, detector: Detector, corpus: Corpus) -> Detector:
        """The detector with the weights to start from."""
        return self.earlier.restore(detector, corpus.digest) if self.earlier else detector

    def record(self, corpus: Corpus, learned: Rows, replayed: Rows) -> Mapping[str, Any]:
        """What was learned from: strategy, start, windows, pictures of the memory, all generators seen so far."""
        made_by, label = corpus.column("generator")[learned], corpus.column("label")[learned]
        known = set(self.earlier.record["generators"]) if self.earlier else set()
        return {
            "strategy": self.inputs.get("strategy", {"name": "cumulative"}),
            "start": self.inputs.get("start"),
            "windows": self.windows,
            "replayed": len(replayed),
            "generators": sorted(known | set(made_by[label == 1])),
        }
