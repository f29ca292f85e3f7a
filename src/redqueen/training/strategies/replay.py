"""Train on the newest window and on a memory of fixed size, from the weights of the cutoff before.

Experience replay with a memory that is balanced over classes, as Chaudhry et al., "On Tiny Episodic Memories in
Continual Learning", 2019 (arXiv 1902.10486) describe; here balanced over generators, too.
"""

from collections.abc import Iterator

import numpy as np

from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.training.strategies.strategy import Names, Rows, before


class Replay:
    """The last window and `budget` training pictures of the windows before it.

    Half of the memory is human-made, in turns over the kinds; half is generated, in turns over the generators. Within
    each, groups come in an order that the seed decides, so that pictures of one group stay together. A row that a later
    memory holds was in every earlier one since its window, as a memory that is really kept must be. The two halves are
    chosen apart: unlike the windows, the memory is not matched picture by picture.

    Validation is the last window's, so the threshold is that of the newest pictures.

    Args:
        budget: training pictures in the memory, even.
        fresh: start from fresh weights, not from those of the cutoff before.
    """

    name = "replay"

    def __init__(self, budget: int = 200, fresh: bool = False) -> None:
        if budget < 2 or budget % 2:
            raise UserError(f"strategy.budget={budget}: give an even number from 2, half of the memory is human-made")
        self.budget, self.fresh = budget, fresh

    @property
    def label(self) -> str:
        """Name and settings."""
        return f"{self.name}, budget {self.budget}" + ", fresh weights" * self.fresh

    def windows(self, seen: Names) -> Names:
        """The last one; the others speak through the memory."""
        return tuple(seen[-1:])

    def start(self, seen: Names) -> str | None:
        """The cutoff before, unless `fresh`."""
        return None if self.fresh else before(seen)

    def replayed(self, corpus: Corpus, seen: Names, seed: int) -> Rows:
        """The memory: rows of the training split of earlier windows, in table order."""
        rows = corpus.rows("train", seen[:-1])
        labels = corpus.column("label")[rows]
        halves = [_in_turns(corpus, rows[labels == label], seed)[: self.budget // 2] for label in (0, 1)]
        return np.sort(np.concatenate(halves))


def _in_turns(corpus: Corpus, rows: Rows, seed: int) -> Rows:
    """The rows, one of each generator (or kind of human-made picture) in turn.

    A row's turn is its place within its generator, which more rows can only put off: so the beginning of this order, at
    any length, loses rows as rows are added and regains none.
    """
    turns: list[tuple[int, int, int]] = []
    for rank, members in _strata(corpus, rows, seed):
        turns += [(turn, rank, int(row)) for turn, row in enumerate(members)]
    return np.asarray([row for _, _, row in sorted(turns)], np.int64)


def _strata(corpus: Corpus, rows: Rows, seed: int) -> Iterator[tuple[int, Rows]]:
    """Each generator's (or kind's) rows, group after group, and a number that orders the generators."""
    made_by, kinds = corpus.column("generator")[rows], corpus.column("kind")[rows]
    names = np.asarray([generator or kind for generator, kind in zip(made_by, kinds, strict=True)], object)
    groups, ids = corpus.column("group_id"), corpus.column("image_id")
    for name in set(names):
        keyed = sorted((seed_from("replay", seed, groups[row]), ids[row], int(row)) for row in rows[names == name])
        yield seed_from("replay", seed, name), np.asarray([row for _, _, row in keyed], np.int64)
