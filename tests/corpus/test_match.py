"""Matching: one-to-one, within the caliper and the split, as many as possible, and fair to both sides."""

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, mannwhitneyu

from redqueen.corpus.match import CALIPERS, Match, inside, match, matched_pairs
from redqueen.errors import UserError
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


def _ids(table: pa.Table, mask: np.ndarray) -> list[str]:
    return np.array(table.column("image_id").to_pylist(), object)[mask].tolist()


def _sides(table: pa.Table, mask: np.ndarray, column: str = "resample_factor") -> tuple[np.ndarray, np.ndarray]:
    rows = table.filter(pa.array(mask)).to_pylist()
    return tuple(np.array([r[column] for r in rows if r["label"] == label]) for label in (0, 1))


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
    before = _sides(table, np.ones(table.num_rows, bool))
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
    for mask in match(table, WINDOWS).values():
        rows = table.filter(pa.array(mask)).to_pylist()
        count = Counter((row["split"], row["label"]) for row in rows)
        assert all(count[split, 0] == count[split, 1] > 0 for split in SPLITS)
        for split in SPLITS:
            here = [row for row in rows if row["split"] == split]
            logs = [sorted(np.log(r["resample_factor"]) for r in here if r["label"] == label) for label in (0, 1)]
            assert np.abs(np.subtract(*logs)).max() <= CALIPERS[-1]


def test_generated_rows_come_from_the_window(table: pa.Table) -> None:
    for window in WINDOWS:
        rows = table.filter(pa.array(match(table, WINDOWS)[window.name]))
        assert set(rows.column("released").to_pylist()) == {None, "2022-03" if window.name == "2022" else "2023-07"}
        dated = [window.holds(month) for month in table.column("released").to_pylist()]
        assert inside(table, window).tolist() == dated


def test_neither_the_order_of_rows_nor_the_other_windows_matter(table: pa.Table) -> None:
    shuffled = table.take(pa.array(np.random.default_rng(2).permutation(table.num_rows)))
    first = match(table, WINDOWS, seed=3)
    again = match(shuffled, WINDOWS, seed=3)
    alone = match(table, WINDOWS[1:], seed=3)
    assert list(again) == list(first) == ["2022", "2023"]
    for name in first:
        assert set(_ids(shuffled, again[name])) == set(_ids(table, first[name]))
    assert alone["2023"].tolist() == first["2023"].tolist()


def test_the_choice_is_pinned() -> None:
    """Another answer here means that the matched rows of every published corpus change."""
    table = _table(np.ones(12), {"2022-05": np.ones(6), "2023-05": np.ones(3)}, seed=5)
    found = {name: np.flatnonzero(mask).tolist() for name, mask in match(table, WINDOWS, seed=1).items()}
    assert found == {"2022": [0, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17], "2023": [5, 7, 9, 18, 19, 20]}


def test_another_seed_takes_other_photographs() -> None:
    """Where there are more equals than are needed."""
    table = _table(np.ones(200), {"2022-05": np.ones(20)})
    first, second = (match(table, WINDOWS, seed=seed)["2022"] for seed in (0, 1))
    assert first.sum() == second.sum() == 40
    assert first.tolist() != second.tolist()


def test_an_empty_window_is_there_and_empty() -> None:
    table = _table(np.ones(20), {"2022-05": np.full(20, 3.0)})
    assert {name: mask.sum() for name, mask in match(table, WINDOWS).items()} == {"2022": 0, "2023": 0}
    assert match(table, ()) == {}


def test_a_picture_that_was_never_resampled_meets_only_its_like() -> None:
    """Factors of 1.000001 to 1.02 lie within the caliper of 1, and all on one side: that would be a leak of its own."""
    rng = np.random.default_rng(0)
    human = np.concatenate([np.ones(40), np.exp(rng.uniform(1e-6, 0.02, 100))])
    matched = _sides(table := _table(human, {"2022-05": np.ones(120)}), match(table, WINDOWS)["2022"])
    assert len(matched[0]) == len(matched[1]) > 30
    assert set(matched[0]) == set(matched[1]) == {1.0}


