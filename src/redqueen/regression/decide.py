"""From bounds to verdicts: what passes, what fails, and what cannot be told.

A change passes where its lower bound lies above -margin. It fails where it does not pass and is worse than 0 beyond
chance. Else it is inconclusive. The two sides err differently, so they are guarded differently:

- A check passes if all gates pass, so no correction is needed there: a change as bad as its margin gets through one
  gate with a chance of alpha at most, and through all of them with less.
- A check fails if any gate fails, so the p-values of all gates, slices and baselines of one check are adjusted together
  (Holm, 1979): if nothing got worse, the whole check fails with a chance of alpha at most. A gate with a smaller alpha
  of its own has its p-value enlarged by as much.
"""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from redqueen.errors import unknown
from redqueen.metrics.comparison import holm
from redqueen.metrics.functional import FloatArray
from redqueen.regression.bounds import Bounds
from redqueen.regression.findings import Finding
from redqueen.regression.policy import Policy, Waiver

_STEPS = 50  # of a fixed point that each step halves the distance to, at least


@dataclass(frozen=True)
class Trial:
    """What is to be decided.

    Attributes:
        finding: the record so far.
        bounds: what the draws say.
        identical: whether everything is the same that the figure reads.
        flipped: share of verdicts that differ, of a figure that reads verdicts.
    """

    finding: Finding
    bounds: Bounds
    identical: bool = False
    flipped: float | None = None


def adjusted(p: ArrayLike, alpha: ArrayLike, whole: float, correction: str = "holm") -> FloatArray:
    """P-values of one check, (m,), for being many: each is to be held against `whole`, the alpha of the check.

    >>> adjusted([0.01, 0.04], [0.05, 0.05], 0.05).tolist(), adjusted([0.01, 0.04], [0.01, 0.05], 0.05).tolist()
    ([0.02, 0.04], [0.08, 0.08])
    """
    scaled = np.minimum(np.asarray(p, np.float64) * whole / np.asarray(alpha, np.float64), 1.0)
    return holm(scaled) if correction == "holm" else scaled


def settled(low: ArrayLike, adjusted_p: ArrayLike, margin: ArrayLike, whole: float) -> NDArray[np.str_]:
    """The verdict on each change, (m,): "pass", "fail" or "inconclusive"."""
    passed = np.asarray(low) > -np.asarray(margin)
    return np.where(passed, "pass", np.where(np.asarray(adjusted_p) <= whole, "fail", "inconclusive"))


def decided(trials: Sequence[Trial], policy: Policy) -> list[Finding]:
    """All findings of one check, in the order given; scores that are the same cannot fail and are not counted."""
    open_ = [at for at, one in enumerate(trials) if not one.identical]
    alphas = [trials[at].finding.alpha for at in open_]
    p = np.ones(len(trials))
    p[open_] = adjusted([trials[at].bounds.p for at in open_], alphas, policy.alpha, policy.correction)
    many = len(open_) if policy.correction == "holm" else 1
    return [_decided(one, float(value), policy.alpha, many) for one, value in zip(trials, p, strict=True)]


def _decided(trial: Trial, p: float, whole: float, many: int) -> Finding:
    found = trial.bounds
    finding = replace(
        trial.finding, change=found.change, low=found.low, high=found.high, p=found.p, adjusted=max(p, found.p)
    )
    if trial.identical:
        return replace(finding, verdict="identical", low=found.change, high=found.change)
    if finding.floor:
        passed, failed = found.change >= 0, p <= whole
    else:
        verdict = str(settled(found.low, p, finding.margin, whole))
        passed, failed = verdict == "pass", verdict == "fail"
    if passed:
        return replace(finding, verdict="pass", note="small but real" if found.high < 0 else "")
    if failed:
        return replace(finding, verdict="fail")
    alone = " (it would fail were it not one of many)" if found.p <= finding.alpha else ""
    if finding.floor:
        return replace(finding, note=f"beyond its limit, but not beyond chance{alone}")
    return replace(finding, note=f"too little to tell{alone}", needed=needed(found, finding.groups, finding, many))


def needed(found: Bounds, groups: int, finding: Finding, many: int) -> int:
    """About how many groups would make the interval as narrow as the margin, when nothing but a verdict is left."""
    if found.standard_error == 0:
        return math.ceil(math.log(finding.alpha) / math.log1p(-min(finding.margin, 0.99)))
    reach = float(norm.isf(finding.alpha) + norm.isf(finding.alpha / many))
    return math.ceil(groups * (reach * found.standard_error / finding.margin) ** 2)


def detectable(error: float, finding: Finding, many: int, power: float = 0.8, flipped: float | None = None) -> float:
    """The fall that fails with a chance of `power`: beyond chance, and too far for its lower bound to pass.

    Args:
        error: standard error of the change between two honest versions, which no fall is in.
        finding: gives alpha and margin.
        many: how many changes are decided together.
        power: in (0, 1).
        flipped: share of verdicts that differ between these versions, of a figure that reads verdicts: a fall may flip
            as many more, and its error is that much larger.

    Returns:
        A positive number, by the normal approximation; for the first of many, whom Holm treats worst.
    """
    fall, (first, own, other) = 0.0, norm.isf([finding.alpha / many, finding.alpha, 1 - power])
    for _ in range(_STEPS):
        grown = error * math.sqrt(1 + fall * (1 - fall) / flipped) if flipped else error
        fall = float(max(first * grown, finding.margin - own * grown) + other * grown)
    return fall


def waived(findings: Sequence[Finding], waivers: Sequence[Waiver], today: datetime.date) -> list[Finding]:
    """The findings under the waivers: until its last day one turns a failure into "waived", then it is one again.

    An expired waiver makes of what cannot be told a failure too: what was put off has come due.

    Raises:
        UserError: a waiver names no gate of this check.
    """
    names = {one.gate for one in findings}
    for waiver in waivers:
        if waiver.gate not in names:
            raise unknown("gate of a waiver", waiver.gate, names)
    by_gate = {waiver.gate: waiver for waiver in waivers}
    return [_waived(one, by_gate.get(one.gate), today) for one in findings]


def _waived(finding: Finding, waiver: Waiver | None, today: datetime.date) -> Finding:
    if waiver is None or finding.verdict not in ("fail", "inconclusive"):
        return finding
    if today <= waiver.until:
        note = f"waived until {waiver.until} ({waiver.issue})"
        return replace(finding, verdict="waived", note=note)
    return replace(finding, verdict="fail", note=f"its waiver expired on {waiver.until} ({waiver.issue})")
