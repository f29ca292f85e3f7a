"""What a policy asks of a benchmark: what is decided, what cannot be, and the slices that are too small."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from redqueen.evaluation.evaluate import Scored
from redqueen.regression.figures import METRICS, Size, size
from redqueen.regression.findings import Finding, Skipped
from redqueen.regression.policy import Floor, Gate, Policy
from redqueen.regression.sliced import ALL, Slice, Sliced


@dataclass(frozen=True)
class Planned:
    """A gate or floor on one slice: the finding as far as it is known, and where its figures come from."""

    finding: Finding
    chosen: Slice
    size: Size


@dataclass
class Plan:
    """What is decided, what should be and cannot be, and the slices that are left out."""

    gates: list[Planned] = field(default_factory=list)
    floors: list[Planned] = field(default_factory=list)
    unmeasured: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def plan(policy: Policy, sliced: Sliced, cutoffs: Sequence[Scored]) -> Plan:
    """Lay a policy on the test rows of a benchmark; `cutoffs` say of which detectors."""
    found = Plan()
    for gate in policy.gates:
        _add(found, policy, sliced, cutoffs, gate)
    for floor in policy.floors:
        _add(found, policy, sliced, cutoffs, floor)
    found.skipped = sorted(set(found.skipped), key=lambda one: (one.by, one.name))
    return found


def _add(found: Plan, policy: Policy, sliced: Sliced, cutoffs: Sequence[Scored], asked: Gate | Floor) -> None:
    whole = _finding(policy, asked, sliced.all, asked.view)
    if reason := _cannot(asked, sliced):
        found.unmeasured.append(_unmeasured(whole, reason))
        return
    slices = list(_slices(policy, asked, sliced))
    if not slices:
        found.unmeasured.append(_unmeasured(whole, f"no slice '{asked.slice}' in the benchmark"))
    for chosen, view, required in slices:
        finding = _finding(policy, asked, chosen, view)
        least = asked.min_groups if isinstance(asked, Floor) else policy.slices.min_groups
        behind = size(sliced, cutoffs, asked.period, chosen, METRICS[asked.metric].label)
        if behind is None and required:
            found.unmeasured.append(_unmeasured(finding, "no test pictures of both labels there"))
        elif behind is None or (behind.groups < least and not required):
            found.skipped.append(Skipped(chosen.by, chosen.name, behind.groups if behind else 0))
        elif isinstance(asked, Floor) and required and chosen.by != ALL and behind.groups < least:
            found.unmeasured.append(_unmeasured(finding, f"{behind.groups} groups, the floor asks for {least}"))
        else:
            planned = Planned(_sized(finding, behind), chosen, behind)
            (found.floors if isinstance(asked, Floor) else found.gates).append(planned)


def _cannot(asked: Gate | Floor, sliced: Sliced) -> str:
    """Why something cannot be measured at all; empty if it can."""
    for what, name, allowed in (("metric", asked.metric, list(METRICS)), ("view", asked.view, list(sliced.views))):
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(allowed)}"
            return f"no {what} '{name}'{hint}"
    return ""


def _slices(policy: Policy, asked: Gate | Floor, sliced: Sliced) -> Iterator[tuple[Slice, str, bool]]:
    """Each slice that something is asked of, the view that it is under, and whether it must be there."""
    sort, _, name = asked.slice.partition("=")
    about = METRICS[asked.metric].label
    if sort == "view":
        for view in sliced.views if name == "*" else [name] if name in sliced.views else []:
            yield Slice("view", view, sliced.all.rows), view, True
        return
    if name == "*":
        yield from ((one, asked.view, False) for one in sliced.of(sort))
        return
    if chosen := sliced.named(asked.slice):
        yield chosen, asked.view, True
    if isinstance(asked, Floor) or asked.slice != ALL or not asked.sliced:
        return
    for by in policy.slices.by:
        if by == "view":
            yield from ((Slice("view", v, sliced.all.rows), v, True) for v in sliced.views if v != asked.view)
        else:
            own = (one for one in sliced.of(by) if about is None or one.label in (None, about))
            yield from ((one, asked.view, False) for one in own)


def _finding(policy: Policy, asked: Gate | Floor, chosen: Slice, view: str) -> Finding:
    metric = METRICS.get(asked.metric)
    if isinstance(asked, Floor):
        limit = asked.min if asked.min is not None else asked.max
        margin, counts = float(limit or 0.0), True
        name = asked.label if chosen.by == ALL else f"{asked.label} {chosen.words}"
    else:
        inside = chosen.by != ALL and asked.slice == ALL  # one of the policy's slices
        margin = asked.slice_margin if inside and asked.slice_margin else asked.margin
        counts = policy.slices.must_pass or not inside
        name = f"{asked.label} {chosen.words}" if inside else asked.label
    return Finding(
        gate=name,
        metric=asked.metric,
        title=metric.title if metric else asked.metric,
        higher=metric.higher if metric else True,
        period=asked.period,
        view=view,
        by=chosen.by,
        name=chosen.name,
        baseline="",
        margin=margin,
        alpha=asked.alpha or policy.alpha,
        verdict="inconclusive",
        counts=counts,
    )


def _sized(finding: Finding, behind: Size) -> Finding:
    return Finding(**{**vars(finding), "pictures": behind.pictures, "groups": behind.groups})


def _unmeasured(finding: Finding, reason: str) -> Finding:
    return Finding(**{**vars(finding), "verdict": "unmeasured", "note": reason})
