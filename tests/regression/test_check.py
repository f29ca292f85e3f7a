"""The whole check on a small benchmark: figures against scikit-learn, verdicts of detectors whose truth is known."""

import datetime
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.regression.check import check, content
from redqueen.regression.flips import of_slice
from redqueen.regression.policy import read
from regression import world

TODAY = datetime.date(2026, 6, 1)


@pytest.fixture(scope="module")
def made(small):
    return Benchmark.open(small / "benchmark")


@pytest.fixture(scope="module")
def tables(small):
    return {name: scores.read(small / f"{name}.parquet") for name in ("release", "honest", "worse")}


def checked(made, tmp_path, candidate, baselines, **said):
    return check(read(world.policy(tmp_path, **said)), made, candidate, baselines, TODAY)


def logit_of(table, view, made):
    rows = table.table.filter(pa.compute.equal(table.table["view"], view)).to_pylist()
    by_id = {row["image_id"]: row["score"] for row in rows}
    return np.asarray([by_id[one] for one in made.ids])


def test_figures_as_by_scikit_learn(made, tables, tmp_path):
    slices = {"by": ["generator", "kind", "view"], "min_groups": 20}
    found, _ = checked(made, tmp_path, tables["worse"], {"release": tables["release"]}, slices=slices)
    by_gate = {one.gate: one for one in found.findings}
    before, after = (logit_of(tables[name], "clean", made) for name in ("release", "worse"))
    labels = made.evaluation.labels
    whole = by_gate["auroc"]
    assert whole.before == pytest.approx(roc_auc_score(labels, before))
    assert whole.change == pytest.approx(roc_auc_score(labels, after) - roc_auc_score(labels, before))
    accuracy = by_gate["balanced_accuracy"]
    assert accuracy.after == pytest.approx(balanced_accuracy_score(labels, after >= 0.5))
    own = (labels == 0) | (made.evaluation.makers == "gen-1")
    assert by_gate["auroc generator=gen-1"].after == pytest.approx(roc_auc_score(labels[own], after[own]))
    assert by_gate["auroc generator=gen-1"].groups == 50
    human = (labels == 1) | (made.evaluation.kinds == "collage")
    assert by_gate["auroc kind=collage"].after == pytest.approx(roc_auc_score(labels[human], after[human]))
    assert by_gate["auroc kind=collage"].pictures == 30
    rough = logit_of(tables["worse"], "jpeg50", made)
    assert by_gate["auroc view=jpeg50"].after == pytest.approx(roc_auc_score(labels, rough))


def test_an_honest_version_passes_and_a_worse_one_fails(made, tables, tmp_path):
    fine, _ = checked(made, tmp_path, tables["honest"], {"release": tables["release"]})
    assert (fine.outcome, fine.exit_code) == ("pass", 0)
    assert fine.sentence == "PASS: nothing fell by its margin or more in 2 comparisons with release"
    bad, _ = checked(made, tmp_path, tables["worse"], {"release": tables["release"]})
    assert (bad.outcome, bad.exit_code) == ("fail", 1)
    assert bad.sentence.startswith("FAIL: ") and "against release; and 1 more failure" in bad.sentence


def test_the_same_scores_are_identical_in_any_order_and_under_any_name(made, tables, tmp_path):
    table = tables["release"]
    shuffled = table.table.take(np.random.default_rng(0).permutation(table.table.num_rows))
    other = replace(table, table=shuffled, origin=replace(table.origin, detector="renamed"))
    assert content(other) == content(table)
    found, flips = checked(made, tmp_path, other, {"release": table})
    assert {one.verdict for one in found.findings} == {"identical"} and not flips
    assert found.sentence == "PASS: the scores are identical to those of release"


def test_a_tolerance_takes_scores_of_another_machine_for_the_same(made, tables, tmp_path):
    values = tables["release"].table["score"].to_numpy()
    near = np.clip(values + 1e-5 * np.sin(np.arange(len(values))), 0, 1)
    other = replace(tables["release"], table=tables["release"].table.set_column(3, "score", pa.array(near)))
    brier = [{"metric": "brier", "margin": 0.01}]
    found, _ = checked(made, tmp_path, other, {"release": tables["release"]}, gates=brier, tolerance=1e-4)
    assert {one.verdict for one in found.findings} == {"identical"}
    found, _ = checked(made, tmp_path, other, {"release": tables["release"]}, gates=brier, tolerance=1e-6)
    assert "identical" not in {one.verdict for one in found.findings}


def test_another_scale_of_the_same_order_leaves_figures_of_order_identical(made, tables, tmp_path):
    values = tables["release"].table["score"].to_numpy() ** 3
    cubed = replace(tables["release"], table=tables["release"].table.set_column(3, "score", pa.array(values)))
    found, _ = checked(made, tmp_path, cubed, {"release": tables["release"]}, slices={"by": ["kind"], "min_groups": 20})
    verdicts = {one.gate: one.verdict for one in found.findings}
    assert verdicts["auroc"] == verdicts["auroc kind=collage"] == "identical"
    assert verdicts["balanced_accuracy"] == "fail", "its threshold was left behind"


def test_another_threshold_is_another_detector(made, tables, tmp_path):
    origin = replace(tables["release"].origin, thresholds={"2026-01": 0.9})
    found, flips = checked(made, tmp_path, replace(tables["release"], origin=origin), {"release": tables["release"]})
    verdicts = {one.gate: one.verdict for one in found.findings}
    assert verdicts["balanced_accuracy"] == "fail" and flips
    assert verdicts["auroc"] == "identical", "its order is the same"


