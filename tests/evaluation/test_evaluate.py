"""Results against scikit-learn and against counts by hand, on predictions made by hand."""

import copy

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import stand_ins
from redqueen.errors import UserError
from redqueen.evaluation.decay import half_lives
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.measures import Measures
from redqueen.evaluation.mistakes import mistakes
from redqueen.evaluation.predict import SCHEMA
from redqueen.evaluation.protocols import Temporal
from redqueen.types import HUMAN_KINDS, Window

VIEWS = ("clean", "rough")
THREE = (*stand_ins.WINDOWS, Window("2026-03", "2026-03", "2026-03"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Many test pictures; the third window has no generated one."""
    return stand_ins.corpus(tmp_path_factory.mktemp("c"), stand_ins.Pictures(60, 20, 40), windows=THREE)


@pytest.fixture(scope="module")
def evaluation(corpus):
    return Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in THREE]), draws=200, seed=0)


def scored(evaluation, cutoff=0, threshold=0.0, views=VIEWS, signal=1.0, decimals=1):
    """Noisy logits with ties."""
    rng = np.random.default_rng([cutoff, 7])
    logits = {
        view: np.round(rng.normal(size=len(evaluation.ids)) + signal * evaluation.labels, decimals).astype(np.float32)
        for view in views
    }
    return Scored(THREE[cutoff], logits, threshold)


def window_rows(corpus, evaluation, name):
    """The test rows of a window, found without the code under test."""
    matched = set(corpus.column("image_id")[corpus.windows[name]])
    return [i for i, one in enumerate(evaluation.ids) if one in matched]


def test_every_cell_is_scikit_learns(corpus, evaluation):
    scores = [scored(evaluation, cutoff) for cutoff in range(2)]
    cells = evaluation.matrix(scores).cells
    assert [(c.trained_up_to, c.view, c.tested_on) for c in cells] == [
        (one.cutoff.name, view, window.name) for one in scores for view in ("clean", "rough") for window in THREE
    ]
    by_cutoff = {one.cutoff.name: one for one in scores}
    for cell in cells:
        rows = window_rows(corpus, evaluation, cell.tested_on)
        if cell.tested_on == "2026-03":
            assert (cell.auroc.value, cell.auroc.low, cell.auroc.high, cell.auroc.n) == (None, None, None, 0)
            continue
        expected = roc_auc_score(evaluation.labels[rows], by_cutoff[cell.trained_up_to].logits[cell.view][rows])
        assert cell.auroc.value == pytest.approx(expected, abs=1e-12)
        assert cell.auroc.n == len(rows) > 20
        assert cell.auroc.n_groups == len({evaluation.groups[i] for i in rows})
        assert 0 <= cell.auroc.low <= cell.auroc.value <= cell.auroc.high <= 1
        assert cell.auroc.low < cell.auroc.high


def test_means_are_of_the_next_and_the_same_cells(corpus, evaluation):
    full = Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in THREE[:2]]), draws=100)
    scores = [scored(full, cutoff, views=("clean",)) for cutoff in range(2)]
    matrix = full.matrix(scores)
    values = {(c.trained_up_to, c.tested_on): c.auroc.value for c in matrix.cells}
    (following,), (current,) = matrix.next_period, matrix.same_period
    assert following.auroc.value == pytest.approx(values["2026-01", "2026-02"])
    assert current.auroc.value == pytest.approx(values["2026-01", "2026-01"])  # the last cutoff has no next window
    assert following.auroc.n == len(window_rows(corpus, full, "2026-02"))


def test_next_period_is_a_mean_over_cutoffs(corpus, tmp_path_factory):
    months = ("2026-01", "2026-02")
    windows = [Window(f"{m}", m, m) for m in months]
    source = stand_ins.Pictures(60, 10, 40)
    protocol = Temporal("t", 1, [(m, m) for m in months] + [("2026-03", "2026-03")])
    made = stand_ins.corpus(tmp_path_factory.mktemp("m"), source, windows=[*windows, THREE[2]])
    evaluation = Evaluation(made, protocol, draws=100)
    # let the third window's cell repeat the second's rows: two next cells with different scores
    evaluation.cells["2026-03"] = evaluation.cells["2026-02"]
    matrix = evaluation.matrix([scored(evaluation, cutoff, views=("clean",)) for cutoff in range(3)])
    values = {(c.trained_up_to, c.tested_on): c.auroc.value for c in matrix.cells}
    following, current = matrix.next_period[0].auroc, matrix.same_period[0].auroc
    assert following.value == pytest.approx((values["2026-01", "2026-02"] + values["2026-02", "2026-03"]) / 2)
    assert current.value == pytest.approx((values["2026-01", "2026-01"] + values["2026-02", "2026-02"]) / 2)
    assert following.low <= following.value <= following.high


def test_the_change_is_of_the_same_draws(corpus):
    full = Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in THREE[:2]]), draws=300)
    (one,) = full.matrix([scored(full, 0, views=("clean",))]).change
    same, after = (full.cell(scored(full, 0).logits["clean"], window.name) for window in THREE[:2])
    assert one.auroc.value == pytest.approx(after[0].value - same[0].value)
    low, high = np.quantile(after[1] - same[1], [0.025, 0.975])
    assert (one.auroc.low, one.auroc.high) == (pytest.approx(low), pytest.approx(high))
    twice = Scored(THREE[0], {"clean": np.zeros(len(full.ids), np.float32)}, 0.0)
    (none,) = full.matrix([twice]).change
    assert (none.auroc.value, -none.auroc.low) == (0.0, none.auroc.high)  # no draw differs: nothing is certain by that
    assert none.auroc.high > 0


def test_a_generator_is_told_from_the_human_made_pictures_of_its_window(corpus, evaluation):
    one = scored(evaluation, 0)
    found = evaluation.generators([one])
    assert [(g.generator, g.released, g.trained_up_to, g.tested_on, g.view) for g in found] == [
        ("generator-2026-02", "2026-02", "2026-01", "2026-02", "clean")
    ]
    rows = window_rows(corpus, evaluation, "2026-02")
    expected = roc_auc_score(evaluation.labels[rows], one.logits["clean"][rows])  # one generator a window
    assert found[0].auroc.value == pytest.approx(expected)
    assert found[0].pictures == evaluation.labels[rows].sum() > 5


def test_each_generator_of_a_window_is_alone(corpus):
    apart = Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in THREE[:2]]), draws=50)
    made = np.flatnonzero(apart.labels[apart.cells["2026-02"]] == 1)
    half = apart.cells["2026-02"][made[::2]]
    apart.makers = apart.makers.copy()
    apart.makers[half] = "another"
    scores = apart.labels.astype(np.float32)
    scores[half] = -1  # it fools the detector, the other one does not
    found = {g.generator: g for g in apart.generators([Scored(THREE[0], {"clean": scores}, 0.0)])}
    assert {name: g.auroc.value for name, g in found.items()} == {"another": 0.0, "generator-2026-02": 1.0}
    assert found["another"].pictures == len(half)


def test_a_window_without_generated_pictures_is_undefined_and_not_zero(evaluation):
    matrix = evaluation.matrix([scored(evaluation, 1, views=("clean",))])
    (following,) = matrix.next_period
    assert following.auroc.value is None
    assert following.auroc.low is None


@pytest.mark.parametrize(("human", "made"), [(2, 3), (4, 1), (5, 0), (0, 5)])
def test_a_window_of_five_pictures_says_how_little_it_knows(human, made, evaluation):
    """Ends that span most of what there is, or none where a class has one picture or no picture; no crash anywhere."""
    small = copy.copy(evaluation)
    rows = evaluation.cells["2026-02"]
    kept = [rows[evaluation.labels[rows] == label][:number] for label, number in ((0, human), (1, made))]
    small.cells = evaluation.cells | {"2026-02": np.sort(np.concatenate(kept))}
    scores = scored(evaluation, signal=0.5)
    (cell,) = (c.auroc for c in small.matrix([scores]).cells if (c.view, c.tested_on) == ("clean", "2026-02"))
    assert (cell.n, cell.n_groups) == (5, 5)
    if min(human, made) > 1:
        assert cell.low <= cell.value <= cell.high
        assert cell.high - cell.low > 0.5
    else:
        assert (cell.low, cell.high) == (None, None)
        assert (cell.value is None) == (0 in (human, made))
    measures = Measures(small, {}, {}).of([scores])
    assert all(m.figure.low <= m.figure.value <= m.figure.high for m in measures)
    assert all(life.low is None for life in half_lives(small, *small.matrix([scores])[0::4]))
    assert [mistake.tested_on for mistake in mistakes(small, [scores])] == ["2026-02"] * len(mistakes(small, [scores]))
    assert small.generators([scores])[:1] == () or small.generators([scores])[0].pictures == made


def test_draws_are_shared_between_cells_and_the_same_every_time(evaluation):
    one = scored(evaluation)
    first, second = (evaluation.matrix([one]) for _ in range(2))
    assert first[:4] == second[:4]
    np.testing.assert_equal(first.draws, second.draws)
    other = evaluation.matrix([Scored(one.cutoff, {"clean": one.logits["clean"] * 3 + 5}, 0.0)])
    assert other.cells[:3] == tuple(c for c in first.cells if c.view == "clean")  # AUROC knows ranks alone


def test_perfect_and_useless_scores(evaluation):
    perfect = Scored(THREE[0], {"clean": evaluation.labels.astype(np.float32)}, 0.5)
    constant = Scored(THREE[0], {"clean": np.zeros(len(evaluation.ids), np.float32)}, 0.5)
    assert [c.auroc.value for c in evaluation.matrix([perfect]).cells] == [1.0, 1.0, None]
    for cell in evaluation.matrix([constant]).cells[:2]:
        assert (cell.auroc.value, cell.auroc.low, cell.auroc.high) == (0.5, 0.5, 0.5)


def test_a_mean_over_windows_that_are_told_perfectly_is_not_certain(corpus):
    full = Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in THREE[:2]]), draws=50)
    perfect = [Scored(w, {"clean": full.labels.astype(np.float32)}, 0.5) for w in THREE[:2]]
    matrix = full.matrix(perfect)
    for figure in (matrix.next_period[0].auroc, matrix.same_period[0].auroc):
        assert (figure.value, figure.high) == (1.0, 1.0)
        assert 0.5 < figure.low < 1.0


def test_false_positives_are_counted(evaluation):
    one = scored(evaluation, threshold=0.3, views=("clean",))
    found = evaluation.false_positives([one])
    assert [entry.kind for entry in found] == list(HUMAN_KINDS)
    for entry in found:
        mine = [score for score, kind in zip(one.logits["clean"], evaluation.kinds, strict=True) if kind == entry.kind]
        over = sum(1 for score in mine if score >= np.float32(0.3))
        assert entry.rate.value == pytest.approx(over / len(mine))
        assert entry.rate.n == len(mine)
        assert entry.rate.low <= entry.rate.value <= entry.rate.high


def test_false_positives_by_hand(evaluation):
    logits = np.full(len(evaluation.ids), -1, np.float32)
    logits[np.flatnonzero(evaluation.kinds == "collage")[:3]] = 2.0
    logits[evaluation.labels == 1] = 5.0  # generated pictures over the threshold are no false alarms
    rates = {e.kind: e.rate for e in evaluation.false_positives([Scored(THREE[0], {"clean": logits}, 2.0)])}
    assert rates["photo"].value == rates["drawing"].value == 0
    assert rates["collage"].value == pytest.approx(3 / (evaluation.kinds == "collage").sum())


def table(evaluation, views=VIEWS):
    rows = [
        {"image_id": one, "view": view, "logit": float(number), "probability": 0.5, "status": "ok"}
        for number, view in enumerate(views)
        for one in evaluation.ids
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def test_predictions_are_aligned_by_id_and_not_by_order(evaluation):
    logits = np.arange(len(evaluation.ids), dtype=np.float32)
    rows = [
        {"image_id": one, "view": "clean", "logit": float(x), "probability": 0.5, "status": "ok"}
        for one, x in zip(evaluation.ids, logits, strict=True)
    ]
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    found = Scored.of(THREE[0], pa.Table.from_pylist(shuffled, schema=SCHEMA), evaluation.ids, 0.0, ["clean"])
    np.testing.assert_array_equal(found.logits["clean"], logits)


def test_a_missing_picture_is_refused_by_name(evaluation):
    made = table(evaluation)
    with pytest.raises(
        UserError, match=rf"view 'clean': 1 test pictures have no prediction, first {made[0][0].as_py()[:12]}"
    ):
        Scored.of(THREE[0], made.slice(1), evaluation.ids, 0.0, VIEWS)


def test_a_picture_without_a_score_is_refused(evaluation):
    rows = table(evaluation).to_pylist()
    rows[4] |= {"logit": None, "probability": None, "status": "failed"}
    made = pa.Table.from_pylist(rows, schema=SCHEMA)
    with pytest.raises(UserError, match=r"view 'clean': 1 pictures have no score"):
        Scored.of(THREE[0], made, evaluation.ids, 0.0, VIEWS)


def test_a_missing_view_is_refused(evaluation):
    made = table(evaluation, views=("clean",))
    with pytest.raises(UserError, match=rf"view 'rough': {len(evaluation.ids)} test pictures have no prediction"):
        Scored.of(THREE[0], made, evaluation.ids, 0.0, VIEWS)
