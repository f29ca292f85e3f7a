"""Measures against scikit-learn and counts by hand, on predictions made by hand."""

import copy

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
    roc_curve,
)

import stand_ins
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.measures import Measures
from redqueen.evaluation.protocols import Temporal
from redqueen.evaluation.reliability import reliability
from redqueen.types import Generator, Window

THREE = (*stand_ins.WINDOWS, Window("2026-03", "2026-03", "2026-03"))
ENTRY = {"released": "2026-01", "developer": "x", "date_source": "x", "licence": "x"}
KNOWN = {
    f"generator-2026-0{month}": Generator(f"generator-2026-0{month}", family=family, country=country, **ENTRY)
    for month, family, country in ((1, "old", "FR"), (2, "new", "CN"), (3, "new", "CN"))
}


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    source = stand_ins.Pictures(80, 40, 60, released=("2026-01", "2026-02", "2026-03"))
    corpus = stand_ins.corpus(tmp_path_factory.mktemp("c"), source, windows=THREE)
    return Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in THREE]), draws=100, seed=0)


@pytest.fixture(scope="module")
def scored(evaluation):
    rng = np.random.default_rng(0)

    def logits(signal):
        noise = rng.normal(size=len(evaluation.ids)) + signal * evaluation.labels
        return np.round(noise, 1).astype(np.float32)

    return [Scored(w, {"clean": logits(2.0), "rough": logits(1.0)}, threshold=0.8, temperature=0.7) for w in THREE]


@pytest.fixture(scope="module")
def found(evaluation, scored):
    measures = Measures(evaluation, KNOWN, {"none": ["no such style"]}).of(scored)
    return {(m.metric, m.part, m.view, m.by, m.name): m.figure for m in measures}


def mean(evaluation, scored, of, view="clean", windows=((0, 1), (1, 2)), keep=slice(None)):
    """Mean over (cutoff, window) pairs of what `of` says of labels, logits."""
    values = []
    for cutoff, tested in windows:
        rows = evaluation.cells[THREE[tested].name]
        rows = rows[keep[rows]] if isinstance(keep, np.ndarray) else rows
        values.append(of(evaluation.labels[rows], scored[cutoff].logits[view][rows]))
    return np.mean(values)


def level(labels, logits):
    """The equal error rate, by walking along scikit-learn's curve until both errors are the same."""
    alarmed, found, _ = roc_curve(labels, logits, drop_intermediate=False)
    steps = np.arange(len(found))
    at = brentq(lambda step: np.interp(step, steps, 1 - found) - np.interp(step, steps, alarmed), 0, steps[-1])
    return np.interp(at, steps, alarmed)


REFERENCES = {
    "auroc": roc_auc_score,
    "average_precision": average_precision_score,
    "equal_error_rate": level,
    "balanced_accuracy": lambda labels, logits: balanced_accuracy_score(labels, logits >= 0.8),
    "true_positive_rate": lambda labels, logits: (logits[labels == 1] >= 0.8).mean(),
    "false_positive_rate": lambda labels, logits: (logits[labels == 0] >= 0.8).mean(),
    "brier": lambda labels, logits: brier_score_loss(labels, expit(logits / 0.7)),
    "negative_log_likelihood": lambda labels, logits: log_loss(labels, expit(logits.astype(float) / 0.7)),
}


@pytest.mark.parametrize("view", ["clean", "rough"])
@pytest.mark.parametrize("metric", REFERENCES)
def test_on_the_next_period_against_scikit_learn(metric, view, evaluation, scored, found):
    figure = found[metric, "next", view, "all", "all"]
    assert figure.value == pytest.approx(mean(evaluation, scored, REFERENCES[metric], view), abs=1e-6)
    assert figure.low < figure.value < figure.high
    rows = np.concatenate([evaluation.cells[THREE[number].name] for number in (1, 2)])
    assert figure.n == len(set(rows.tolist()))


def test_every_metric_has_an_interval_that_holds_it(found):
    names = {key[0] for key in found}
    wanted = {"tpr_at_fpr_0.01", "tpr_at_fpr_0.05", "precision_at_prevalence_0.01", "precision_at_prevalence_0.0001"}
    assert names == {*REFERENCES, *wanted, "adaptive_ece", "auroc_lost", "verdicts_flipped"}
    assert all(figure.low <= figure.value <= figure.high for figure in found.values())


