"""The check: a candidate against its baselines, under a policy, on the pictures of one benchmark."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.scores import Scores
from redqueen.files import digest_of
from redqueen.regression.bounds import bounds
from redqueen.regression.decide import Trial, decided, waived
from redqueen.regression.figures import Measured, flipped, same_order
from redqueen.regression.findings import Checked, Finding, Table, outcome
from redqueen.regression.flips import Flip, counted, flips
from redqueen.regression.plan import Plan, Planned, plan
from redqueen.regression.policy import Policy
from redqueen.regression.sentence import not_comparable, sentence
from redqueen.regression.sliced import Sliced

_ORDER = ("fail", "unmeasured", "inconclusive", "waived", "pass", "identical")


def check(
    policy: Policy,
    benchmark: Benchmark,
    candidate: Scores,
    baselines: Mapping[str, Scores],
    today: datetime.date,
    notes: Sequence[str] = (),
) -> tuple[Checked, list[Flip]]:
    """Compare, decide, and list the pictures whose verdict flipped.

    Args:
        policy: what is tolerated.
        benchmark: that was scored.
        candidate: its scores.
        baselines: name -> scores; those of the same content are one baseline.
        today: waivers that ended before are expired.
        notes: what else a reader must know.

    Raises:
        UserError: there is no baseline, or a waiver of no gate.
    """
    if not baselines:
        raise UserError("nothing to compare with: add baselines to the policy, or --baseline PATH or git:REF")
    frame = _frame(policy, benchmark, candidate, baselines, notes)
    sliced = Sliced(benchmark.evaluation, benchmark.card.views, benchmark.card.styles)
    try:
        new = Measured(scores.scored(candidate, benchmark), sliced)
        old = {name: Measured(scores.scored(one, benchmark), sliced) for name, one in _distinct(baselines).items()}
    except UserError as error:
        return replace(frame, outcome="not comparable", sentence=not_comparable(str(error))), []
    asked = plan(policy, sliced, new.scored)
    found = decided([*_gates(policy, asked, new, old), *_floors(asked, new)], policy)
    settled = waived([*asked.unmeasured, *found, *_undefined(asked, new, old)], policy.waivers, today)
    ordered = sorted(settled, key=_worst_first)
    turned = flips(new, old)
    result = replace(
        frame,
        outcome=outcome(ordered),
        findings=tuple(ordered),
        skipped=tuple(asked.skipped),
        flips=counted(turned, old),
    )
    return replace(result, sentence=sentence(result)), turned


def refused(policy: Policy, reason: str) -> Checked:
    """The report where there is nothing that could be compared."""
    nothing = Table("candidate", "unknown", "")
    return Checked(
        outcome="not comparable",
        sentence=not_comparable(reason),
        on_inconclusive=policy.on_inconclusive,
        benchmark="unknown",
        benchmark_digest="",
        policy_digest=policy.digest,
        alpha=policy.alpha,
        candidate=nothing,
        baselines=(),
    )


def content(table: Scores) -> str:
    """Digest of scores and thresholds: the same for any order of the rows, and whatever the detector is called."""
    rows = table.table.sort_by([(name, "ascending") for name in ("cutoff", "view", "image_id")])
    parts = [rows.column(name).to_pylist() for name in rows.column_names]
    lines = ["\t".join(map(str, row)) for row in zip(*parts, strict=True)]  # str of a float gives all of its digits
    return digest_of([digest_of(lines), dict(table.origin.thresholds)])


def _frame(
    policy: Policy, benchmark: Benchmark, candidate: Scores, baselines: Mapping[str, Scores], notes: Sequence[str]
) -> Checked:
    """The report as far as it is known before anything is compared."""
    tables = tuple(Table(name, one.origin.detector, content(one)) for name, one in baselines.items())
    return Checked(
        outcome="not comparable",
        sentence="",
        on_inconclusive=policy.on_inconclusive,
        benchmark=f"{benchmark.card.name}-v{benchmark.card.version}",
        benchmark_digest=benchmark.digest,
        policy_digest=policy.digest,
        alpha=policy.alpha,
        candidate=Table("candidate", candidate.origin.detector, content(candidate)),
        baselines=tables,
        notes=tuple(notes),
    )


def _distinct(baselines: Mapping[str, Scores]) -> dict[str, Scores]:
    """Baselines of the same content as one, so that nothing is corrected for being asked twice."""
    names: dict[str, list[str]] = {}
    for name, table in baselines.items():
        names.setdefault(content(table), []).append(name)
    return {" and ".join(each): baselines[each[0]] for each in names.values()}


def _gates(policy: Policy, asked: Plan, new: Measured, old: Mapping[str, Measured]) -> list[Trial]:
    trials = []
    for name, before in old.items():
        same = identical(before, new, policy.tolerance)
        for one in asked.gates:
            trial = compared(one, before, new, name)
            if trial is not None:
                trials.append(replace(trial, identical=same or trial.identical))
    return trials


def compared(one: Planned, before: Measured, after: Measured, name: str) -> Trial | None:
    """The change of one figure from a baseline; None where either has none."""
    finding = one.finding
    place = (finding.period, finding.view, one.chosen)
    old, new = before.figure(finding.metric, *place), after.figure(finding.metric, *place)
    if old is None or new is None:
        return None
    sign = 1.0 if finding.higher else -1.0
    change, draws = sign * (new.value - old.value), sign * (new.draws - old.draws)
    found = bounds(change, draws, one.size.labels, finding.alpha)
    share, same = flipped(before, after, finding.metric, place), same_order(before, after, finding.metric, place)
    return Trial(replace(finding, baseline=name, before=old.value, after=new.value), found, same, share)


def _floors(asked: Plan, new: Measured) -> list[Trial]:
    trials = []
    for one in asked.floors:
        finding = one.finding
        figure = new.figure(finding.metric, finding.period, finding.view, one.chosen)
        if figure is None:
            continue
        sign = 1.0 if finding.higher else -1.0
        change, draws = sign * (figure.value - finding.margin), sign * (figure.draws - finding.margin)
        found = bounds(change, draws, one.size.labels, finding.alpha)
        trials.append(Trial(replace(finding, after=figure.value), found))
    return trials


def _undefined(asked: Plan, new: Measured, old: Mapping[str, Measured]) -> list[Finding]:
    """Gates and floors whose figure is defined nowhere, such as an AUROC of one class: never a pass."""
    found = []
    for one in [*asked.gates, *asked.floors]:
        finding = one.finding
        tables = {"the candidate": new, **(old if one in asked.gates else {})}
        missing = [
            name
            for name, table in tables.items()
            if table.figure(finding.metric, finding.period, finding.view, one.chosen) is None
        ]
        if missing:
            found.append(replace(finding, verdict="unmeasured", note=f"not defined for {', '.join(missing)}"))
    return found


def identical(before: Measured, after: Measured, tolerance: float) -> bool:
    """Whether all scores and thresholds agree, as probabilities, within the tolerance."""
    for old, new in zip(before.scored, after.scored, strict=True):
        apart = [_apart(old.logits[view], new.logits[view]) for view in old.logits]
        if max([_apart(old.threshold, new.threshold), *apart]) > tolerance:
            return False
    return True


def _apart(a: ArrayLike, b: ArrayLike) -> float:
    one, other = (np.asarray(expit(each), np.float64) for each in (a, b))
    return float(np.abs(one - other).max(initial=0.0))


def _worst_first(one: Finding) -> tuple[int, float, str]:
    return _ORDER.index(one.verdict), one.change if one.change is not None else 0.0, one.gate