def test_one_baseline_under_two_names_is_asked_once(made, tables, tmp_path):
    twice = {"release": tables["release"], "merge_base": tables["release"], "other": tables["honest"]}
    found, _ = checked(made, tmp_path, tables["worse"], twice)
    assert {one.baseline for one in found.findings} == {"release and merge_base", "other"}
    assert [one.name for one in found.baselines] == ["release", "merge_base", "other"]


def test_flips_are_counted_both_ways(made, tables, tmp_path):
    found, flips = checked(made, tmp_path, tables["worse"], {"release": tables["release"]})
    labels = made.evaluation.labels
    right, wrong = 0, 0
    for view in world.VIEWS:
        before, after = (logit_of(tables[name], view, made) >= 0.5 for name in ("release", "worse"))
        right += int(((before != labels) & (after == labels)).sum())
        wrong += int(((before == labels) & (after != labels)).sum())
    assert found.flips == {"release": (right, wrong)} and wrong > right > 0
    collages = of_slice(of_slice(flips, "kind=collage"), "now=wrong")
    assert collages and all(one.kind == "collage" and one.now == "wrong" and one.label == 0 for one in collages)
    assert of_slice(flips, "all") == flips
    with pytest.raises(UserError, match="give all, or one of"):
        of_slice(flips, "colour=red")


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"gates": [{"metric": "aurok", "margin": 0.1}]}, "no metric 'aurok'; did you mean 'auroc'?"),
        ({"gates": [{"metric": "auroc", "margin": 0.1, "view": "jpg50"}]}, "no view 'jpg50'; did you mean 'jpeg50'?"),
        ({"gates": [{"metric": "auroc", "margin": 0.1, "slice": "kind=photos"}]}, "no slice 'kind=photos'"),
        ({"floors": [{"metric": "auroc", "min": 0.1, "slice": "generator=gen-9"}]}, "no slice 'generator=gen-9'"),
        (
            {"floors": [{"metric": "auroc", "min": 0.1, "slice": "generator=gen-1", "min_groups": 99}]},
            "50 groups, the floor asks for 99",
        ),
    ],
)
def test_what_is_not_measured_is_never_a_pass(said, note, made, tables, tmp_path):
    found, _ = checked(made, tmp_path, tables["release"], {"release": tables["release"]}, **said)
    assert (found.outcome, found.exit_code) == ("not comparable", 4)
    assert found.findings[0].verdict == "unmeasured" and note in found.sentence


def test_a_regression_outweighs_what_was_not_measured(made, tables, tmp_path):
    gates = [{"metric": "auroc", "margin": 0.02}, {"metric": "aurok", "margin": 0.02}]
    found, _ = checked(made, tmp_path, tables["worse"], {"release": tables["release"]}, gates=gates)
    assert found.exit_code == 1
    assert [one.verdict for one in found.findings] == ["fail", "unmeasured"]


def test_small_slices_are_listed_and_decide_nothing(made, tables, tmp_path):
    slices = {"by": ["generator", "kind"], "min_groups": 40}
    found, _ = checked(made, tmp_path, tables["honest"], {"release": tables["release"]}, slices=slices)
    assert [(one.name, one.groups) for one in found.skipped] == [("collage", 30), ("drawing", 30)]
    assert "2 slices with too few groups to be gated" in found.sentence


def test_floors_of_false_alarms_by_kind(made, tables, tmp_path):
    floors = [{"metric": "false_positive_rate", "max": 0.5, "slice": "kind=*", "min_groups": 20}]
    floors += [{"metric": "false_positive_rate", "max": 0.001, "slice": "kind=photo", "view": "jpeg50"}]
    found, _ = checked(made, tmp_path, tables["release"], {"release": tables["release"]}, floors=floors)
    verdicts = {one.gate: one.verdict for one in found.findings if one.floor}
    assert verdicts == {
        **{f"floor false_positive_rate kind={kind}": "pass" for kind in ("photo", "collage", "drawing")},
        "floor false_positive_rate@jpeg50 kind=photo": "fail",
    }
    flagged = logit_of(tables["release"], "jpeg50", made) >= 0.5
    photo = made.evaluation.kinds == "photo"
    share = 100 * flagged[photo].mean()
    assert f"false positive rate on kind=photo, view=jpeg50 is {share:.1f} %, over its limit of 0.1 %" in found.sentence


def test_every_metric_can_be_gated(made, tables, tmp_path):
    names = ["auroc", "average_precision", "tpr_at_fpr_0.01", "tpr_at_fpr_0.05", "balanced_accuracy"]
    names += ["equal_error_rate", "false_positive_rate", "brier", "adaptive_ece"]
    gates = [{"metric": name, "margin": 0.9} for name in names]
    found, _ = checked(made, tmp_path, tables["worse"], {"release": tables["release"]}, gates=gates)
    assert {one.metric: one.verdict for one in found.findings} == dict.fromkeys(names, "pass")
    worse = {one.metric: one.change for one in found.findings}
    assert all(worse[name] < 0 for name in names if name != "adaptive_ece"), "oriented: negative is worse"


def test_without_a_baseline_there_is_nothing_to_say(made, tables, tmp_path):
    with pytest.raises(UserError, match="nothing to compare with"):
        checked(made, tmp_path, tables["release"], {})


def test_scores_of_another_benchmark_are_not_comparable(made, tables, tmp_path):
    for change in ({"benchmark": "f" * 64}, {"suite": "other-v1"}):
        foreign = replace(tables["release"], origin=replace(tables["release"].origin, **change))
        for candidate, baseline in ((foreign, tables["release"]), (tables["release"], foreign)):
            found, _ = checked(made, tmp_path, candidate, {"release": baseline})
            assert found.exit_code == 4 and found.sentence.startswith("NOT COMPARABLE: scores of small are of")
