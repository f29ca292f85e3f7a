"""A row for each detector: its half-life with its interval, and the share it finds at 1 % false alarms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redqueen.report.canvas import ACCENT, FAINT, MUTED, PAPER, axes_at
from redqueen.report.finding import MAIN_VIEW, RATE, half_life, measured, spell_months
from redqueen.types import HalfLife, Interval, Result

_DOTS = 100  # an inch, of a figure that was not told otherwise
_TICKS = (3, 6, 12, 24, 48, 96, 192)
_ROW, _ROOMY, _PER_LETTER = 0.24, 0.36, 0.058  # inches of a row at least and at most, and of a letter of 7.5 point


@dataclass(frozen=True)
class Forest:
    """The rows, and which of the two columns there is anything to say in."""

    results: Sequence[Result]
    lives: bool
    rates: bool

    @classmethod
    def of(cls, results: Sequence[Result]) -> "Forest":
        """A column that no detector has anything in is left out."""
        lives = any(half_life(result, MAIN_VIEW) for result in results)
        return cls(results, lives, any(measured(result, RATE) for result in results))

    @property
    def any(self) -> bool:
        """Whether there is anything to draw."""
        return self.lives or self.rates

    def height(self, stacked: bool) -> float:
        """Inches of the rows with what stands above and below them, for each column if they are stacked."""
        columns = self.lives + self.rates
        return (len(self.results) * _ROW + 0.8) * (columns if stacked else min(1, columns))

    def draw(self, figure: Figure, left: float, top: float, width: float, height: float | None) -> None:
        """Both columns in one row of names, or, without a height, one under the other."""
        names = _PER_LETTER * max(len(line) for result in self.results for line in _name(result).split("\n")) + 0.12
        tall = min(height or 99.0, len(self.results) * (_ROW if height is None else _ROOMY))
        if height is None:
            place, room = (left + names, top + 0.3), width - names
            if self.lives:
                self._lives(axes_at(figure, *place, room - 1.02, tall), True)
                place = (place[0], place[1] + tall + 0.8)
            if self.rates:
                self._rates(axes_at(figure, *place, room - 0.1, tall), True)
            return
        room = width - names
        rates = (0.95 if self.lives else room) if self.rates else 0.0
        if self.lives:
            self._lives(axes_at(figure, left + names, top, room - rates - 1.12, tall), True)
        if self.rates:
            self._rates(axes_at(figure, left + width - rates, top, rates, tall), not self.lives)

    def _lives(self, axes: Axes, named: bool) -> None:
        found = [half_life(result, MAIN_VIEW) for result in self.results]
        ends = [end for one in found if one for end in (one.months, one.low, one.high) if end is not None]
        first = max([tick for tick in _TICKS if tick <= min(ends, default=12)], default=1)
        last = min([tick for tick in _TICKS if tick >= max(ends, default=48)], default=2 * _TICKS[-1])
        axes.set_xscale("log")
        axes.set_xlim(first / 1.2, last * 1.3)
        ticks, room = [tick for tick in _TICKS if first <= tick <= last], axes.get_window_extent().width / _DOTS / 0.3
        axes.set_xticks(ticks[:: max(1, math.ceil(len(ticks) / room))])
        axes.xaxis.set_major_formatter(lambda at, _: f"{at:.0f}")
        axes.minorticks_off()
        for row, (result, one) in enumerate(zip(self.results, found, strict=True)):
            if one is not None:
                _life(axes, one, row, _colour(result))
            said = spell_months(one).replace(" months", "")
            axes.annotate(
                said, (1, row), (6, 0), axes.get_yaxis_transform(), "offset points", va="center", fontsize=7.5
            )
        self._rows(axes, "Half-life, months", named)

    def _rates(self, axes: Axes, named: bool) -> None:
        for row, result in enumerate(self.results):
            same, later = measured(result, RATE, "same"), measured(result, RATE)
            for one, at, face in ((same, -0.14, _colour(result)), (later, 0.14, PAPER)):
                if one is not None and one.value is not None:
                    _interval(axes, one, row + at, _colour(result), face)
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        self._rows(
            axes, "Found at 1 %\nfalse alarms" if not named or self.lives else "Found at 1 % false alarms", named
        )

    def _rows(self, axes: Axes, title: str, named: bool) -> None:
        axes.set_ylim(len(self.results) - 0.5, -0.5)
        axes.set_yticks(range(len(self.results)), [_name(result) for result in self.results] if named else [])
        axes.tick_params(axis="y", length=0, labelsize=7)
        axes.tick_params(axis="x", labelsize=7.5)
        axes.grid(axis="x", color=FAINT, linewidth=0.5, alpha=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_title(title.replace("\n", " ") if named else title, loc="left", fontsize=8, fontweight="bold")


def _name(result: Result) -> str:
    return f"{result.detector}\n(control)" if result.control else result.detector


def _colour(result: Result) -> str:
    return MUTED if result.control else ACCENT


def _life(axes: Axes, one: HalfLife, row: int, colour: str) -> None:
    """A filled point with its interval; or, where no decay is detectable, a line from the bound on with an arrow."""
    edge = axes.get_xlim()[1]
    if one.low is None:
        return
    closed = one.detectable and one.months is not None and one.high is not None
    axes.plot([one.low, one.high if closed and one.high else edge], [row, row], color=colour, linewidth=1.4)
    if closed:
        axes.plot([one.months or 0.0], [row], "o", color=colour, markersize=5)
        return
    axes.plot([one.low], [row], "|", color=colour, markersize=8, markeredgewidth=1.6)
    axes.plot([edge], [row], ">", color=colour, markersize=5, clip_on=False, markerfacecolor=PAPER)


def _interval(axes: Axes, one: Interval, at: float, colour: str, face: str) -> None:
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [at, at], color=colour, linewidth=0.9)
    axes.plot([one.value or 0.0], [at], "o", color=colour, markersize=4, markerfacecolor=face, zorder=3)
    axes.set_facecolor("none")
