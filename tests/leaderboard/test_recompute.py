"""Figures come from the scores; claims are compared, and the first that differs is named with both values."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leaderboard import world
from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.evaluation.decay import age
from redqueen.evaluation.evaluate import Matrix
from redqueen.evaluation.protocols import Listed
from redqueen.leaderboard import headlines, recompute, schema
from redqueen.types import Cell, Interval, Window


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return world.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def found(made):
    return recompute.recomputed(made.bundle, made.benchmark)


@pytest.fixture
def bundle(made, tmp_path):
    return shutil.copytree(made.bundle, tmp_path / "example")


def outcome(made, bundle, slug):
    (check,) = [one for one in recompute.recomputed(bundle, made.benchmark)[2] if one.id == slug]
    return check


def test_an_honest_bundle_agrees_with_its_claims(found):
    result, _, checks = found
    assert [check.outcome for check in checks] == ["passed"] * 3
    assert (result.detector, result.suite, result.corpus, result.draws) == ("example", world.SUITE, "tiny", world.DRAWS)
    assert len(result.predictions_digest) == 64 and result.limits == ()


def test_the_headline_is_sklearns(made, found):
    table = scores.read(made.bundle / schema.predictions(world.SUITE)).table.to_pandas()
    own = table[(table.cutoff == "2026-01") & (table["view"] == "clean")].set_index("image_id").loc[made.benchmark.ids]
    rows = made.benchmark.evaluation.cells["2026-02"]
    area = roc_auc_score(made.benchmark.evaluation.labels[rows], own["score"].to_numpy()[rows])
    assert found[0].next_period[0].auroc.value == pytest.approx(area, abs=1e-12)


@pytest.mark.parametrize(("by", "caught"), [(0.003, True), (2e-6, True), (5e-7, False), (-0.003, True)])
def test_a_forged_claim_is_named_with_both_values(made, bundle, by, caught):
    def forge(card):
        card["claims"]["auroc/next/clean"] += by

    honest = recompute.recomputed(bundle, made.benchmark)[0].next_period[0].auroc.value
    world.edit(bundle, schema.CARD, forge)
    check = outcome(made, bundle, "recompute.claims")
    assert check.outcome == ("rejected" if caught else "passed")
    if caught:
        assert f"claims auroc/next/clean = {honest + by:.6f}, recomputed {honest:.6f}" in check.message


def test_a_figure_that_nobody_can_compute_is_no_claim(made, bundle):
    world.edit(bundle, schema.CARD, lambda card: card["claims"].update({"auroc/past/nowhere": 0.9}))
    assert (
        "auroc/past/nowhere = 0.900000, recomputed no such figure" in outcome(made, bundle, "recompute.claims").message
    )


def test_no_claim_is_no_fault(made, bundle):
    world.edit(bundle, schema.CARD, lambda card: card["claims"].clear())
    assert outcome(made, bundle, "recompute.claims").outcome == "skipped"


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("cells", lambda one: one[3]["auroc"].update(value=1.0), "cells/2026-01/2026-02/jpeg50/auroc/value = 1.000000"),
        ("next_period", lambda one: one[0]["auroc"].update(low=0.8), "next_period/clean/auroc/low = 0.800000"),
        ("generators", lambda one: one[0]["auroc"].update(value=None), "auroc/value = undefined, recomputed 0."),
        ("false_positives", lambda one: one[0]["rate"].update(value=0.0), "false_positives/2026-01/photo/clean/rate"),
    ],
)
def test_every_figure_of_the_claimed_result_is_compared(made, bundle, field, change, message):
    world.edit(bundle, schema.RESULT, lambda tree: change(tree[field]))
    check = outcome(made, bundle, "recompute.result")
    assert check.outcome == "rejected" and message in check.message and "differ" not in check.message


def test_intervals_of_fewer_draws_are_not_compared(made, bundle):
    def fewer(tree):
        tree["draws"] = 10
        tree["next_period"][0]["auroc"]["low"] = 0.0

    world.edit(bundle, schema.RESULT, fewer)
    assert outcome(made, bundle, "recompute.result").outcome == "passed"


def test_a_result_of_something_else_is_refused(made, bundle):
    world.edit(bundle, schema.RESULT, lambda tree: tree.update(corpus_digest="0" * 64, detector="npr"))
    check = outcome(made, bundle, "recompute.setup")
    assert check.outcome == "rejected" and "another detector, corpus_digest: 'npr', not 'example'" in check.message


def test_scores_given_to_the_wrong_pictures_do_not_give_the_claims(made, bundle):
    values = {key: np.roll(one, 1) for key, one in world.logits(made.benchmark, 0).items()}
    world.replace_scores(bundle, world.scored(made.benchmark, "example", values=values))
    check = outcome(made, bundle, "recompute.result")
    assert check.outcome == "rejected" and "more of" in check.message


def test_what_is_no_score_is_taken_from_the_bundle_and_reports_of_others_are_not(made, bundle):
    told = {"detector": "example", "metric": "accuracy", "dataset": "x", "figure": 99.9, "source": "a page"}
    world.edit(bundle, schema.RESULT, lambda tree: tree.update(limits=["Weak."], seed=5, reported=[told]))
    result = recompute.recomputed(bundle, made.benchmark)[0]
    assert (result.limits, result.seed, result.reported) == (("Weak.",), 5, ())


def test_files_that_cannot_be_read_end_in_one_line(made, bundle):
    (bundle / schema.RESULT).write_text('{"detector": NaN}')
    with pytest.raises(UserError, match="cannot be read"):
        recompute.recomputed(bundle, made.benchmark)


def test_draw_i_is_one_world_for_all_submissions(made, found):
    other = recompute.recomputed(made.add("paired", seed=3), made.benchmark)[1]
    data = made.benchmark.evaluation
    rows = data.cells["2026-02"]
    for seed, draws in ((0, found[1]), (3, other)):
        own = world.logits(made.benchmark, seed)["2026-01", "clean"][rows]
        for draw in (0, 7, 59):
            weights = data.weights[draw][data.index[rows]]
            area = roc_auc_score(data.labels[rows], own, sample_weight=weights)
            assert draws["auroc/next/clean"][draw] == pytest.approx(area, abs=1e-12)


def test_a_decay_rate_is_that_of_the_skill():
    windows = tuple(Window(month, month, month) for month in ("2026-01", "2026-02", "2026-03", "2026-05"))
    pairs = [(a, b) for at, a in enumerate(windows) for b in windows[at + 1 :]]
    areas = {(a.name, b.name): (1 + 0.8 * np.exp(-0.07 * age(a, b))) / 2 for a, b in pairs}
    figures = {key: Interval(value, None, None, 9, 9) for key, value in areas.items()}
    draws = {("clean", *key): np.array([value, np.nan, value]) for key, value in areas.items()}
    matrix = Matrix(tuple(Cell(*key, "clean", one) for key, one in figures.items()), (), (), (), draws)
    stand_in = SimpleNamespace(protocol=Listed("x-v1", windows), draws=3)
    found = headlines._rates(stand_in, matrix)
    assert found[[0, 2]] == pytest.approx(0.07, abs=1e-6) and np.isnan(found[1])
    assert np.isnan(headlines._rates(stand_in, matrix._replace(cells=matrix.cells[:1]))).all()


def test_headline_draws_surround_their_figures(found):
    result, draws, _ = found
    values = {f"auroc/next/{one.view}": one.auroc for one in result.next_period}
    values |= {f"auroc/same/{one.view}": one.auroc for one in result.same_period}
    last = [one for one in result.false_positives if one.trained_up_to == "2026-02" and one.view == "clean"]
    values |= {f"false_positive_rate/{one.kind}/clean": one.rate for one in last}
    values["auroc/worst_generator/clean"] = min((one.auroc for one in result.generators), key=lambda one: one.value)
    lost = [
        one.figure for one in result.measures if one.metric == "auroc_lost" and one.part == "next" and one.by == "all"
    ]
    values["auroc_lost/next/jpeg50"] = lost[0]
    assert set(draws) == set(values)  # two windows give no decay rate
    for name, figure in values.items():
        assert len(draws[name]) == world.DRAWS
        assert np.nanmin(draws[name]) <= figure.value <= np.nanmax(draws[name]), name
    for name in ("auroc/next/clean", "auroc/same/jpeg50", "auroc_lost/next/jpeg50"):
        low, high = np.quantile(draws[name], [0.025, 0.975])
        assert (low, high) == pytest.approx((values[name].low, values[name].high), abs=1e-12)
