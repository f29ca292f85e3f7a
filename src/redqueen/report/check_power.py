"""What a regression check can see, as a terminal table."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from redqueen.regression.power import Sight
from redqueen.regression.sentence import points


def table(found: Sequence[Sight], power: float) -> Table:
    """A row a gate and slice."""
    caption = (
        f"Points. Detectable: the true fall that fails with a chance of {power:.0%}; alone: were it the only one. "
        "To decide: groups at which no change would be left open."
    )
    made = Table(box=SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    for name in ("gate", "pictures", "groups", "margin", "error", "detectable", "alone", "to decide", ""):
        made.add_column(name, justify="left" if name in ("gate", "") else "right", overflow="fold")
    for one in found:
        small = one.needed > one.finding.groups
        cells = [one.finding.gate, f"{one.finding.pictures:,}", f"{one.finding.groups:,}", points(one.finding.margin)]
        cells += [f"{100 * one.error:.2f}", points(one.detectable), points(one.alone), f"{one.needed:,}"]
        made.add_row(*map(Text, [*cells, "too few" if small else ""]), style="yellow" if small else "")
    return made
