"""The bias audit: it finds what was planted, finds nothing where nothing is, and leans to neither side."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from redqueen.corpus import audit as audits
from redqueen.corpus.audit import audit, metadata_features, probe_scores, source_features
from redqueen.corpus.match import match
from redqueen.metrics.functional import auroc
from redqueen.types import Interval, Window

WINDOWS = (Window("2022", "2022-01", "2022-12"), Window("2023", "2023-01", "2023-12"))
DEFAULTS = {"width": 256, "height": 256, "format": "JPEG", "quality": 90, "resample_factor": 1.0}
TYPES = {"width": pa.int32(), "height": pa.int32(), "format": pa.string(), "quality": pa.int32()}

Column = Callable[[np.random.Generator, int], Any]


def _table(rows: int, seed: int = 0, windows: Sequence[str] = ("2022-08",), **columns: Column) -> pa.Table:
    """`rows` human-made ones and as many generated ones of each month; `columns` make a value from the row's label."""
    rng = np.random.default_rng(seed)
    described = [(0, None)] * rows + [(1, month) for month in windows for _ in range(rows)]
    labels = [label for label, _ in described]
    data: dict[str, Any] = {
        "image_id": [f"{i:08x}" for i in range(len(labels))],
        "label": pa.array(labels, pa.int8()),
        "released": pa.array([month for _, month in described], pa.string()),
        "group_id": [f"{label}/{i // 2}" for i, label in enumerate(labels)],
        "split": [("train", "val", "test")[i // 2 % 10 // 4] for i in range(len(labels))],  # 40 %, 40 %, 20 %, by group
    }
    for name, default in DEFAULTS.items():
        make = columns.get(name)
        values = [make(rng, label) if make else default for label in labels]
        data[name] = pa.array(values, TYPES.get(name, pa.float64()))
    return pa.table(data)


def _everything(table: pa.Table) -> dict[str, np.ndarray]:
    return {window.name: np.ones(table.num_rows, bool) for window in WINDOWS}


def _holds(interval: Interval, value: float) -> bool:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low <= value <= interval.high


LEAKS: dict[str, dict[str, Column]] = {
    "codec": {"format": lambda rng, label: "PNG" if label else "JPEG"},
    "codec of most": {"format": lambda rng, label: "PNG" if (rng.random() < 0.95) == label else "WEBP"},
    "size": {"width": lambda rng, label: 512 if label else 480, "height": lambda rng, label: 512},
    "size, spread": {"height": lambda rng, label: int(rng.normal(560 if label else 480, 25))},
    "quality": {"quality": lambda rng, label: int(rng.integers(88, 97) if label else rng.integers(80, 91))},
    "resampling": {"resample_factor": lambda rng, label: float(np.exp(rng.normal(0.8 * label, 0.3)))},
    "resampling, not monotone": {
        "resample_factor": lambda rng, label: float(np.exp(rng.normal(1.0, 0.1 if label else 1.2)))
    },
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found(leak: str) -> None:
    table = _table(150, **LEAKS[leak])
    found = audit(table, WINDOWS[:1], _everything(table))
    window = found.windows[0]
    assert window.verdict == "leak"
    assert window.after == window.before  # everything was kept
    assert window.after.value is not None
    assert window.after.value >= (0.8 if "monotone" in leak else 0.9)
    assert found.biased
    assert found.reason == "metadata alone tells the classes apart in 2022"


def test_leaks_that_cancel_out_when_pooled_are_found_in_their_windows() -> None:
    """As in field: small factors in one window, large ones in the next."""

    def factor(rng: np.random.Generator, shift: float) -> float:
        return float(np.exp(rng.normal(1 + shift, 0.3)))

    early, late = (
        _table(200, seed, (month,), resample_factor=lambda rng, label, s=shift: factor(rng, s * label))
        for seed, month, shift in ((0, "2022-08", -0.5), (1, "2023-08", 0.5))
    )
    made = late.filter(pa.compute.equal(late.column("label"), 1))
    made = made.set_column(0, "image_id", pa.array([f"late{i}" for i in range(made.num_rows)]))
    table = pa.concat_tables([early, made])
    pooled = auroc(metadata_features(table)[:, -1], table.column("label").to_numpy())
    assert pooled == pytest.approx(0.5, abs=0.05)
    found = audit(table, WINDOWS, match(table, WINDOWS))
    for window in found.windows:
        assert window.before.value is not None
        assert window.before.value > 0.8
        assert _holds(window.after, 0.5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("leak", [0.0, 0.4])
def test_a_normalised_and_matched_corpus_with_rows_enough_is_not_biased(leak: float, seed: int) -> None:
    """After normalisation the resample factor alone varies; matching takes the leak out of it, if there was one."""
    columns: dict[str, Column] = {
        "resample_factor": lambda rng, label: float(np.exp(rng.normal(0.5 + leak * label, 0.4)))
    }
    table = _table(900, seed, ("2022-08", "2023-08"), **columns)
    found = audit(table, WINDOWS, match(table, WINDOWS), seed)
    assert all(_holds(window.after, 0.5) for window in found.windows)
    assert all(_holds(window.before, 0.5) == (leak == 0) for window in found.windows)
    assert _holds(found.mean_after, 0.5)
    assert found.mean_after.high is not None
    assert found.mean_after.high <= 0.55
    assert not found.biased
    assert "limit 0.55" in found.reason


def test_with_few_rows_nothing_is_proved() -> None:
    table = _table(25, resample_factor=lambda rng, label: float(np.exp(rng.normal(0.5, 0.4))))
    found = audit(table, WINDOWS[:1], _everything(table))
    assert found.windows[0].verdict == "undetermined"
    assert found.biased
    assert "may be as high as 0." in found.reason


def test_matched_rows_are_not_told_apart_the_wrong_way_round() -> None:
    """Folds of rows land below 0.5 on matched rows: what a fold holds, the rest lacks, so its mirror is learnt.

    The first mean shows that the trap is there, the second that folds which were matched each on its own avoid it.
    """
    by_rows, by_splits = [], []
    for seed in range(30):
        columns: dict[str, Column] = {"resample_factor": lambda rng, label: float(np.exp(rng.normal(0.3 * label, 0.4)))}
        table = _table(120, seed, **columns)
        rows = match(table, WINDOWS[:1])["2022"]
        features, labels = metadata_features(table)[rows], table.column("label").to_numpy()[rows]
        folds = np.random.default_rng(seed).choice(["a", "b", "c"], rows.sum())
        by_rows.append(auroc(probe_scores(features, labels, folds), labels))
        splits = np.array(table.column("split").to_pylist())[rows]
        by_splits.append(auroc(probe_scores(features, labels, splits), labels))
    assert np.mean(by_rows) < 0.47
    assert np.mean(by_splits) == pytest.approx(0.5, abs=0.01)


def test_constant_metadata_is_a_coin() -> None:
    table = _table(30)
    found = audit(table, WINDOWS[:1], _everything(table))
    assert (found.windows[0].after.value, found.windows[0].after.low, found.windows[0].after.high) == (0.5, 0.5, 0.5)
    assert found.windows[0].verdict == "clear"
    assert not found.biased


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_column_that_varies_in_one_split_alone(split: str) -> None:
    """The probe of that split has seen a constant: no failure, and no score but a coin's."""
    table = _table(60)
    where = np.array(table.column("split").to_pylist()) == split
    factors = np.where(where, 1.0 + np.arange(table.num_rows) % 5, 1.0)
    table = table.set_column(table.schema.get_field_index("resample_factor"), "resample_factor", pa.array(factors))
    found = audit(table, WINDOWS[:1], _everything(table))
    assert found.windows[0].after.value == pytest.approx(0.5, abs=0.1)


def test_no_windows() -> None:
    found = audit(_table(10), (), {})
    assert found.windows == ()
    assert not found.biased
    assert found.reason == "no release windows: nothing to compare"


@pytest.mark.parametrize(("label", "name"), [(0, "human-made"), (1, "AI-generated")])
def test_one_class_has_nothing_to_audit(label: int, name: str) -> None:
    table = _table(40)
    table = table.filter(pa.array(table.column("label").to_numpy() == label))
    found = audit(table, WINDOWS[:1], _everything(table))
    assert not found.biased
    assert found.windows == ()
    assert found.reason == f"one class, all {name}: nothing to audit"


def test_a_window_in_which_nothing_was_matched_is_undetermined() -> None:
    table = _table(100, windows=("2022-08", "2023-08"))
    every, none = np.ones(table.num_rows, bool), np.zeros(table.num_rows, bool)
    found = audit(table, WINDOWS, {"2022": none, "2023": every})
    assert found.windows[0].after == Interval(None, None, None, 0, 0)
    assert found.windows[0].verdict == "undetermined"
    assert found.mean_after.value == 0.5  # the window that has a value
    nothing = audit(table, WINDOWS, {"2022": none, "2023": none})
    assert nothing.biased
    assert nothing.mean_after.value is None


def test_a_window_without_generated_rows() -> None:
    table = _table(20, windows=("2022-08",))
    found = audit(table, WINDOWS, {"2022": np.ones(40, bool), "2023": np.zeros(40, bool)})
    assert found.windows[1].before.value is None


def test_the_audit_is_deterministic() -> None:
    table = _table(60, **LEAKS["quality"])
    first, second = (audit(table, WINDOWS[:1], _everything(table), seed=3) for _ in range(2))
    assert first == second


def test_scores_are_ranks_within_each_split() -> None:
    """Probes of different splits have different scales; only the order within a split counts."""
    table = _table(50, **LEAKS["resampling"])
    labels, splits = table.column("label").to_numpy(), np.array(table.column("split").to_pylist())
    scores = probe_scores(metadata_features(table), labels, splits)
    for split in set(splits):
        here = np.sort(scores[splits == split])
        np.testing.assert_allclose(here, (np.arange(len(here)) + 0.5) / len(here))


def test_features_by_hand() -> None:
    table = _table(1, width=lambda rng, label: 512, format=lambda rng, label: "PNG" if label else "WEBP")
    expected = [[np.log(512), np.log(256), 0, 0, 1, 0.9, 0], [np.log(512), np.log(256), 0, 1, 0, 0.9, 0]]
    np.testing.assert_allclose(metadata_features(table), expected)


def test_source_features_by_hand() -> None:
    table = _table(1, format=lambda rng, label: "PNG" if label else "GIF", quality=lambda rng, label: 80)
    renamed = table.rename_columns({name: f"source_{name}" for name in ("width", "height", "format", "quality")})
    expected = [[np.log(256), np.log(256), 0, 0, 0, 0.8], [np.log(256), np.log(256), 0, 1, 0, 0.8]]
    np.testing.assert_allclose(source_features(renamed), expected)
    unknown = renamed.set_column(renamed.schema.get_field_index("source_quality"), "source_quality", pa.nulls(2))
    assert source_features(unknown)[:, -1].tolist() == [0, 0]


@pytest.mark.parametrize("leak", ["size, spread", "resampling"])
def test_of_many_rows_some_are_looked_at_and_the_answer_is_the_same(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = _table(600, windows=("2022-08", "2023-08"), **LEAKS[leak])
    matched = match(table, WINDOWS)
    whole = audit(table, WINDOWS, matched)
    monkeypatch.setattr(audits, "PROBED", 150)
    few, again = (audit(table, WINDOWS, matched) for _ in range(2))
    assert few == again
    assert "of 1800 rows were looked at" in few.reason
    assert "looked at" not in whole.reason
    for one, other in zip(whole.windows, few.windows, strict=True):
        assert other.before.n == 300 < one.before.n
        assert other.after.n <= 300
        assert other.before.value == pytest.approx(one.before.value, abs=0.05)
        assert other.verdict != "clear" or one.verdict == "clear"


def test_the_rows_that_are_looked_at_are_as_many_of_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that nothing reaches changes nothing at all."""
    table = _table(60, **LEAKS["quality"])
    whole = audit(table, WINDOWS[:1], _everything(table))
    monkeypatch.setattr(audits, "PROBED", 60)
    assert audit(table, WINDOWS[:1], _everything(table)) == whole


def test_unknown_quality_is_a_value_of_its_own() -> None:
    """A PNG has none: null must not become NaN, on which the probe would fail."""
    table = _table(60, quality=lambda rng, label: None if label else 90)
    assert audit(table, WINDOWS[:1], _everything(table)).windows[0].verdict == "leak"
