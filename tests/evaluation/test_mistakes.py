"""The worst errors, on predictions made by hand."""

import numpy as np
import pytest
from scipy.special import expit

import stand_ins
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.mistakes import WORST, mistakes
from redqueen.evaluation.protocols import Temporal


@pytest.fixture(scope="module")
def evaluation(corpus):
    return Evaluation(corpus, Temporal("t", 1, [(w.start, w.end) for w in stand_ins.WINDOWS]), draws=10)


def scored(evaluation, wrong):
    """Right of all but some, by (row, logit); the threshold is 1."""
    logits = np.where(evaluation.labels == 1, 3.0, -3.0).astype(np.float32)
    for row, logit in wrong.items():
        logits[row] = logit
    return Scored(stand_ins.WINDOWS[0], {"clean": logits}, threshold=1.0, temperature=2.0)


def test_the_surest_errors_of_either_class_come_first(evaluation):
    rows = evaluation.cells["2026-02"]
    human, made = (rows[evaluation.labels[rows] == label] for label in (0, 1))
    wrong = {human[0]: 2.0, human[1]: 9.0, made[0]: 0.9, made[1]: -4.0}
    found = mistakes(evaluation, [scored(evaluation, wrong)])
    assert [one.image_id for one in found] == [evaluation.ids[row] for row in (human[1], human[0], made[1], made[0])]
    first, last = found[0], found[-1]
    assert (first.generator, last.generator) == (None, "generator-2026-02")
    assert first.kind in ("photo", "collage", "drawing") and last.kind == "generated"
    assert (first.topic, first.trained_up_to, first.tested_on) == (None, "2026-01", "2026-02")
    assert first.probability == pytest.approx(expit(4.5))


def test_of_many_errors_the_worst_are_kept_and_none_is_made_up(evaluation):
    rows = evaluation.cells["2026-02"]
    wrong = {row: 5.0 + at for at, row in enumerate(rows[evaluation.labels[rows] == 0])}
    found = mistakes(evaluation, [scored(evaluation, wrong)])
    assert len(found) == WORST < len(wrong)
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    assert mistakes(evaluation, [scored(evaluation, {})]) == ()
    last = Scored(stand_ins.WINDOWS[1], scored(evaluation, wrong).logits, 1.0)
    assert mistakes(evaluation, [last]) == ()  # no window is new to it
