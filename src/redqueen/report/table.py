"""The results as a terminal table that fits 80 columns."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from redqueen.report.finding import (
    MAIN_VIEW,
    UNDEFINED,
    controls_last,
    few_views,
    lowest_view,
    main_period,
    one_setup,
    same_period,
    spell,
    spell_part,
    view_names,
)
from redqueen.types import FalsePositives, Kind, Result


def false_positives(result: Result, kind: Kind, view: str) -> FalsePositives | None:
    """The share of human-made pictures of one kind called generated, at the last cutoff that has one."""
    order = [window.name for window in result.windows]
    found = [entry for entry in result.false_positives if entry.kind == kind and entry.view == view]
    return max(found, key=lambda entry: order.index(entry.trained_up_to), default=None)


def matrix(results: Sequence[Result]) -> Table:
    """One row a detector: next-period AUROC per view, same-period AUROC, false alarms; controls last and dimmed.

    Of more views than fit, clean and the lowest.
    """
    one_setup(results)
    views = few_views(results)
    lowest = views != view_names(results)
    period = spell_part(results[0]).split(" ", maxsplit=1)[1]
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=f"Mean AUROC with its 95 % interval. same = last training period, view {MAIN_VIEW}. "
        "false alarms = photographs / collages over the threshold of the last cutoff.",
        caption_justify="left",
    )
    table.add_column("detector", overflow="fold", min_width=10)
    for view in views:
        table.add_column(Text(f"{period},\n{view}"), justify="right", overflow="fold")
    if lowest:
        table.add_column(f"{period},\nlowest view", justify="right", no_wrap=True, overflow="ellipsis")
    table.add_column("same", justify="right", no_wrap=True)
    table.add_column("false alarms\nphoto / coll.", justify="right", no_wrap=True)
    for result in controls_last(results):
        table.add_row(*_row(result, views, lowest), style="dim" if result.control else None)
    return table


def _row(result: Result, views: Sequence[str], lowest: bool) -> list[Text]:
    same = spell(same_period(result, MAIN_VIEW)).split(" ", maxsplit=1)[0]
    name = f"{result.detector} (control)" if result.control else result.detector
    alarms = f"{_alarms(result, 'photo')} / {_alarms(result, 'collage')}"
    shown = [spell(main_period(result, view)) for view in views]
    if lowest:
        found = lowest_view(result)
        shown.append(UNDEFINED if found is None else f"{spell(found[1])}\n{found[0]}")
    return [Text(text) for text in (name, *shown, same, alarms)]


def _alarms(result: Result, kind: Kind) -> str:
    entry = false_positives(result, kind, MAIN_VIEW)
    return UNDEFINED if entry is None or entry.rate.value is None else f"{entry.rate.value:.0%}"
