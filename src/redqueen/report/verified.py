"""A report of verification for a terminal, a program, a pull request's page and a test runner.

Its words come from strangers in part: each form neutralises what its reader would take for more than text.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from xml.etree import ElementTree

from redqueen import __version__
from redqueen.leaderboard.findings import Check, Outcome
from redqueen.leaderboard.verify import Report
from redqueen.report.finding import MAIN_VIEW, next_period, spell, view_names

MOST = 60_000  # characters of Markdown; a comment on a code host has at most 65,536
_CELL = 400  # characters of one message
_WIDTH = 24
_VERDICTS = {0: "Accepted", 1: "Rejected", 3: "Needs a human", 4: "Unsafe", 5: "No verdict"}
_DECIDING: Mapping[int, Outcome] = {1: "rejected", 3: "review", 4: "unsafe"}
_FAILING = ("rejected", "unsafe", "review")
_MARKS = {ord(mark): f"&#{ord(mark)};" for mark in "\\`*_[]<>|~&!{}"} | {ord(mark): f"{mark}\u200b" for mark in "@#"}
_UNSEEN = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
    "Zl",
    "Zp",
)  # categories of characters that are not seen, or turn others around


def sentence(report: Report) -> str:
    """The verdict and what decides it, in one line.

    >>> sentence(Report("a.zip", checks=(Check("container.link", "unsafe", "'x' is a link"),)))
    "Unsafe: container.link: 'x' is a link"
    """
    verdict = _VERDICTS[report.code]
    if report.crash:
        return plain(f"{verdict}: {report.crash}")
    if report.code in _DECIDING:
        deciding = [check for check in report.checks if check.outcome == _DECIDING[report.code]]
        rest = f" (and {len(deciding) - 1} more)" if len(deciding) > 1 else ""
        return plain(f"{verdict}: {deciding[0].id}: {deciding[0].message}{rest}")
    figure = (
        f"; next-period AUROC {_figure(report)}, of {report.detector} on {report.benchmark}" if report.result else ""
    )
    return plain(f"{verdict}: {report.tier}{figure}")


def text(report: Report) -> str:
    """For a terminal: the sentence, what it is about, every check and how to mend what failed."""
    lines = [sentence(report), ""]
    lines += [f"{name:<{_WIDTH}} {plain(value)}" for name, value in _facts(report)]
    lines.append("")
    for check in report.checks:
        lines.append(f"{check.outcome:<9}{check.id:<{_WIDTH}} {plain(check.message)}")
        if check.fix and check.outcome in _FAILING:
            lines.append(f"{'':<{_WIDTH + 9}} to mend it: {plain(check.fix)}")
    if report.code in (1, 4):
        lines.append(f"\nStopped after stage '{plain(report.stage)}': what follows needs what failed.")
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """For a program; `figures` are AUROC on the next period by view, computed from the scores."""
    found = {
        "verdict": _VERDICTS[report.code].lower(),
        "code": report.code,
        "sentence": sentence(report),
        **{name: getattr(report, name) for name in ("bundle", "submission", "detector", "benchmark", "root", "tier")},
        "benchmark_digest": report.benchmark_digest,
        "stage": report.stage,
        "crash": report.crash,
        "checks": [asdict(check) for check in report.checks],
        "figures": _figures(report),
        "redqueen": __version__,
    }
    return json.dumps(found, indent=2, sort_keys=True, allow_nan=False) + "\n"


def markdown(report: Report) -> str:
    """For the page of a pull request: at most `MOST` characters; no mention, link, picture or HTML of a stranger."""
    head = [f"**{escaped(sentence(report))}**", ""]
    head += [f"- {name}: {escaped(value)}" for name, value in _facts(report)]
    head += ["", "| outcome | check | what | to mend it |", "| --- | --- | --- | --- |"]
    order = sorted(report.checks, key=lambda check: check.outcome not in _FAILING)  # what failed comes first
    lines = [f"| {' | '.join(escaped(cell) for cell in _cells(check))} |" for check in order]
    room = MOST - sum(len(line) + 1 for line in head) - 100
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    rest = [f"\n{len(lines) - len(kept)} more checks are not shown."] if len(kept) < len(lines) else []
    return "\n".join([*head, *kept, *rest]) + "\n"


def junit(report: Report) -> str:
    """For a test runner: a test case a check; what needs a human is a failure too."""
    failing = [check for check in report.checks if check.outcome in _FAILING]
    skipped = [check for check in report.checks if check.outcome == "skipped"]
    counts = {"tests": len(report.checks) + bool(report.crash), "failures": len(failing), "skipped": len(skipped)}
    suite = ElementTree.Element("testsuite", name="redqueen verify", errors=str(int(bool(report.crash))))
    for name, count in counts.items():
        suite.set(name, str(count))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in [("sentence", sentence(report)), *_facts(report)]:
        ElementTree.SubElement(properties, "property", name=name, value=legal(value))
    for check in report.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=legal(check.id.partition(".")[0]), name=legal(check.id)
        )
        kind = {"skipped": "skipped", **dict.fromkeys(_FAILING, "failure")}.get(check.outcome, "system-out")
        made = ElementTree.SubElement(case, kind)
        if kind == "system-out":
            made.text = legal(check.message)
        else:
            made.set("message", legal(check.message))
            made.text = legal(check.fix) if kind == "failure" else None
        if kind == "failure":
            made.set("type", check.outcome)
    if report.crash:
        case = ElementTree.SubElement(suite, "testcase", classname="redqueen", name=legal(report.stage))
        ElementTree.SubElement(case, "error", message=legal(report.crash))
    ElementTree.indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suite, encoding="unicode")}\n'


FORMS: Mapping[str, Callable[[Report], str]] = {"text": text, "json": as_json, "md": markdown, "junit": junit}


def plain(text: str) -> str:
    r"""Text for a terminal: one line, and every character in it is seen.

    >>> plain("a" + chr(10) + "b" + chr(0x202E) + chr(27) + "[2J")
    'a\\nb\\u202e\\x1b[2J'
    """
    return "".join(ascii(one)[1:-1] if unicodedata.category(one) in _UNSEEN else one for one in text)


def escaped(text: str) -> str:
    """Text for a cell of Markdown, cut to `_CELL` characters: nothing in it is structure, a link or a mention.

    >>> escaped("<b>|www.a.b|")
    '&#60;b&#62;&#124;www&#46;a.b&#124;'
    """
    short = plain(text[: _CELL + 1])
    short = short if len(short) <= _CELL else f"{short[: _CELL - 1]}…"
    return re.sub(r"(?i)(www)\.|:(?=//)", _unlinked, short.translate(_MARKS))


def _unlinked(found: re.Match[str]) -> str:
    """What would begin a link, so that it begins none."""
    return f"{found[1]}&#46;" if found[1] else "&#58;"


def legal(text: str) -> str:
    """Text that XML 1.0 can hold, since none of the characters that it cannot are ever seen; cut as a cell is."""
    return plain(text[:_CELL])[:_CELL]


def _cells(check: Check) -> Sequence[str]:
    return check.outcome, check.id, check.message, check.fix if check.outcome in _FAILING else ""


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    for name in ("bundle", "submission", "detector", "benchmark", "tier", "root"):
        value = getattr(report, name)
        if value is not None:
            yield name, str(value)


def _figure(report: Report) -> str:
    assert report.result is not None
    return f"{spell(next_period(report.result, MAIN_VIEW))}, {MAIN_VIEW}"


def _figures(report: Report) -> Mapping[str, object]:
    if report.result is None:
        return {}
    found = {view: next_period(report.result, view) for view in view_names([report.result])}
    return {view: {"value": one.value, "low": one.low, "high": one.high} for view, one in found.items() if one}