def test_the_period_seen_and_the_whole_are_pooled(evaluation, scored, found):
    for part, windows in (("past", ((0,), (0, 1))), ("whole", ((0, 1), (0, 1, 2)))):
        values = []
        for cutoff, chosen in enumerate(windows):
            rows = np.unique(np.concatenate([evaluation.cells[THREE[number].name] for number in chosen]))
            values.append(roc_auc_score(evaluation.labels[rows], scored[cutoff].logits["clean"][rows]))
        assert found["auroc", part, "clean", "all", "all"].value == pytest.approx(np.mean(values))


def test_what_a_view_costs_is_of_the_same_pictures(evaluation, scored, found):
    clean, rough = (found["auroc", "next", view, "all", "all"].value for view in ("clean", "rough"))
    lost = found["auroc_lost", "next", "rough", "all", "all"]
    assert lost.value == pytest.approx(clean - rough)
    flips = []
    for cutoff in range(2):
        rows = evaluation.cells[THREE[cutoff + 1].name]
        before, after = (scored[cutoff].logits[view][rows] >= 0.8 for view in ("clean", "rough"))
        flips.append((before != after).mean())
    assert found["verdicts_flipped", "next", "rough", "all", "all"].value == pytest.approx(np.mean(flips))
    assert ("verdicts_flipped", "next", "clean", "all", "all") not in found


def test_slices_keep_the_other_side_whole(evaluation, scored, found):
    photographs = (evaluation.labels == 1) | (evaluation.kinds == "photo")
    expected = mean(evaluation, scored, roc_auc_score, keep=photographs)
    assert found["auroc", "next", "clean", "kind", "photo"].value == pytest.approx(expected)
    new = found["auroc", "next", "clean", "family", "new"]  # both later windows hold this family alone
    assert new == found["auroc", "next", "clean", "all", "all"] == found["auroc", "next", "clean", "country", "CN"]
    assert not {key for key in found if key[3:] in {("family", "old"), ("style", "none"), ("prompt", "shared")}}


def test_precision_follows_from_the_rates(found):
    """One cutoff's rates at a time; with one window after it they are those of the mean."""
    figure = found["precision_at_prevalence_0.01", "next", "clean", "all", "all"]
    assert 0 < figure.value < 1
    rare = found["precision_at_prevalence_0.0001", "next", "clean", "all", "all"]
    assert rare.value < figure.value / 20


def test_each_window_is_measured_as_it_comes_out(evaluation, scored, found):
    names = {key[4] for key in found if key[3] == "window"}
    assert names == {"2026-02", "2026-03"}
    for cutoff, name in enumerate(sorted(names)):
        rows = evaluation.cells[name]
        expected = roc_auc_score(evaluation.labels[rows], scored[cutoff].logits["clean"][rows])
        assert found["auroc", "next", "clean", "window", name].value == pytest.approx(expected)
    for metric in ("auroc", "tpr_at_fpr_0.01"):
        each = [found[metric, "next", "clean", "window", name].value for name in names]
        assert found[metric, "next", "clean", "all", "all"].value == pytest.approx(np.mean(each))


def test_the_mean_over_generators_weighs_each_alike_and_leaves_small_ones_out(evaluation, scored):
    makers = evaluation.makers.copy()
    first, second = (
        evaluation.cells[name][evaluation.labels[evaluation.cells[name]] == 1] for name in ("2026-02", "2026-03")
    )
    makers[second[:10]], makers[second[10:]] = "large", "small"
    parts = ((0, first), (1, second[:10]))
    expected = []
    for cutoff, made in parts:
        rows = evaluation.cells[THREE[cutoff + 1].name]
        kept = np.concatenate([rows[evaluation.labels[rows] == 0], made])
        expected.append(roc_auc_score(evaluation.labels[kept], scored[cutoff].logits["clean"][kept]))
    apart = copy.copy(evaluation)
    apart.makers = makers
    assert len(first) >= 10 > len(second[10:]) > 1
    measures = Measures(apart, {}, {}).of(scored)
    (figure,) = (m.figure for m in measures if (m.by, m.name) == ("generator", "mean"))
    assert figure.value == pytest.approx(np.mean(expected))
    assert figure.low < figure.value < figure.high


