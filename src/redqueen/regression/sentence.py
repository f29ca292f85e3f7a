"""The first line of every output of a check: one plain sentence."""

from redqueen.regression.findings import Checked, Finding

LEADS = {
    "pass": "PASS",
    "fail": "FAIL",
    "inconclusive": "INCONCLUSIVE",
    "not comparable": "NOT COMPARABLE",
}


def not_comparable(reason: str) -> str:
    """Where nothing could be compared."""
    return f"{LEADS['not comparable']}: {reason}"


def sentence(checked: Checked) -> str:
    """The worst finding in full, and how many there are beside it."""
    if not checked.findings:
        return not_comparable("nothing was measured")
    worst = checked.findings[0]
    told = {"fail": _failed, "not comparable": _unmeasured, "inconclusive": _inconclusive, "pass": _passed}
    if checked.outcome == "inconclusive":
        worst = next(one for one in checked.findings if one.verdict == "inconclusive" and one.counts)
    return f"{LEADS[checked.outcome]}: {told[checked.outcome](checked, worst)}"


def spelled(finding: Finding) -> str:
    """What happened to one figure: "AUROC fell 4.1 points (90 % interval 2.0 to 6.3; margin 3.0; 310 groups)"."""
    if finding.verdict == "unmeasured" or finding.change is None or finding.after is None:
        return f"{finding.title}{finding.place} was not measured: {finding.note}"
    what = f"{finding.title}{finding.place}"
    if finding.floor:
        side = "under" if finding.higher else "over"
        where = side if finding.change < 0 else ("at or over" if finding.higher else "at or under")
        return f"{what} is {points(finding.after)} %, {where} its limit of {points(finding.margin)} %{_behind(finding)}"
    if finding.change == 0.0:
        return f"{what} is the same{_interval(finding)} as {finding.baseline}"
    worse = finding.change < 0
    verb = ("fell" if worse else "rose") if finding.higher else ("rose" if worse else "fell")
    return f"{what} {verb} {points(abs(finding.change))} points{_interval(finding)} against {finding.baseline}"


def points(share: float) -> str:
    """A share in hundredths, to a tenth.

    >>> points(0.0414), points(-0.0001)
    ('4.1', '0.0')
    """
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def level(finding: Finding) -> str:
    """The level of the two-sided interval whose ends are the bounds that decide."""
    return f"{100 * (1 - 2 * finding.alpha):.4g} %"


def _interval(finding: Finding) -> str:
    assert finding.low is not None and finding.high is not None and finding.change is not None
    ends = (-finding.high, -finding.low) if finding.change < 0 else (finding.low, finding.high)
    low, high = map(points, ends)
    joined = f"{low} to {high}" if low.startswith("-") else f"{low}-{high}"
    return f" ({level(finding)} interval {joined}; margin {points(finding.margin)}; {_groups(finding)})"


def _behind(finding: Finding) -> str:
    return f" ({_groups(finding)})"


def _groups(finding: Finding) -> str:
    return f"{finding.groups:,} groups"


def _failed(checked: Checked, worst: Finding) -> str:
    others = sum(one.verdict == "fail" for one in checked.findings) - 1
    note = f"; {worst.note}" if worst.note else ""
    return f"{spelled(worst)}{note}{_more(others, 'failure')}"


def _unmeasured(checked: Checked, worst: Finding) -> str:
    others = sum(one.verdict == "unmeasured" for one in checked.findings) - 1
    return f"{spelled(worst)}{_more(others, 'gate')}"


def _inconclusive(checked: Checked, worst: Finding) -> str:
    others = sum(one.verdict == "inconclusive" and one.counts for one in checked.findings) - 1
    takes = f"; about {worst.needed:,} groups would tell" if worst.needed else f"; {worst.note}"
    return f"{spelled(worst)}{takes}{_more(others, 'gate')}"


def _passed(checked: Checked, worst: Finding) -> str:  # noqa: ARG001  (all have it)
    gates = [one for one in checked.findings if not one.floor]
    names = " and ".join(dict.fromkeys(one.baseline for one in gates if one.baseline))
    unclear = sum(one.verdict == "inconclusive" for one in checked.findings)
    put_off = sum(one.verdict == "waived" for one in checked.findings)
    if gates and all(one.verdict == "identical" for one in gates):
        said = f"the scores are identical to those of {names}"
    else:
        said = f"nothing fell by its margin or more in {_count(len(gates), 'comparison')} with {names}"
    parts = [said]
    if unclear:
        parts.append(f"{_count(unclear, 'slice')} too small to tell")
    if checked.skipped:
        parts.append(f"{_count(len(checked.skipped), 'slice')} with too few groups to be gated")
    if put_off:
        parts.append(f"{put_off} waived")
    return "; ".join(parts)


def _more(others: int, noun: str) -> str:
    return f"; and {_count(others, f'more {noun}')}" if others > 0 else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
