"""The worst errors of a detector: what it was surest of and wrong about, on the window after each cutoff."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.perturbations.suite import CLEAN
from redqueen.types import Mistake

WORST = 5  # of either class


def mistakes(evaluation: Evaluation, scored: Sequence[Scored]) -> tuple[Mistake, ...]:
    """Human-made pictures that were called generated with the highest probabilities, clean, then the other way round.

    Only verdicts on the wrong side of the threshold count, on the next period, or on the one window of a protocol.
    """
    found: list[tuple[float, str, Mistake]] = []
    for judge in scored:
        window = evaluation.after.get(judge.cutoff.name, None if evaluation.after else judge.cutoff.name)
        rows = evaluation.cells[window] if window else np.zeros(0, np.int64)
        for row in rows[(judge.logits[CLEAN][rows] >= judge.threshold) != (evaluation.labels[rows] == 1)]:
            one = _mistake(evaluation, judge, int(row), str(window))
            found.append(
                (abs(float(judge.logits[CLEAN][row]) - judge.threshold) / judge.temperature, one.image_id, one)
            )
    ordered = [one for *_, one in sorted(found, key=lambda each: (-each[0], each[1]))]
    alarms, misses = ([one for one in ordered if (one.generator is None) is human] for human in (True, False))
    return (*alarms[:WORST], *misses[:WORST])


def _mistake(evaluation: Evaluation, judge: Scored, row: int, window: str) -> Mistake:
    return Mistake(
        image_id=evaluation.ids[row],
        kind=evaluation.kinds[row],
        generator=evaluation.makers[row] if evaluation.labels[row] == 1 else None,
        topic=evaluation.topics[row],
        trained_up_to=judge.cutoff.name,
        tested_on=window,
        probability=float(expit(float(judge.logits[CLEAN][row]) / judge.temperature)),
    )