def test_a_protocol_of_one_window_is_measured_on_it(evaluation, scored):
    alone = copy.copy(evaluation)
    alone.protocol = Temporal("static", 1, [("2026-01", "2026-01")])
    measures = {(m.metric, m.part, m.view, m.by, m.name): m.figure for m in Measures(alone, KNOWN, {}).of(scored[:1])}
    rows = evaluation.cells["2026-01"]
    expected = roc_auc_score(evaluation.labels[rows], scored[0].logits["clean"][rows])
    assert measures["auroc", "same", "clean", "all", "all"].value == pytest.approx(expected)
    assert measures["auroc", "same", "clean", "family", "old"].value == pytest.approx(expected)
    assert {"tpr_at_fpr_0.01", "brier", "verdicts_flipped", "balanced_accuracy"} <= {key[0] for key in measures}
    assert {key[1] for key in measures} == {"same"}
    points = reliability(alone, scored[:1])
    assert sum(point.share.n for point in points) == len(rows)


def test_nothing_is_measured_of_nothing(evaluation):
    assert Measures(evaluation, {}, {}).of([]) == ()


def test_prompts_that_several_generators_share(evaluation):
    groups, makers = evaluation.groups.copy(), evaluation.makers.copy()
    made = np.flatnonzero(evaluation.labels == 1)
    groups[made[:4]], makers[made[:3]], makers[made[3]] = "one prompt", ["a", "b", "a"], "c"
    evaluation.groups, evaluation.makers = groups, makers
    assert set(np.flatnonzero(evaluation.shared(3))) == set(made[:4])
    assert not evaluation.shared(4).any()


def test_a_slice_that_is_told_perfectly_is_not_certain(evaluation):
    scores = evaluation.labels.astype(np.float32)
    found = Measures(evaluation, {}, {}).of([Scored(w, {"clean": scores}, 0.5) for w in THREE])
    (figure,) = (m.figure for m in found if (m.metric, m.part, m.by) == ("auroc", "next", "all"))
    assert (figure.value, figure.high) == (1.0, 1.0)
    assert 0.5 < figure.low < 1.0


def test_reliability_pools_the_next_periods(evaluation, scored):
    points = reliability(evaluation, scored)
    rows = [evaluation.cells[THREE[number].name] for number in (1, 2)]
    chances = np.concatenate([expit(scored[at].logits["clean"][own] / 0.7) for at, own in enumerate(rows)])
    labels = evaluation.labels[np.concatenate(rows)]
    assert sum(point.share.n for point in points) == len(labels)
    assert all(a.high < b.low for a, b in zip(points, points[1:], strict=False))
    for point in points:
        inside = (chances >= point.low - 1e-6) & (chances <= point.high + 1e-6)
        assert inside.sum() == point.share.n
        assert point.share.value == labels[inside].mean()
        assert point.probability == pytest.approx(chances[inside].mean())
        assert point.share.low <= point.share.value <= point.share.high
    assert reliability(evaluation, scored[2:]) == ()  # no window follows the last cutoff


def test_a_figure_that_never_varies_has_the_ends_that_its_kind_allows(evaluation):
    """A share of 0 may be more; a difference of 0 may be either way; of what is neither nothing is known."""
    rows = evaluation.cells[THREE[1].name]
    fewest = min(len(set(evaluation.groups[rows[evaluation.labels[rows] == label]])) for label in (0, 1))
    reach = 1 - 0.025 ** (1 / fewest)
    flat = [0.0], [np.zeros(evaluation.draws)], rows
    share, difference, neither = (evaluation.mean(*flat, lowest=lowest) for lowest in (0.0, -1.0, None))
    assert (share.low, share.high) == (0.0, pytest.approx(reach))
    assert (difference.low, difference.high) == (pytest.approx(-reach), pytest.approx(reach))
    assert (neither.value, neither.low, neither.high) == (0.0, None, None)


def test_without_a_false_alarm_precision_has_no_ends_and_an_equal_view_may_gain_or_lose(evaluation):
    logits = np.where(evaluation.labels == 1, 2.0, -2.0).astype(np.float32)
    sure = [Scored(w, {"clean": logits, "same": logits}, threshold=0.0, temperature=1.0) for w in THREE]
    told = {(m.metric, m.view): m.figure for m in Measures(evaluation, KNOWN, {}).of(sure) if m.by == "all"}
    precision = told["precision_at_prevalence_0.0001", "clean"]
    assert (precision.value, precision.low, precision.high) == (1.0, None, None)
    lost = told["auroc_lost", "same"]
    assert (lost.value, -lost.low) == (0.0, pytest.approx(lost.high))
    assert lost.high > 0
    change = evaluation.matrix(sure).change[0].auroc
    assert (change.value, -change.low) == (0.0, pytest.approx(change.high))
