"""A regression check as one HTML file that loads nothing: the sentence, a forest plot, and every finding as a table."""

from collections.abc import Mapping, Sequence

from redqueen.regression.findings import Checked, Finding
from redqueen.regression.flips import Flip
from redqueen.regression.sentence import level, points
from redqueen.report.canvas import inline, to_svg
from redqueen.report.check_forest import MOST, drawn, forest
from redqueen.report.checked import HEAD, row, signed
from redqueen.report.html import Picture
from redqueen.report.page import Table, environment

FLIPS = 200  # that the page lists


def page(checked: Checked, flips: Sequence[Flip], facts: Mapping[str, str]) -> str:
    """The whole page; the same input gives the same bytes. `facts` adds lines to "How this was made"."""
    return (
        environment()
        .get_template("checked.html.j2")
        .render(
            checked=checked,
            bad=checked.outcome in ("fail", "not comparable"),
            pictures=_pictures(checked),
            interval=level(checked.findings[0]) if checked.findings else "",
            findings=_findings([one for one in checked.findings if not one.floor]),
            floors=_floors([one for one in checked.findings if one.floor and one.verdict != "unmeasured"]),
            unmeasured=[one for one in checked.findings if one.verdict == "unmeasured"],
            skipped=_skipped(checked),
            flips=_flips(flips),
            more=max(0, len(flips) - FLIPS),
            facts=_facts(checked, facts),
        )
    )


def _pictures(checked: Checked) -> list[Picture]:
    rows = drawn(checked.findings)
    if not rows:
        return []
    title = "Changes with the bounds that decide"
    wide = inline(to_svg(forest(checked.findings)), "forest-", title)
    narrow = inline(to_svg(forest(checked.findings, narrow=True)), "forest-narrow-", title)
    left = sum(not one.floor and one.change is not None for one in checked.findings) - len(rows)
    caption = (
        "A row is one figure of the candidate less that of its baseline, with the bounds that decide; the upright "
        "stroke is its margin. Square: fails. Hollow: too little to tell, or waived. Filled circle: passes, since its "
        "lower bound lies right of the stroke."
    )
    more = f" The {MOST} worst are drawn; {left:,} more stand in the table." if left else ""
    return [Picture(title, caption + more, wide, narrow, False, [])]


def _findings(found: Sequence[Finding]) -> Table | None:
    caption = "Every gate and slice, the worst first; hundredths of the metric, worse is negative"
    return Table(caption, [name.capitalize() for name in HEAD], [row(one) for one in found]) if found else None


def _floors(found: Sequence[Finding]) -> Table | None:
    rows = [
        [
            one.gate.removeprefix("floor "),
            one.verdict,
            points(one.after or 0.0),
            f"{'at least' if one.higher else 'at most'} {points(one.margin)}",
            f"{signed(one.change)} ({signed(one.low)} to {signed(one.high)})",
            f"{one.groups:,}",
            one.note,
        ]
        for one in found
    ]
    head = ["Figure", "Verdict", "Candidate, %", "Limit, %", "Room", "Groups", "Note"]
    return Table("Limits that hold whatever the baseline is", head, rows) if rows else None


def _skipped(checked: Checked) -> Table | None:
    rows = [[f"{one.by}={one.name}", f"{one.groups:,}"] for one in checked.skipped]
    return Table("Slices with too few groups to be gated", ["Slice", "Groups"], rows) if rows else None


def _flips(found: Sequence[Flip]) -> Table | None:
    rows = [
        [
            one.image_id[:16],
            f"{one.now} now",
            one.generator or one.kind,
            one.view,
            one.baseline,
            f"{one.before:.3f} became {one.after:.3f}",
        ]
        for one in found[:FLIPS]
    ]
    head = ["Picture", "Verdict", "What it is", "View", "Against", "Score"]
    return Table("Flipped pictures, the largest changes of score first", head, rows) if rows else None


def _facts(checked: Checked, extra: Mapping[str, str]) -> list[tuple[str, str]]:
    tables = [("Candidate", checked.candidate), *((f"Baseline {one.name}", one) for one in checked.baselines)]
    return [
        ("Benchmark", f"{checked.benchmark}, digest {checked.benchmark_digest}"),
        *((name, f"{one.detector}, content {one.digest}") for name, one in tables),
        ("Policy", f"digest {checked.policy_digest}"),
        *extra.items(),
    ]
