"""Transfer from cells, counted by hand."""

import numpy as np
import pytest

import stand_ins
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.protocols import Temporal
from redqueen.evaluation.transfer import transfers
from redqueen.types import Window

WINDOWS = tuple(Window(month, month, month) for month in ("2026-01", "2026-02", "2026-03"))


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    source = stand_ins.Pictures(80, 10, 40, released=("2026-01", "2026-02", "2026-03"))
    corpus = stand_ins.corpus(tmp_path_factory.mktemp("c"), source, windows=WINDOWS)
    return Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in WINDOWS]), draws=50)


def test_transfer_of_every_view_by_hand(evaluation):
    rng = np.random.default_rng(0)
    scored = [
        Scored(w, {v: (rng.normal(size=len(evaluation.ids)) + evaluation.labels).astype(np.float32) for v in "ab"}, 0.0)
        for w in WINDOWS
    ]
    matrix = evaluation.matrix(scored)
    found = {(m.metric, m.view): m.figure for m in transfers(evaluation, matrix.cells, matrix.draws)}
    assert len(found) == 6
    for view in "ab":
        cell = {(c.trained_up_to, c.tested_on): c.auroc.value for c in matrix.cells if c.view == view}
        first, second, last = (w.name for w in WINDOWS)
        back = (cell[last, first] - cell[first, first] + cell[last, second] - cell[second, second]) / 2
        assert found["backward_transfer", view].value == pytest.approx(back)
        ahead = (cell[first, second] + cell[second, last]) / 2 - 0.5
        assert found["forward_transfer", view].value == pytest.approx(ahead)
        assert found["forgetting", view].value >= -back
        assert found["backward_transfer", view].low < back < found["backward_transfer", view].high
    one = evaluation.matrix(scored[:2])
    assert transfers(evaluation, one.cells, one.draws) == ()
