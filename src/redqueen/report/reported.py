"""What others published, beside what was measured here: two columns that no computation joins."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from redqueen.console import console
from redqueen.report.finding import MAIN_VIEW, UNDEFINED, cells_of, next_period, same_period, spell
from redqueen.types import Reported, Result


def print_beside(results: Sequence[Result]) -> None:
    """Print the table, if anything was reported about these detectors."""
    if any(result.reported for result in results):
        console.print(beside(results))


def beside(results: Sequence[Result]) -> Table:
    """One row for each published figure: what it is, who says so, and the AUROC here that comes nearest to it."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=f"Reported: by the source, under its own setting. Measured here: AUROC with its 95 % interval, view "
        f"{MAIN_VIEW}, another number than the reported one unless that is an AUROC too.",
        caption_justify="left",
    )
    table.add_column("detector", overflow="fold")
    table.add_column("reported", justify="right", no_wrap=True)
    for name in ("of what", "source", "measured here"):
        table.add_column(name, overflow="fold")
    for result in results:
        for one in result.reported:
            about = f"{one.metric}; {one.dataset}"
            table.add_row(*map(Text, (result.detector, f"{one.figure:g}", about, one.source, measured(result, one))))
    return table


def measured(result: Result, one: Reported) -> str:
    """The figures of ours that the reported one is read beside."""
    if one.beside == "next period":
        return f"next period {spell(next_period(result, MAIN_VIEW))}"
    if one.beside == "same period":
        return f"same period {spell(same_period(result, MAIN_VIEW))}"
    cells = cells_of(result, MAIN_VIEW)
    several = len({trained for trained, _ in cells}) > 1
    return "\n".join(f"{f'{a} on ' * several}{b}: {spell(cell)}" for (a, b), cell in cells.items()) or UNDEFINED


def facts(results: Sequence[Result]) -> Mapping[str, str]:
    """Lines for the report: how detectors were trained, and each published figure with its source."""
    found = {
        "Strategy of continual training": ", ".join(dict.fromkeys(result.strategy for result in results)),
        "Augmentation of training pictures": ", ".join(dict.fromkeys(result.augment for result in results)),
    }
    for result in results:
        for number, one in enumerate(result.reported, 1):
            text = f"{one.figure:g} ({one.metric}; {one.dataset}), {one.source}"
            found[f"Reported elsewhere, not measured here: {result.detector} ({number})"] = text
    return found
