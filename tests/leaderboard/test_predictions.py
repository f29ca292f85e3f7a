"""Every row of a table of scores is accounted for, and what is wrong with it is said in numbers."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from leaderboard import world
from redqueen.evaluation import scores
from redqueen.leaderboard import predictions, schema
from redqueen.leaderboard.findings import exit_code
from redqueen.metrics.functional import auroc


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return world.make(tmp_path_factory.mktemp("world"))


@pytest.fixture
def bundle(made, tmp_path):
    return shutil.copytree(made.bundle, tmp_path / "example")


def checked(made, bundle):
    card = schema.parse(schema.Submission, (bundle / schema.CARD).read_bytes())
    return predictions.check(bundle, card, made.benchmark)


def changed(made, bundle, change):
    """The checks after `change` of the table."""
    path = bundle / schema.predictions(world.SUITE)
    found = scores.read(path)
    scores.write(path, replace(found, table=change(found.table).cast(scores.SCHEMA)))
    return checked(made, bundle)


def rescored(made, bundle, change):
    """The checks after `change` of the scores alone."""

    def other(table):
        values = np.asarray(change(table["score"].to_numpy().copy()), np.float64)
        return table.set_column(3, "score", pa.array(values, from_pandas=False))

    return changed(made, bundle, other)


def only(checks, slug):
    """The one check of that name, which decides the outcome."""
    (found,) = [check for check in checks if check.id == slug]
    assert exit_code([check for check in checks if check is not found]) == 0
    return found


def first(table, name, value, rows=1):
    """The first rows of a column replaced."""
    column = table[name].to_pylist()
    column[:rows] = [value(one) for one in column[:rows]]
    return table.set_column(table.column_names.index(name), name, pa.array(column, scores.SCHEMA.field(name).type))


def test_a_valid_table_passes_every_check(made):
    checks = checked(made, made.bundle)
    assert {check.outcome for check in checks} == {"passed"}
    assert [check.id for check in checks] == [
        f"predictions.{name}"
        for name in ("file", "benchmark", "threshold", "views", "ids", "status", "range", "levels", "direction")
    ]


def test_the_order_of_rows_is_noted_and_nothing_more(made, bundle):
    found = changed(made, bundle, lambda table: table.take(pa.array(np.random.default_rng(0).permutation(len(table)))))
    assert only(found, "predictions.order").outcome == "noted"
    assert exit_code(found) == 0


def test_a_missing_an_unknown_and_a_doubled_picture_are_counted_and_named(made, bundle):
    ids = made.benchmark.ids
    found = only(changed(made, bundle, lambda table: table.slice(1)), "predictions.ids")
    assert found.outcome == "rejected"
    assert f"cutoff 2026-01, view clean: ids: 1 missing ({ids[0][:16]}); the benchmark has 124" in found.message
    shutil.copytree(made.bundle, bundle, dirs_exist_ok=True)
    found = only(
        changed(made, bundle, lambda table: first(table, "image_id", lambda _: "0" * 64, 7)), "predictions.ids"
    )
    assert (
        f"7 missing ({', '.join(one[:16] for one in ids[:5])}), 1 unknown (0000000000000000), 1 more than"
        in found.message
    )
    shutil.copytree(made.bundle, bundle, dirs_exist_ok=True)
    found = only(changed(made, bundle, lambda table: pa.concat_tables([table, table.slice(3, 2)])), "predictions.ids")
    assert f"2 more than once ({ids[3][:16]}, {ids[4][:16]})" in found.message and "missing" not in found.message


@pytest.mark.parametrize("change", [str.upper, lambda one: f" {one}", lambda one: f"{one}\n"])
def test_ids_that_are_only_written_otherwise_are_recognised(made, bundle, change):
    found = only(changed(made, bundle, lambda table: first(table, "image_id", change, 496)), "predictions.ids")
    assert (
        "124 missing" in found.message
        and "lower case, no blanks" in found.fix
        and "3 more of 4 blocks" in found.message
    )


def test_ids_of_other_pictures_are_said_to_be(made, bundle):
    found = only(
        changed(made, bundle, lambda table: first(table, "image_id", lambda one: one[::-1], 496)), "predictions.ids"
    )
    assert "most are pictures of something else" in found.message


def test_scores_of_another_benchmark_suite_or_detector_never_mix(made, bundle):
    path = bundle / schema.predictions(world.SUITE)
    found = scores.read(path)
    for field, value in (("benchmark", "0" * 64), ("suite", "other-v2"), ("detector", "npr")):
        scores.write(path, replace(found, origin=replace(found.origin, **{field: value})))
        check = only(checked(made, bundle), "predictions.benchmark")
        assert check.outcome == "rejected" and f"{field} {value[:24]}, not" in check.message


def test_a_cutoff_or_a_view_that_is_missing_or_unknown_is_named(made, bundle):
    kept = lambda table: table.filter(pc.not_equal(table["view"], "jpeg50"))  # noqa: E731
    assert "view 'jpeg50' is missing" in only(changed(made, bundle, kept), "predictions.views").message
    found = only(
        changed(made, bundle, lambda table: first(table, "cutoff", lambda _: "2027\x1b[2J")), "predictions.views"
    )
    assert r"cutoff '2027\x1b[2J' is unknown" in found.message


def test_failures_are_counted_and_placed(made, bundle):
    data = made.benchmark
    maker = {one: str(name) for one, name in zip(data.ids, data.column("generator"), strict=True)}

    def fail(table, chosen):
        status = ["failed" if chosen(row) else "ok" for row in table.to_pylist()]
        return table.set_column(4, "status", pa.array(status))

    found = only(
        changed(made, bundle, lambda t: fail(t, lambda r: maker[r["image_id"]] == "maker-c")), "predictions.status"
    )
    assert found.outcome == "rejected" and "60 of 496 scores failed, above all of maker-c (60 of 60)" in found.message
    found = only(changed(made, bundle, lambda t: fail(t, lambda r: r["view"] == "jpeg50")), "predictions.status")
    assert "248 of 496 scores failed, above all of view jpeg50 (248 of 248)" in found.message
    found = only(changed(made, bundle, lambda t: fail(t, lambda r: True)), "predictions.status")
    assert "every picture failed; test" in found.message
    found = only(changed(made, bundle, lambda t: first(t, "status", lambda _: "abstain")), "predictions.status")
    assert "status 'abstain' is unknown" in found.message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_are_numbers(made, bundle, value):
    def change(values):
        values[130] = value
        return values

    found = only(rescored(made, bundle, change), "predictions.finite")
    assert (
        found.outcome == "rejected"
        and f"view jpeg50: 1 scores are not finite numbers, first {made.benchmark.ids[6][:16]}" in found.message
    )


def test_an_empty_score_is_none(made, bundle):
    found = changed(made, bundle, lambda table: first(table, "score", lambda _: None))
    assert only(found, "predictions.finite").outcome == "rejected"


@pytest.mark.parametrize(
    ("change", "message", "fix"),
    [
        (lambda v: np.where(np.arange(len(v)) == 3, -0.1, v), "1 of 496 scores lie outside", "give probabilities"),
        (lambda v: np.where(np.arange(len(v)) == 3, 1.0001, v), "1.0001", "rounding"),
        (lambda v: np.log(v / (1 - v)), "look like logits", "sigmoid"),
        (lambda v: 100 * v, "look like percent", "divide by 100"),
    ],
)
def test_what_lies_outside_of_the_range_is_recognised(made, bundle, change, message, fix):
    found = only(rescored(made, bundle, change), "predictions.range")
    assert found.outcome == "rejected" and message in found.message and fix in found.fix


def test_an_inverted_detector_is_asked_about_and_a_useless_one_is_not(made, bundle):
    found = only(rescored(made, bundle, lambda values: 1 - values), "predictions.direction")
    assert found.outcome == "review" and "1 - score" in found.fix
    own = scores.read(made.bundle / schema.predictions(world.SUITE)).table["score"].to_numpy()[248:372]
    assert f"is {1 - auroc(own, made.benchmark.evaluation.labels):.3f}" in found.message  # rows lie in the order of ids
    for seed in range(5):
        noise = np.random.default_rng(seed).uniform(size=496)
        assert exit_code(rescored(made, bundle, lambda _, noise=noise: noise)) == 0


def test_a_constant_is_rejected_but_for_a_control(made, bundle):
    found = only(
        rescored(made, bundle, lambda values: np.where(np.arange(496) < 124, 0.25, values)), "predictions.constant"
    )
    assert found.outcome == "rejected"
    assert found.message == "every picture has the score 0.25 in 1 of 4 blocks (cutoff 2026-01, view clean)"
    world.edit(bundle, schema.CARD, lambda card: card["detector"].update(control=True))
    assert only(checked(made, bundle), "predictions.constant").outcome == "noted"


def test_verdicts_and_rounded_scores_are_told_from_probabilities(made, bundle):
    found = only(rescored(made, bundle, np.round), "predictions.levels")
    assert found.outcome == "review" and "only 0 and 1 in 4 of 4 blocks" in found.message
    found = only(rescored(made, bundle, lambda _: 0.1 + 0.8 * (np.arange(496) % 3 == 0)), "predictions.levels")
    assert "only 2 different scores" in found.message
    shutil.copytree(made.bundle, bundle, dirs_exist_ok=True)
    found = rescored(made, bundle, lambda values: np.round(values, 2))
    assert exit_code(found) == 0 and "rounded to hundredths" in only(found, "predictions.rounded").message


def test_row_numbers_are_no_probabilities(made, bundle):
    found = only(rescored(made, bundle, lambda _: (np.arange(496) % 124) / 123), "predictions.even")
    assert found.outcome == "review" and "4 of 4 blocks" in found.message


def test_thresholds_are_those_of_the_calibration(made, bundle):
    path = bundle / schema.predictions(world.SUITE)
    found = scores.read(path)
    for thresholds, message in (
        ({"2026-01": 0.5, "2026-02": 0.4}, "2026-02: 0.4 in the table, 0.5 in calibration.json"),
        ({"2026-01": 0.5}, "2026-02 has none in the table"),
        ({"2026-01": 0.5, "2026-02": 1.0}, "2026-02: 1.0 is not inside (0, 1)"),
        ({"2026-01": 0.5, "2026-02": 0.5, "2027-01": 0.5}, "'2027-01' is no cutoff"),
    ):
        scores.write(path, replace(found, origin=replace(found.origin, thresholds=thresholds)))
        check = only(checked(made, bundle), "predictions.threshold")
        assert check.outcome == "rejected" and message in check.message
    scores.write(path, found)
    world.edit(bundle, schema.CALIBRATION, lambda tree: tree["cutoffs"]["2026-01"].pop("method"))
    assert "cannot be compared" in only(checked(made, bundle), "predictions.threshold").message


def test_there_is_one_table(made, bundle):
    table = bundle / schema.predictions(world.SUITE)
    shutil.copy(table, table.with_name("other-v1.parquet"))
    assert "basic-v1.parquet, other-v1.parquet" in only(checked(made, bundle), "predictions.file").message
    shutil.rmtree(table.parent)
    assert "got nothing" in only(checked(made, bundle), "predictions.file").message
