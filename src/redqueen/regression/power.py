"""What a check can see, before anything is spent: of every gate and slice, the fall that it would find.

It needs a pair of tables that differ as two honest versions of a detector do. Where only one is there, the other is
made of it: noise on its logits, half of it shared by each group, so strong that a given share of verdicts flips.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from redqueen.evaluation.evaluate import Scored
from redqueen.regression.check import compared
from redqueen.regression.decide import Trial, detectable, needed
from redqueen.regression.figures import Measured
from redqueen.regression.findings import Finding, Skipped
from redqueen.regression.plan import plan
from redqueen.regression.policy import Policy
from redqueen.regression.sliced import Sliced


@dataclass(frozen=True)
class Sight:
    """What one gate can see on one slice.

    Attributes:
        finding: the gate, the slice, and what stands behind it.
        error: standard error of the change.
        alone: the fall that fails with the power asked for, were it the only comparison.
        detectable: the same, as one of all comparisons of the check.
        needed: groups at which no change would be left open.
    """

    finding: Finding
    error: float
    alone: float
    detectable: float
    needed: int


def sights(policy: Policy, before: Measured, after: Measured, power: float) -> tuple[list[Sight], list[Skipped]]:
    """Every gate and slice of a policy against as many baselines as it has; and slices too small to be gated."""
    asked = plan(policy, before.sliced, before.scored)
    baselines = max(1, len(policy.baselines))
    trials = [trial for one in asked.gates if (trial := compared(one, before, after, "a baseline")) is not None]
    many = baselines * len(asked.gates) + len(asked.floors) if policy.correction == "holm" else 1
    return [_sight(trial, many, power) for trial in trials], asked.skipped


def _sight(trial: Trial, many: int, power: float) -> Sight:
    finding, found = trial.finding, trial.bounds
    error = found.standard_error
    return Sight(
        finding,
        error,
        detectable(error, finding, 1, power, trial.flipped),
        detectable(error, finding, many, power, trial.flipped),
        needed(found, finding.groups, finding, many),
    )


def another(before: Measured, share: float, seed: int = 0) -> Measured:
    """The same detector made again: so much noise on its logits that a share of all verdicts flips.

    Args:
        before: the detector.
        share: of the verdicts, in (0, 0.5).
        seed: of the noise.
    """
    made = [_noisy(one, before.sliced, share, seed + at) for at, one in enumerate(before.scored)]
    return Measured(made, before.sliced)


def _noisy(one: Scored, sliced: Sliced, share: float, seed: int) -> Scored:
    rng, index = np.random.default_rng([seed, 11]), sliced.evaluation.index
    half = np.sqrt(0.5)
    found = {}
    for view, logits in one.logits.items():
        values = np.asarray(logits, np.float64)
        noise = half * rng.normal(size=index.max() + 1)[index] + half * rng.normal(size=len(index))
        spread = float(np.abs(values - one.threshold).max()) + 1.0

        def excess(scale: float, values: object = values, noise: object = noise) -> float:
            moved = np.asarray(values) + scale * np.asarray(noise)
            flipped = (moved >= one.threshold) != (np.asarray(values) >= one.threshold)
            return float(flipped.mean()) - share

        top = 100 * spread
        scale = float(brentq(excess, 0.0, top, xtol=1e-4 * spread)) if excess(top) > 0 else top
        found[view] = values + scale * noise
    return replace(one, logits=found)
