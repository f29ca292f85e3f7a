"""Slopes over date and quality against numpy's weighted fit, on generators made by hand."""

import numpy as np
import pytest

import stand_ins
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.protocols import Temporal
from redqueen.evaluation.quality import against_quality, distances
from redqueen.types import Window

WINDOWS = tuple(Window(month, month, month) for month in ("2025-06", "2026-01", "2026-02"))


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    """Twelve generators in the two windows, with months that are spread over the year before."""
    source = stand_ins.Pictures(200, 0, 200)
    corpus = stand_ins.corpus(tmp_path_factory.mktemp("c"), source, windows=WINDOWS)
    made = Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in WINDOWS]), draws=60)
    made.makers, made.released = made.makers.copy(), made.released.copy()
    for window in ("2026-01", "2026-02"):
        rows = made.cells[window]
        for number, row in enumerate(rows[made.labels[rows] == 1]):
            which = number % 6 + 6 * (window == "2026-02")
            made.makers[row], made.released[row] = f"g{which:02d}", f"2025-{which + 1:02d}"
    return made


def scored(evaluation, signal):
    """Logits that depend on the number of the generator."""
    rng = np.random.default_rng(0)
    shift = np.asarray([signal(int(name[1:])) if name is not None else 0.0 for name in evaluation.makers])
    logits = (rng.normal(size=len(evaluation.ids)) + shift).astype(np.float32)
    return [Scored(window, {"clean": logits}, 0.0) for window in WINDOWS]


def found(evaluation, signal, distance):
    known = {"net": {f"g{number:02d}": distance(number) for number in range(12)}}
    return {(m.metric, m.name): m.figure for m in against_quality(evaluation, scored(evaluation, signal), known)}


def test_a_detector_that_quality_alone_evades(evaluation):
    """Quality is unrelated to the date, and decides."""
    order = np.random.default_rng(1).permutation(12)
    slopes = found(evaluation, lambda number: 0.25 * order[number], lambda number: float(order[number]))
    better = slopes["auroc_per_sd_of_cmmd", "at equal date, net"]
    assert 0.03 < better.low < better.value < better.high
    date = slopes["auroc_per_year", "at equal quality, net"]
    assert date.low < 0 < date.high
    assert set(slopes) == {
        ("auroc_per_year", "date alone"),
        ("auroc_per_year", "at equal quality, net"),
        ("auroc_per_sd_of_cmmd", "quality alone, net"),
        ("auroc_per_sd_of_cmmd", "at equal date, net"),
    }


def test_the_slope_over_dates_is_numpys(evaluation):
    judges = scored(evaluation, lambda number: 2 - 0.2 * number)
    figure = found(evaluation, lambda number: 2 - 0.2 * number, lambda number: number % 3.0)[
        "auroc_per_year", "date alone"
    ]
    scores = {one.generator: one for one in evaluation.generators(judges)}
    years = [int(name[1:]) / 12 for name in scores]
    weights = [np.sqrt(one.pictures) for one in scores.values()]
    expected = np.polyfit(years, [one.auroc.value for one in scores.values()], 1, w=weights)[0]
    assert figure.value == pytest.approx(expected)
    assert figure.high < 0


def test_too_few_generators_or_one_quality_say_nothing(evaluation):
    judges = scored(evaluation, lambda number: 1.0)
    assert against_quality(evaluation, judges, {"net": {f"g{number:02d}": 1.0 * number for number in range(9)}}) == ()
    assert against_quality(evaluation, judges, {"net": {f"g{number:02d}": 1.0 for number in range(12)}}) == ()
    assert against_quality(evaluation, judges, {}) == ()


def test_distances_come_from_the_card():
    interval = {"value": 0.4, "low": 0.3, "high": 0.5, "n": 9, "n_groups": 9}
    generators = {"a": {"cmmd": interval, "kid": interval}, "b": {"cmmd": None, "kid": None}}
    card = {"quality": {"digest": {"backbone": "net", "generators": generators}}}
    assert distances(card) == {"net": {"a": 0.4}}
    assert distances({}) == {}


def test_a_distance_by_chance_is_seldom_taken_for_a_reason(evaluation):
    """Generators differ, and their distances are drawn at random: a slope is claimed in about 5 % of such worlds."""
    rng = np.random.default_rng(0)
    judges = scored(evaluation, rng.normal(0, 0.5, 12).__getitem__)
    claimed = []
    for _ in range(200):
        known = {f"g{number:02d}": distance for number, distance in enumerate(rng.normal(size=12))}
        slopes = [one for one in against_quality(evaluation, judges, {"net": known}) if "cmmd" in one.metric]
        claimed.append([not one.figure.low < 0 < one.figure.high for one in slopes])
    assert 0.0 < np.mean(claimed) < 0.15
