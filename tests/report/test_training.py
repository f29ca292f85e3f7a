"""The ROC against scikit-learn's, the worst errors against a case that is counted by hand."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_curve

import stand_ins
from redqueen.report.canvas import to_png
from redqueen.report.contact_sheet import Sheet
from redqueen.report.training import Validation, curves, roc, roc_points, worst_errors
from redqueen.training.rows import Rows


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def found(corpus):
    """Ten human-made pictures with logits 0 to 9, ten generated ones with -4 to 5, the threshold at 3."""
    labels = corpus.column("label")
    rows = np.concatenate([np.flatnonzero(labels == label)[:10] for label in (0, 1)])
    logits = np.concatenate([np.arange(10), np.arange(10) - 4]).astype(np.float32)
    return Validation(corpus, rows, labels[rows].astype(np.int64), logits, 3.0)


@pytest.mark.parametrize("seed", range(5))
def test_roc_points_are_those_of_a_second_implementation(seed):
    rng = np.random.default_rng(seed)
    labels = np.array([0, 1, *rng.integers(0, 2, 40)])
    scores = rng.integers(0, 12, 42).astype(np.float32)  # many ties
    expected = roc_curve(labels, scores, drop_intermediate=False)[:2]
    np.testing.assert_allclose(roc_points(scores, labels), expected)


def test_figures_of_a_case_counted_by_hand(found):
    figures = found.figures()
    assert figures["final/auroc"] == pytest.approx(
        np.mean([(g > h) + 0.5 * (g == h) for g in range(-4, 6) for h in range(10)])
    )
    assert figures["final/balanced_accuracy"] == pytest.approx((3 / 10 + 3 / 10) / 2)
    assert figures["final/threshold"] == 3.0


def test_pictures_that_failed_are_left_out(found):
    logits = found.logits.copy()
    logits[[0, 15]] = np.nan
    nothing = np.zeros(0, np.int64)
    part = Validation.of(Rows(found.corpus, nothing, found.rows, nothing, found.labels), logits, 3.0)
    assert len(part.rows) == len(part.labels) == len(part.logits) == 18
    assert found.rows[0] not in part.rows


def test_worst_errors_come_first(found):
    alarms, misses = worst_errors(found, n=3)
    assert [picture.row for picture in alarms.pictures] == found.rows[[9, 8, 7]].tolist()
    assert alarms.notes == ("7 of 10 pictures",)
    assert [picture.row for picture in misses.pictures] == found.rows[[10, 11, 12]].tolist()
    assert misses.notes == ("7 of 10 pictures",)
    assert alarms.pictures[0].caption.endswith("logit 9.00")
    assert [strip.pictures[0].generated for strip in (alarms, misses)] == [False, True]


def test_what_may_not_be_shown_is_counted(found):
    for strip in worst_errors(found, lambda licence: licence != "CC0-1.0"):
        assert strip.pictures == ()
        assert strip.notes == ("7 of 10 pictures", "7 not shown: licence")
    assert [strip.notes for strip in worst_errors(found, lambda licence: True)] == [("7 of 10 pictures",)] * 2


def test_a_sheet_of_no_errors_can_be_drawn(found):
    right = Validation(found.corpus, found.rows, found.labels, found.labels * 9.0, 3.0)
    strips = worst_errors(right)
    assert [strip.pictures for strip in strips] == [(), ()]
    (page,) = Sheet().pages(found.corpus, strips, "error")
    assert page.width > 100


def test_figures_are_pictures(found, tmp_path):
    series = {"train/loss": [(0, 1.0), (20, 0.5), (40, 0.2)], "val/auroc": [(40, 0.9)]}
    for figure in (roc(found, "npr-2026-01"), curves(series, "npr-2026-01")):
        (tmp_path / "figure.png").write_bytes(to_png(figure))
        with Image.open(tmp_path / "figure.png") as picture:
            assert min(picture.size) > 300
            assert len(picture.convert("L").getcolors()) > 5


def test_the_threshold_is_marked_where_it_lies_on_the_curve(found):
    (axes,) = roc(found, "npr").axes
    point = next(line for line in axes.lines if line.get_marker() == "o").get_xydata()[0]
    assert point.tolist() == pytest.approx([0.7, 0.3])
    assert any(np.allclose(pair, point) for pair in np.stack(roc_points(found.logits, found.labels), axis=1))
