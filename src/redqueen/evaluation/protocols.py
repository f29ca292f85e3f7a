"""Protocols: what is trained on, what is tested on. Versioned, frozen once a result under them is published.

A protocol is windows in an order, and which of them a detector has learned from at each cutoff; the window after a
cutoff is the one that is new to it. Training on everything at once is one window that holds every date.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from redqueen.errors import UserError, unknown
from redqueen.types import Window
from redqueen.vocabulary import packaged, select

_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")


class Protocol(ABC):
    """Windows in an order, and what is seen of them.

    Attributes:
        name: slug.
        version: raised whenever the windows change.
        nominal: True where the dates are places on a made-up timeline.
        last: how many windows a detector learns from, the cutoff's and those before it; None for all of them.
    """

    name: str
    version: int
    nominal: bool = False
    last: int | None = None

    @property
    def label(self) -> str:
        """Name and version, as results record them."""
        return f"{self.name}-v{self.version}"

    @property
    @abstractmethod
    def windows(self) -> tuple[Window, ...]:
        """The windows in their order."""

    def seen(self, cutoff: Window) -> tuple[str, ...]:
        """Names of the windows that a detector trained up to `cutoff` learns from."""
        names = [window.name for window in self.windows]
        return tuple(names[: names.index(cutoff.name) + 1][-(self.last or len(names)) :])

    def future(self, cutoff: Window) -> tuple[Window, ...]:
        """The windows after `cutoff`."""
        return self.windows[[window.name for window in self.windows].index(cutoff.name) + 1 :]

    def _check_last(self) -> None:
        if self.last is not None and self.last < 1:
            raise UserError(f"protocol.last={self.last}: give a number of windows from 1, or null for all of them")


@dataclass(frozen=True)
class Temporal(Protocol):
    """Release-date windows: at each cutoff train on everything up to it, then test on every window.

    Args:
        name: slug.
        version: raised whenever the windows change.
        periods: first and last month of each window, in time order, without overlap.
        nominal: True where the months are places on a made-up timeline.
        last: learn from so many windows, the cutoff's and those before it; None: cumulative.
    """

    name: str
    version: int
    periods: Sequence[Sequence[str]]
    nominal: bool = False
    last: int | None = None

    def __post_init__(self) -> None:
        """Refuse windows that overlap or run backwards: they would leak the future into the past."""
        self._check_last()
        months = [month for period in self.periods for month in period]
        if len(months) != 2 * len(self.periods) or any(a > b for a, b in zip(months, months[1:], strict=False)):
            raise UserError(f"protocol '{self.name}': periods must be [first, last] months in time order, got {months}")
        ends = [(end, start) for (_, end), (start, _) in zip(self.periods, self.periods[1:], strict=False)]
        for end, start in ends:
            if end >= start:
                raise UserError(f"protocol '{self.name}': two windows share the month {end}")

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows; a window of one month is named by it alone."""
        return tuple(Window(_span(a, b), a, b) for a, b in self.periods)


@dataclass(frozen=True)
class Counted(Protocol):
    """Windows of a number of release dates each, from a closed list of dated generators.

    AI-GenBench's (Pellegrini et al., IJCNN 2025, arXiv 2504.20865): see `by_count`.

    Args:
        name: slug.
        version: raised whenever the windows change.
        released: generator's slug -> its date, all of them "YYYY-MM-DD" or all of them "YYYY-MM".
        size: release dates a window; the last window may have fewer.
        nominal: True where the dates are places on a made-up timeline.
        last: learn from so many windows, the cutoff's and those before it; None: cumulative.
    """

    name: str
    version: int
    released: Mapping[str, str]
    size: int = 4
    nominal: bool = False
    last: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be put in an order."""
        self._check_last()
        if self.size < 1:
            raise UserError(f"protocol.size={self.size}: give a number of release dates a window from 1")
        for generator, date in self.released.items():
            if not _DATE.fullmatch(date):
                raise UserError(
                    f"protocol '{self.name}': {generator} is dated '{date}': give YYYY-MM-DD, or YYYY-MM for all"
                )
        if len({len(date) for date in self.released.values()}) > 1:
            raise UserError(f"protocol '{self.name}': some dates are days and some are months, which have no order")

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows, each named by its first and last date."""
        return by_count(self.released, self.size)


def by_count(released: Mapping[str, str], size: int) -> tuple[Window, ...]:
    """Generators in the order of their dates, `size` dates a window; those of one date are never parted.

    So AI-GenBench counts (`_make_sliding_windows_generators_order` in its deepfake_detection_datamodule.py): a date is
    one place of a window, however many generators share it.

    >>> [window.generators for window in by_count({"c": "2022-03", "a": "2022-01", "b": "2022-01", "d": "2022-04"}, 2)]
    [('a', 'b', 'c'), ('d',)]
    """
    order = sorted(released, key=lambda name: (released[name], name))
    dates = [(date, tuple(names)) for date, names in groupby(order, key=lambda name: released[name])]
    parts = [dates[start : start + size] for start in range(0, len(dates), size)]
    return tuple(
        Window(_span(part[0][0], part[-1][0]), part[0][0], part[-1][0], sum((names for _, names in part), ()))
        for part in parts
    )


@dataclass(frozen=True)
class LeaveFamilyOut(Protocol):
    """Every family of the vocabulary but one, then that one: does what was learned carry over to another family?

    Two windows, "without-FAMILY" and FAMILY: at the first cutoff the family is new, at the second it has been seen.
    Release dates play no part: the family may be older than what is learned from.

    Args:
        name: slug.
        version: raised whenever the periods change.
        family: of the vocabulary.
        since: first month of the generators that are learned from, "YYYY-MM".
        until: last month, likewise.
    """

    name: str
    version: int
    family: str
    since: str
    until: str

    def __post_init__(self) -> None:
        """Refuse a family that does not exist, and months that run backwards."""
        if self.family not in {entry.family for entry in packaged()}:
            raise unknown("family", self.family, {entry.family for entry in packaged()})
        if self.since > self.until:
            raise UserError(f"protocol '{self.name}': since={self.since} is after until={self.until}")

    @property
    def label(self) -> str:
        """Name, family and version."""
        return f"{self.name}-{self.family}-v{self.version}"

    @property
    def windows(self) -> tuple[Window, ...]:
        """All others, and the family."""
        members = select(packaged(), family=self.family)
        names, months = tuple(entry.name for entry in members), [entry.released for entry in members]
        return (
            Window(f"without-{self.family}", self.since, self.until, without=names),
            Window(self.family, min(months), max(months), names),
        )


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}..{last}"


@dataclass(frozen=True)
class Listed(Protocol):
    """Windows as they were written down, for a benchmark that is measured without its corpus.

    Args:
        known_as: name and version of the protocol that they come from.
        spans: the windows in their order.
        nominal: True where the dates are places on a made-up timeline.
        last: how many windows a detector learns from; None: cumulative.
    """

    known_as: str
    spans: tuple[Window, ...]
    nominal: bool = False
    last: int | None = None

    @property
    def label(self) -> str:
        """Name and version of the protocol that the windows come from."""
        return self.known_as

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows."""
        return self.spans
