"""A regression check as Markdown, for a comment or a summary on GitHub: short enough, and names stay names."""

import re
from collections.abc import Sequence

from redqueen.regression.findings import Checked, Finding
from redqueen.report.checked import HEAD, row

LIMIT = 60_000  # characters; GitHub refuses a comment of more than 65,536
_MARKS = {"fail": "❌", "unmeasured": "❌", "inconclusive": "❔", "waived": "⏸️", "pass": "✅", "identical": "✅"}
_SPECIAL = re.compile(r"[&<>|`*\[\]\\#~!$]|(?<!\w)[@_]|_(?!\w)|:(?=//)|(?<=www)\.")


def markdown(checked: Checked, limit: int = LIMIT) -> str:
    """The sentence, the findings that are no pass, the passes folded; rows that do not fit are counted."""
    worse = [one for one in checked.findings if one.verdict not in ("pass", "identical")]
    passed = [one for one in checked.findings if one.verdict in ("pass", "identical")]
    foot = "\n".join(_foot(checked))
    text = f"{escaped(checked.sentence)[:2000]}\n"
    room = limit - len(text) - len(foot) - 1000  # for headings and what is said of rows that do not fit
    shown, left = _table(worse, room)
    text += shown
    shown, hidden = _table(passed, left)
    if shown:
        text += f"\n<details><summary>{len(passed):,} passed</summary>\n{shown}\n</details>\n"
    elif hidden:
        text += f"\n{len(passed):,} passed.\n"
    return f"{text}\n{foot}\n"


def _table(findings: Sequence[Finding], room: int) -> tuple[str, int]:
    """As many rows as there is room for, with a line on those that are left out; and the room that is left."""
    if not findings:
        return "", room
    lines = ["", f"| | {' | '.join(HEAD)} |", f"|{'---|' * (len(HEAD) + 1)}"]
    used = sum(map(len, lines)) + len(lines)
    for at, one in enumerate(findings):
        line = f"| {_MARKS[one.verdict]} | {' | '.join(escaped(cell) for cell in row(one))} |"
        if used + len(line) + 1 > room:
            lines += ["", f"{len(findings) - at:,} more rows stand in the report's files."]
            break
        lines.append(line)
        used += len(line) + 1
    return "\n".join(lines) + "\n", max(0, room - used)


def _foot(checked: Checked) -> list[str]:
    alpha = f"{100 * checked.alpha:.3g} %"
    lines = [
        f"Verdicts that flipped against {escaped(name)}: {right:,} are right now, {wrong:,} wrong.\n"
        for name, (right, wrong) in checked.flips.items()
    ]
    lines += [f"{escaped(note)}\n" for note in checked.notes]
    if checked.skipped:
        lines.append(f"{len(checked.skipped):,} slices have too few groups to be gated.\n")
    tables = ", ".join(f"{escaped(one.name)} {one.digest[:12]}" for one in (checked.candidate, *checked.baselines))
    lines.append(
        f"<sub>Hundredths of the metric; a change for the worse is negative, with the bounds that decide in brackets. "
        f"If nothing got worse, a check fails with a chance of {alpha} at most. Benchmark {escaped(checked.benchmark)} "
        f"{checked.benchmark_digest[:12]}; policy {checked.policy_digest[:12]}; {tables}.</sub>"
    )
    return lines


def escaped(text: str) -> str:
    """Text that stays text in Markdown: no markup, no mention, no link, no second line.

    >>> escaped("a|b @all <b>")
    'a&#124;b &#64;all &#60;b&#62;'
    """
    flat = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return _SPECIAL.sub(lambda found: f"&#{ord(found.group())};", flat)
