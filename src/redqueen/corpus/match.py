"""Matching: within each window and split, human-made and generated rows get the same distribution of chosen columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redqueen.errors import unknown
from redqueen.files import seed_from
from redqueen.types import Window

CALIPERS = (1e-9, 0.001, 0.003, 0.01, 0.03)  # of the logarithm: equal first, in the end at most 3 % apart
NUMBERS = ("resample_factor", "width", "height", "quality", "source_width", "source_height", "source_quality")
NAMES = ("format", "source_format", "topic", "prompt_id", "source", "licence")

Mask = NDArray[np.bool_]
Matched = Mapping[str, Mask]  # window name -> (n,), the rows that serve it


@dataclass(frozen=True)
class Match:
    """What the two classes are made alike in, by dropping rows.

    Args:
        column: a number that is paired within `CALIPERS` of its logarithm; None pairs by chance.
        exactly: columns that must be equal.

    Raises:
        UserError: a column that does not exist, or that differs between the classes by its nature.
    """

    column: str | None = NUMBERS[0]
    exactly: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse unknown columns."""
        object.__setattr__(self, "exactly", tuple(self.exactly))
        if self.column is not None and self.column not in NUMBERS:
            raise unknown("match.column", self.column, NUMBERS)
        for name in self.exactly:
            if name not in NUMBERS + NAMES:
                raise unknown("column in match.exactly", name, NUMBERS + NAMES)


def matched_pairs(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[tuple[int, int]]:
    """One-to-one pairs (i, j) of values that lie within the last caliper of each other, the closest first.

    One walk per caliper over what is still single: a wide caliper alone would pair each value with the lowest partner
    in reach, and one side would end up systematically lower.
    """
    single_a, single_b = np.ones(len(a), bool), np.ones(len(b), bool)
    pairs: list[tuple[int, int]] = []
    for caliper in CALIPERS:
        left_a, left_b = np.flatnonzero(single_a), np.flatnonzero(single_b)
        found = [(int(left_a[i]), int(left_b[j])) for i, j in _walk(a[left_a], b[left_b], caliper)]
        for i, j in found:
            single_a[i] = single_b[j] = False
        pairs += found
    return pairs


def _walk(a: NDArray[np.float64], b: NDArray[np.float64], caliper: float) -> list[tuple[int, int]]:
    """Pairs from one walk in ascending order; equal values keep their given order."""
    order_a, order_b = (np.argsort(values, kind="stable") for values in (a, b))
    lows, highs = a[order_a].tolist(), b[order_b].tolist()
    places: list[tuple[int, int]] = []
    i = j = 0
    while i < len(lows) and j < len(highs):
        if abs(lows[i] - highs[j]) <= caliper:
            places.append((i, j))
            i, j = i + 1, j + 1
        elif lows[i] < highs[j]:
            i += 1
        else:
            j += 1
    return [(int(order_a[i]), int(order_b[j])) for i, j in places]


def match(table: pa.Table, windows: Sequence[Window], how: Match | None = None, seed: int = 0) -> Matched:
    """The matched rows of each window: as many human-made as generated ones, alike in what `how` names.

    Human-made rows have no date, so a row may serve several windows of its split, in another seeded order in each.
    A factor of exactly 1 (never resampled) is matched with nothing but 1: near it, one class alone would have traces.
    What has no value is matched with nothing but its like.

    Args:
        table: n rows with image_id, label, split, released, the columns to match and, where a window names some,
            generator.
        windows: release windows.
        how: what is matched; the resample factor where None.
        seed: another seed takes other rows where there are more than are needed.
    """
    how = how or Match()
    ids, label = table.column("image_id"), table.column("label").to_numpy()
    value, cell = _values(table, how.column), _cells(table, ("split", *how.exactly))
    cell = 3 * cell + np.where(np.isnan(value), 2, value == 0)
    value = np.nan_to_num(value, nan=0.0)
    chosen: dict[str, Mask] = {}
    for window in windows:
        rows = np.flatnonzero((label == 0) | inside(table, window))
        kept = chosen[window.name] = np.zeros(table.num_rows, bool)
        for here in _by_cell(rows, cell[rows]):
            sides = [here[label[here] == side] for side in (0, 1)]
            if not all(map(len, sides)):
                continue
            human, made = (_shuffled(side, ids, (seed, window.name)) for side in sides)
            for i, j in matched_pairs(value[human], value[made]):
                kept[human[i]] = kept[made[j]] = True
    return chosen


def inside(table: pa.Table, window: Window) -> Mask:
    """Which rows are by a generator that was released in this window."""
    by_month, months = _codes(table.column("released"))
    if not window.generators and not window.without:
        return np.asarray([window.holds(month) for month in months], dtype=bool)[by_month]
    by_maker, makers = _codes(table.column("generator"))
    pairs, place = np.unique(by_month * len(makers) + by_maker, return_inverse=True)
    held = [window.holds(months[pair // len(makers)], makers[pair % len(makers)]) for pair in pairs.tolist()]
    return np.asarray(held, dtype=bool)[place]


def _values(table: pa.Table, column: str | None) -> NDArray[np.float64]:
    """The logarithm of a column, NaN where it has none."""
    if column is None:
        return np.zeros(table.num_rows)
    values = np.asarray(table.column(column).to_numpy(zero_copy_only=False), dtype=np.float64)
    return np.log(np.where(values > 0, values, np.nan))


def _cells(table: pa.Table, columns: Sequence[str]) -> NDArray[np.int64]:
    """A number for each row: the same where all these columns are equal."""
    cell = np.zeros(table.num_rows, np.int64)
    for name in columns:
        codes, values = _codes(table.column(name))
        cell = np.unique(cell * len(values) + codes, return_inverse=True)[1]
    return cell


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[Any]]:
    """A column as numbers and what they stand for; null is a value of its own."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def _by_cell(rows: NDArray[np.int64], cell: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The rows of each cell in their order."""
    order = np.argsort(cell, kind="stable")
    yield from np.split(rows[order], np.flatnonzero(np.diff(cell[order])) + 1)


def _shuffled(rows: NDArray[np.int64], ids: pa.ChunkedArray, salt: tuple[int, str]) -> NDArray[np.int64]:
    """Rows in an order that depends on nothing but their ids and the salt."""
    keys = [seed_from(*salt, one) for one in ids.take(pa.array(rows)).to_pylist()]
    return rows[np.argsort(np.asarray(keys, np.int64), kind="stable")]
