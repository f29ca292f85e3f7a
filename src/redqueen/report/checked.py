"""A regression check for a terminal, for JUnit, and for what GitHub reads; its first line is one sentence."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from redqueen.regression.findings import Checked, Finding
from redqueen.regression.flips import Flip
from redqueen.regression.sentence import points, spelled
from redqueen.report.junit import Case, junit

ANNOTATIONS = 10  # that GitHub shows of one level and step
_SHOWN = 20  # rows of a terminal's table
_STYLES = {"fail": "bold red", "unmeasured": "bold red", "inconclusive": "yellow", "waived": "yellow"}
_RESULTS = {"fail": "failure", "unmeasured": "error", "waived": "skipped"}


def signed(share: float | None) -> str:
    """A change in points.

    >>> signed(-0.041), signed(0.0), signed(None)
    ('-4.1', '0.0', 'unknown')
    """
    if share is None:
        return "unknown"
    text = points(share)
    return text if text.startswith("-") or text == "0.0" else f"+{text}"


def row(one: Finding) -> list[str]:
    """Gate, baseline, verdict, figures, change with its interval, margin, groups, note: of one finding, in words."""
    interval = "" if one.low is None or one.high is None else f" ({signed(one.low)} to {signed(one.high)})"
    before = "" if one.before is None else points(one.before)
    after = "" if one.after is None else points(one.after)
    takes = f"; about {one.needed:,} groups would tell" if one.needed else ""
    margin = points(one.margin)
    return [
        one.gate,
        one.baseline or ("" if one.verdict == "unmeasured" else "its limit"),
        one.verdict,
        before,
        after,
        f"{signed(one.change)}{interval}" if one.change is not None else "",
        margin,
        f"{one.groups:,}",
        f"{one.note}{takes}",
    ]


HEAD = ("gate", "against", "verdict", "before", "after", "change", "margin", "groups", "note")


def terminal(checked: Checked) -> Iterator[Text | Table]:
    """The sentence, then the worst findings; all others are counted."""
    yield Text(checked.sentence, _STYLES.get(checked.outcome, "bold"))
    if checked.findings:
        caption = "Hundredths of the metric; a change for the worse is negative, in brackets the bounds that decide."
        table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
        for name in HEAD:
            table.add_column(name, overflow="fold", justify="left" if name in HEAD[:3] or name == "note" else "right")
        for one in checked.findings[:_SHOWN]:
            table.add_row(*map(Text, row(one)), style=_STYLES.get(one.verdict, ""))
        yield table
    if len(checked.findings) > _SHOWN:
        yield Text(f"and {len(checked.findings) - _SHOWN} more in report.html")
    for name, (right, wrong) in checked.flips.items():
        yield Text(f"verdicts that flipped against {name}: {right} are right now, {wrong} wrong (flips.csv)")
    yield from map(Text, checked.notes)


def xml(checked: Checked) -> str:
    """A test case a finding; what is inconclusive is skipped, or failed where the policy has it so."""
    if not checked.findings:
        return junit(checked.sentence, [Case("check", "comparable", "error", checked.sentence)])
    return junit(checked.sentence, [_case(one, checked) for one in checked.findings])


def _case(one: Finding, checked: Checked) -> Case:
    result = _RESULTS.get(one.verdict, "passed")
    if one.verdict == "inconclusive":
        result = "failure" if checked.on_inconclusive == "fail" and one.counts else "skipped"
    where = f"{one.gate} against {one.baseline}" if one.baseline else one.gate
    note = f" ({one.note})" if one.note and one.verdict != "unmeasured" else ""
    return Case(one.metric, where, result, f"{one.verdict}: {spelled(one)}{note}")  # type: ignore[arg-type]


def annotations(checked: Checked) -> list[str]:
    """Workflow commands of GitHub: the worst first, at most ten, the last of which counts the rest."""
    told = [("error", one) for one in checked.findings if one.verdict in ("fail", "unmeasured")]
    told += [("warning", one) for one in checked.findings if one.verdict == "inconclusive" and one.counts]
    if not checked.findings:
        return [_command("error", checked.sentence)]
    kept = told if len(told) <= ANNOTATIONS else told[: ANNOTATIONS - 1]
    lines = [_command(level, f"{spelled(one)}{f' ({one.note})' if one.note else ''}") for level, one in kept]
    if len(kept) < len(told):
        lines.append(_command(told[len(kept)][0], f"{len(told) - len(kept)} more; see the report"))
    return lines


def _command(level: str, message: str) -> str:
    safe = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} title=redqueen check::{safe}"


def outputs(checked: Checked) -> list[str]:
    """Lines for the file that $GITHUB_OUTPUT names: verdict, the sentence, and the worst gate with its change."""
    worst = checked.findings[0] if checked.findings else None
    found = {
        "verdict": checked.outcome,
        "exit_code": str(checked.exit_code),
        "sentence": checked.sentence,
        "worst_gate": worst.gate if worst else "",
        "change": "" if worst is None or worst.change is None else f"{worst.change:.6g}",
        "low": "" if worst is None or worst.low is None else f"{worst.low:.6g}",
        "high": "" if worst is None or worst.high is None else f"{worst.high:.6g}",
    }
    return [f"{name}={' '.join(value.split())}" for name, value in found.items()]


def flipped(found: Sequence[Flip], most: int) -> Table:
    """Pictures whose verdict flipped, as a terminal table."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("now", "image_id", "what", "topic", "view", "cutoff", "against", "before", "after"):
        table.add_column(name, overflow="fold", no_wrap=name == "image_id")
    for one in found[:most]:
        cells = [one.now, one.image_id[:16], one.generator or one.kind, one.topic or "", one.view, one.cutoff]
        cells += [one.baseline, f"{one.before:.3f}", f"{one.after:.3f}"]
        table.add_row(*map(Text, cells), style="red" if one.now == "wrong" else "green")
    return table
