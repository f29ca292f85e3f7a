"""Protocols: what is trained on, what is tested on. Versioned, frozen once a result under them is published."""

from collections.abc import Sequence
from dataclasses import dataclass

from redqueen.errors import UserError
from redqueen.types import Window


@dataclass(frozen=True)
class Temporal:
    """Release-date windows: at each cutoff train on everything up to it, then test on every window.

    Args:
        name: slug.
        version: raised whenever the windows change.
        periods: first and last month of each window, in time order, without overlap.
        nominal: True where the months are places on a made-up timeline.
    """

    name: str
    version: int
    periods: Sequence[Sequence[str]]
    nominal: bool = False

    def __post_init__(self) -> None:
        """Refuse windows that overlap or run backwards: they would leak the future into the past."""
        months = [month for period in self.periods for month in period]
        if len(months) != 2 * len(self.periods) or any(a > b for a, b in zip(months, months[1:], strict=False)):
            raise UserError(f"protocol '{self.name}': periods must be [first, last] months in time order, got {months}")
        ends = [(end, start) for (_, end), (start, _) in zip(self.periods, self.periods[1:], strict=False)]
        for end, start in ends:
            if end >= start:
                raise UserError(f"protocol '{self.name}': two windows share the month {end}")

    @property
    def label(self) -> str:
        """Name and version, as results record them."""
        return f"{self.name}-v{self.version}"

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows; a window of one month is named by it alone."""
        return tuple(Window(a if a == b else f"{a}..{b}", a, b) for a, b in self.periods)

    def seen(self, cutoff: Window) -> tuple[str, ...]:
        """Names of the windows that a detector trained up to `cutoff` learns from."""
        return tuple(window.name for window in self.windows if window.start <= cutoff.start)
