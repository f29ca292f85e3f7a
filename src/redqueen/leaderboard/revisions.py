"""Whether a revision only gains: a trained detector loses pictures where it gains others, a picker of answers none.

Additive pass@k from public feedback looks so (SWE-bench/experiments issue 81). If each change were as likely a loss as
a gain, k changes would all be gains with a chance of 2^-k.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.rivals import Rival
from redqueen.leaderboard.schema import Submission
from redqueen.perturbations.suite import CLEAN

LEVEL = 1e-3


def check(card: Submission, scored: Sequence[Scored], benchmark: Benchmark, rivals: Sequence[Rival]) -> Check:
    """Verdicts of each cutoff, clean, against those of the submission that this one revises."""
    if card.revision_of is None:
        return Check("forensics.revision", "skipped", "revises no other submission")
    before = next((one for one in rivals if one.name == card.revision_of and one.scored), None)
    if before is None:
        message = f"the scores of {card.revision_of}, which this revises, are not at hand"
        return Check("forensics.revision", "noted", message, "verify with against=[FOLDER] of the earlier bundle")
    told = []
    for new, old in zip(scored, before.scored, strict=True):
        gains, losses = churn(_right(old, benchmark), _right(new, benchmark), benchmark.evaluation.groups)
        told.append(f"{new.cutoff.name} +{gains} -{losses}")
        if not losses and 0.5**gains < LEVEL:
            message = (
                f"cutoff {new.cutoff.name}: {gains} groups of pictures gained against {card.revision_of}, none lost"
            )
            return Check("forensics.revision", "review", f"{message} (chance {0.5**gains:.1g})", "say what was changed")
    return Check(
        "forensics.revision", "passed", f"groups gained and lost against {card.revision_of}: {', '.join(told)}"
    )


def churn(before: NDArray[np.bool_], after: NDArray[np.bool_], groups: NDArray[np.str_]) -> tuple[int, int]:
    """Groups in which more verdicts became right than wrong, and the other way round; pictures of one move together.

    >>> churn(np.array([False, False, True]), np.array([True, True, False]), np.array(["a", "a", "b"]))
    (1, 1)
    """
    places = np.unique(groups, return_inverse=True)[1]
    change = np.bincount(places, after.astype(np.float64) - before.astype(np.float64))
    return int((change > 0).sum()), int((change < 0).sum())


def _right(one: Scored, benchmark: Benchmark) -> NDArray[np.bool_]:
    return np.asarray((one.logits[CLEAN] >= one.threshold) == (benchmark.evaluation.labels == 1))
