"""Which rows belong together: what the source says, what a picture is linked to, and near-duplicates of one class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from redqueen.corpus.near_duplicates import Rows, first_member, join
from redqueen.corpus.splits import Group


@dataclass(frozen=True)
class Grouping:
    """Rows in groups: `codes`, (n,), says where in `names`, which are sorted, the name of each row's group stands."""

    codes: Rows
    names: pa.Array

    @property
    def column(self) -> pa.Array:
        """The name of each row's group."""
        return self.names.take(pa.array(self.codes))


def grouped(group_id: pa.ChunkedArray, linked: pa.ChunkedArray, same: Rows) -> Grouping:
    """Join the groups that one picture names, and those of near-duplicates.

    A joined group takes the first of its names in alphabetical order.

    Args:
        group_id: (n,) text.
        linked: (n,) lists of text: further groups of each row, which need not be any row's own.
        same: (n,) the row that each row is a near-duplicate of; itself where it is none.
    """
    own, lists = _whole(group_id), _whole(linked)
    others = lists.flatten()
    names = pc.unique(pa.chunked_array([own, others]))
    names = names.take(pc.array_sort_indices(names))
    code, link = (
        pc.index_in(values, names).to_numpy(zero_copy_only=False).astype(np.int64) for values in (own, others)
    )
    parent = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    labels = join(np.arange(len(names)), np.concatenate([code, code[parent]]), np.concatenate([code[same], link]))
    return Grouping(first_member(labels)[code], names)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.chunk(0) if isinstance(found, pa.ChunkedArray) else found


def groups(grouping: Grouping, labels: NDArray[np.integer], strata: Sequence[str]) -> Iterator[Group]:
    """Each group once, by name; one with rows of both classes has the stratum of its first human-made one.

    Args:
        grouping: of n rows.
        labels: (n,), 0 or 1.
        strata: (n,), the stratum of each row.
    """
    codes = grouping.codes
    order = np.lexsort((labels, codes))  # stable: rows of one class stay in order
    first = np.flatnonzero(np.diff(codes[order], prepend=-1))
    sizes = np.diff(first, append=len(order))
    made = np.add.reduceat(labels[order].astype(np.int64), first) if len(order) else first
    for row, size, generated in zip(order[first], sizes.tolist(), made.tolist(), strict=True):
        label = int(labels[row])
        rows = size if label else size - generated
        yield Group(grouping.names[int(codes[row])].as_py(), strata[row], rows, label, 0 if label else generated)
