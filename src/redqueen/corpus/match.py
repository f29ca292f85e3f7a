"""Matching: within each window and split, human-made and generated rows get the same distribution of one column."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redqueen.files import seed_from
from redqueen.types import SPLITS, Window

CALIPERS = (1e-9, 0.001, 0.003, 0.01, 0.03)  # of log resample factor: equal first, in the end at most 3 % apart


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
    order_a, order_b = np.argsort(a, kind="stable"), np.argsort(b, kind="stable")
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(order_a) and j < len(order_b):
        low, high = a[order_a[i]], b[order_b[j]]
        if abs(low - high) <= caliper:
            pairs.append((int(order_a[i]), int(order_b[j])))
            i, j = i + 1, j + 1
        elif low < high:
            i += 1
        else:
            j += 1
    return pairs


def match(
    table: pa.Table, windows: Sequence[Window], column: str = "resample_factor", seed: int = 0
) -> Mapping[str, list[str]]:
    """Window name -> image_ids of its matched rows: as many human-made as generated ones, alike in log `column`.

    Human-made rows have no date, so a row may serve several windows of its split, in another seeded order in each.
    A factor of exactly 1 (never resampled) is matched with nothing but 1: near it, one class alone would have traces.
    """
    ids = table.column("image_id").to_pylist()
    label = table.column("label").to_numpy()
    split = np.asarray(table.column("split").to_pylist())
    value = np.log(np.asarray(table.column(column).to_numpy(zero_copy_only=False), dtype=np.float64))
    released = table.column("released").to_pylist()
    chosen: dict[str, list[str]] = {}
    for window in windows:
        inside = np.asarray([window.holds(month) for month in released], dtype=bool)
        rows: list[int] = []
        for part, untouched in product(SPLITS, (True, False)):
            here = (split == part) & ((value == 0) == untouched)
            human = _shuffled(np.flatnonzero(here & (label == 0)), ids, (seed, window.name))
            made = _shuffled(np.flatnonzero(here & (label == 1) & inside), ids, (seed, window.name))
            for i, j in matched_pairs(value[human], value[made]):
                rows += [int(human[i]), int(made[j])]
        chosen[window.name] = [ids[row] for row in sorted(rows)]
    return chosen


def _shuffled(rows: NDArray[np.int64], ids: Sequence[str], salt: tuple[int, str]) -> NDArray[np.int64]:
    """Rows in an order that depends on nothing but their ids and the salt."""
    return np.asarray(sorted(rows, key=lambda row: seed_from(*salt, ids[row])), dtype=np.int64)
