"""Matching: one-to-one, within the caliper and the split, as many as possible, and fair to both sides."""

from collections import Counter
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, mannwhitneyu

from redqueen.corpus.match import CALIPERS, match, matched_pairs
from redqueen.types import Window

WINDOWS = (Window("2022", "2022-01", "2022-12"), Window("2023", "2023-01", "2023-12"))
SPLITS = ("train", "val", "test")
_VALUES = st.lists(st.floats(0, 0.2) | st.sampled_from([0.0, 0.05, 0.1]), max_size=25)


def _table(human: np.ndarray, made: dict[str, np.ndarray], seed: int = 0) -> pa.Table:
    """Rows with these resample factors; `made` by release month, splits and ids by chance."""
    rng = np.random.default_rng(seed)
    parts = [(0, None, human), *((1, month, values) for month, values in made.items())]
    rows = [(label, month, value) for label, month, values in parts for value in values]
    return pa.table(
        {
            "image_id": [f"{rng.integers(2**62):016x}" for _ in rows],
            "label": pa.array([label for label, _, _ in rows], pa.int8()),
            "released": pa.array([month for _, month, _ in rows], pa.string()),
            "split": rng.choice(SPLITS, len(rows), p=(0.6, 0.15, 0.25)).tolist(),
            "resample_factor": [float(value) for _, _, value in rows],
        }
    )


def _sides(table: pa.Table, ids: list[str]) -> tuple[np.ndarray, np.ndarray]:
    chosen = set(ids)
    rows = [row for row in table.to_pylist() if row["image_id"] in chosen]
    return tuple(np.array([r["resample_factor"] for r in rows if r["label"] == label]) for label in (0, 1))


def _auroc(human: np.ndarray, made: np.ndarray) -> float:
    return float(mannwhitneyu(made, human).statistic / (len(made) * len(human)))


@settings(max_examples=200, deadline=None)
@given(a=_VALUES, b=_VALUES)
def test_pairs_are_one_to_one_and_within_the_caliper(a: list[float], b: list[float]) -> None:
    pairs = matched_pairs(np.array(a), np.array(b))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(a[i] - b[j]) <= CALIPERS[-1] for i, j in pairs)
    single = set(range(len(a))) - {i for i, _ in pairs}, set(range(len(b))) - {j for _, j in pairs}
    assert not any(abs(a[i] - b[j]) <= CALIPERS[-1] for i, j in product(*single))  # none that could be had is left


@settings(max_examples=100, deadline=None)
@given(a=st.lists(st.integers(0, 4), max_size=30), b=st.lists(st.integers(0, 4), max_size=30))
def test_equal_values_are_matched_as_often_as_they_can_be(a: list[int], b: list[int]) -> None:
    """Of values far apart: as many pairs as the two multisets share."""
    pairs = matched_pairs(np.array(a, dtype=float), np.array(b, dtype=float))
    assert len(pairs) == (Counter(a) & Counter(b)).total()
    assert all(a[i] == b[j] for i, j in pairs)


def test_the_closest_come_first() -> None:
    """0.020 is in reach of 0 but equal to another; a single wide caliper would take the first that it meets."""
    assert matched_pairs(np.array([0.0, 0.02]), np.array([0.02])) == [(1, 0)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("human", "made"),
    [
        pytest.param((0.5, 0.4), (0.2, 0.3), id="generated smaller"),
        pytest.param((0.2, 0.3), (0.5, 0.4), id="generated larger"),
        pytest.param((0.3, 0.05), (0.3, 0.5), id="generated wider"),
    ],
)
def test_the_planted_leak_is_removed(human: tuple[float, float], made: tuple[float, float], seed: int) -> None:
    """Two log-normal sides, a third of each at exactly 1: apart before, the same distribution after."""
    rng = np.random.default_rng(seed)

    def draw(mean: float, spread: float, count: int) -> np.ndarray:
        return np.where(rng.random(count) < 1 / 3, 1.0, np.exp(rng.normal(mean, spread, count))).round(4)

    table = _table(draw(*human, 1500), {"2022-08": draw(*made, 700)}, seed)
    before = _sides(table, table.column("image_id").to_pylist())
    assert ks_2samp(*before, method="asymp").pvalue < 1e-6
    after = _sides(table, match(table, WINDOWS)["2022"])
    assert len(after[0]) == len(after[1]) > 200
    assert ks_2samp(*after, method="asymp").pvalue > 0.9
    assert abs(_auroc(*after) - 0.5) <= 0.02