def _more(table: pa.Table, seed: int = 0) -> pa.Table:
    """With columns in which the classes differ: formats, qualities that a PNG does not have, topics that some lack."""
    rng = np.random.default_rng(seed)
    labels = table.column("label").to_pylist()
    formats = ["PNG" if rng.random() < (0.7 if label else 0.3) else "JPEG" for label in labels]
    quality = [None if f == "PNG" else int(rng.integers(70, 90) + 8 * x) for f, x in zip(formats, labels, strict=True)]
    topics = [rng.choice(["health", "protest", None], p=(0.6, 0.2, 0.2) if x else (0.2, 0.6, 0.2)) for x in labels]
    return (
        table.append_column("format", pa.array(formats))
        .append_column("quality", pa.array(quality, pa.int32()))
        .append_column("topic", pa.array(topics, pa.string()))
    )


def test_a_column_is_matched_exactly(table: pa.Table) -> None:
    """On top of the resample factor: as many of each format and topic on both sides of each split, null among them."""
    wide = _more(table)
    found = match(wide, WINDOWS, Match(exactly=["format", "topic"]))
    for name, mask in found.items():
        rows = wide.filter(pa.array(mask)).to_pylist()
        count = Counter((row["split"], row["format"], row["topic"], row["label"]) for row in rows)
        assert len({key[:3] for key in count}) > 8
        assert all(count[(*cell[:3], 0)] == count[(*cell[:3], 1)] for cell in count)
        assert 0 < mask.sum() < match(wide, WINDOWS)[name].sum()  # it costs rows
        for split in SPLITS:
            here = [row for row in rows if row["split"] == split]
            logs = [sorted(np.log(r["resample_factor"]) for r in here if r["label"] == label) for label in (0, 1)]
            assert np.abs(np.mean(logs[0]) - np.mean(logs[1])) <= CALIPERS[-1]


def test_another_number_is_matched_and_what_has_none_meets_its_like(table: pa.Table) -> None:
    wide = _more(table)
    found = match(wide, WINDOWS, Match("quality"))["2022"]
    rows = wide.filter(pa.array(found)).to_pylist()
    unknown = Counter((row["split"], row["label"]) for row in rows if row["quality"] is None)
    assert all(unknown[split, 0] == unknown[split, 1] > 0 for split in SPLITS)
    human, made = (sorted(r["quality"] for r in rows if r["label"] == x and r["quality"]) for x in (0, 1))
    assert abs(np.mean(human) - np.mean(made)) < 0.5


def test_matching_by_chance_alone_takes_as_many_as_there_are(table: pa.Table) -> None:
    found = match(table, WINDOWS, Match(None))["2022"]
    rows = table.filter(pa.array(found)).to_pylist()
    count = Counter((row["split"], row["label"]) for row in rows)
    dated = Counter(row["split"] for row in table.to_pylist() if row["released"] == "2022-03")
    assert all(count[split, 0] == count[split, 1] == dated[split] for split in SPLITS)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"column": "qualty"}, "unknown match.column 'qualty'; did you mean 'quality'"),
        ({"column": "format"}, "unknown match.column 'format'"),
        ({"exactly": ["topic", "kind"]}, "unknown column in match.exactly 'kind'"),
        ({"exactly": ["generator"]}, "unknown column in match.exactly 'generator'"),
    ],
)
def test_columns_that_do_not_exist_or_are_the_label_itself(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        Match(**wrong)


def test_a_window_that_names_generators_takes_them_and_one_that_leaves_some_out_does_not() -> None:
    names, months = ["a", "b", "c", None, "a"], ["2022-01", "2022-01", "2023-05", None, None]
    table = pa.table({"generator": names, "released": months})
    listed = Window("listed", "2022-01-01", "2022-01-09", ("a", "c"))
    others = Window("others", "2022-01", "2022-12", without=("a",))
    assert inside(table, listed).tolist() == [True, False, True, False, True]
    assert inside(table, others).tolist() == [False, True, False, False, False]
    assert inside(table, Window("all", "2022-01", "2022-12")).tolist() == [True, True, False, False, False]
    assert listed.facts()["generators"] == ("a", "c") and set(WINDOWS[0].facts()) == {"name", "start", "end"}
