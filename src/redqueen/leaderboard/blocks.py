"""A table of scores, cut into what one detector says of one view."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.scores import Scores


@dataclass(frozen=True)
class Block:
    """The rows of one cutoff and view, in the order of the file.

    Attributes:
        cutoff: name of the window.
        view: of the suite.
        ids: (n,).
        scores: (n,); NaN where there is none.
        status: (n,).
    """

    cutoff: str
    view: str
    ids: NDArray[np.str_]
    scores: NDArray[np.float64]
    status: NDArray[np.str_]

    @property
    def where(self) -> str:
        """Names it in a message."""
        return f"cutoff {self.cutoff}, view {self.view}"


def blocks_of(scores: Scores, benchmark: Benchmark) -> Iterator[Block]:
    """The table cut into its (cutoff, view), in the order of the benchmark; one that is missing is empty."""
    for cutoff in benchmark.card.cutoffs:
        own = scores.table.filter(pc.equal(scores.table.column("cutoff"), cutoff))
        for view in benchmark.card.views:
            part = own.filter(pc.equal(own.column("view"), view))
            yield Block(
                cutoff,
                view,
                np.asarray(part.column("image_id").to_pylist(), np.str_),
                np.asarray(part.column("score").to_numpy(zero_copy_only=False), np.float64),
                np.asarray(part.column("status").to_pylist(), np.str_),
            )


def some(lines: Sequence[str]) -> str:
    """The first five, and how many more."""
    return "; ".join(lines[:5]) + (f"; and {len(lines) - 5} more" if len(lines) > 5 else "")