def test_a_leak_like_that_of_field_is_removed_in_each_window() -> None:
    """Generators that only made 256 px pictures in one window, and large ones in the next: pooled, they cancel out."""
    rng = np.random.default_rng(0)
    human = np.where(rng.random(1000) < 0.1, 1.0, np.exp(rng.uniform(0, 1.5, 1000)))
    table = _table(human, {"2022-05": np.full(150, 1.0), "2023-05": np.exp(rng.uniform(0.5, 1.5, 300))})
    matched = match(table, WINDOWS)
    early, late = (_sides(table, matched[window.name]) for window in WINDOWS)
    assert set(early[0]) == set(early[1]) == {1.0}
    assert len(early[0]) > 60
    assert abs(_auroc(*late) - 0.5) <= 0.02


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(1)
    human, early, late = (np.exp(rng.normal(m, 0.4, n)).round(3) for m, n in ((0.4, 400), (0.2, 200), (0.6, 150)))
    return _table(human, {"2022-03": early, "2023-07": late, "2024-01": late})


def test_each_split_is_matched_on_its_own(table: pa.Table) -> None:
    """As many human-made as generated rows in each split: a pair that crossed would break the count."""
    rows = {row["image_id"]: row for row in table.to_pylist()}
    for ids in match(table, WINDOWS).values():
        count = Counter((rows[one]["split"], rows[one]["label"]) for one in ids)
        assert all(count[split, 0] == count[split, 1] > 0 for split in SPLITS)
        for split in SPLITS:
            here = [rows[one] for one in ids if rows[one]["split"] == split]
            logs = [sorted(np.log(r["resample_factor"]) for r in here if r["label"] == label) for label in (0, 1)]
            assert np.abs(np.subtract(*logs)).max() <= CALIPERS[-1]


def test_generated_rows_come_from_the_window_and_no_row_comes_twice(table: pa.Table) -> None:
    rows = {row["image_id"]: row for row in table.to_pylist()}
    for window in WINDOWS:
        ids = match(table, WINDOWS)[window.name]
        assert len(set(ids)) == len(ids)
        assert {rows[one]["released"] for one in ids} == {None, "2022-03" if window.name == "2022" else "2023-07"}


def test_neither_the_order_of_rows_nor_the_other_windows_matter(table: pa.Table) -> None:
    shuffled = table.take(pa.array(np.random.default_rng(2).permutation(table.num_rows)))
    first = match(table, WINDOWS, seed=3)
    again = match(shuffled, WINDOWS, seed=3)
    alone = match(table, WINDOWS[1:], seed=3)
    assert match(table, WINDOWS, seed=3) == first
    assert {name: set(ids) for name, ids in again.items()} == {name: set(ids) for name, ids in first.items()}
    assert alone["2023"] == first["2023"]


def test_another_seed_takes_other_photographs() -> None:
    """Where there are more equals than are needed."""
    table = _table(np.ones(200), {"2022-05": np.ones(20)})
    first, second = (set(match(table, WINDOWS, seed=seed)["2022"]) for seed in (0, 1))
    assert len(first) == len(second) == 40
    assert first != second


def test_an_empty_window_is_there_and_empty() -> None:
    table = _table(np.ones(20), {"2022-05": np.full(20, 3.0)})
    assert match(table, WINDOWS) == {"2022": [], "2023": []}
    assert match(table, ()) == {}


def test_a_picture_that_was_never_resampled_meets_only_its_like() -> None:
    """Factors of 1.000001 to 1.02 lie within the caliper of 1, and all on one side: that would be a leak of its own."""
    rng = np.random.default_rng(0)
    human = np.concatenate([np.ones(40), np.exp(rng.uniform(1e-6, 0.02, 100))])
    matched = _sides(table := _table(human, {"2022-05": np.ones(120)}), match(table, WINDOWS)["2022"])
    assert len(matched[0]) == len(matched[1]) > 30
    assert set(matched[0]) == set(matched[1]) == {1.0}
