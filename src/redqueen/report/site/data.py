"""`data.js`: what the script needs to sort, to draw and to compare, and nothing that the pages do not show."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from redqueen.leaderboard.board import Board, Row
from redqueen.report.canvas import month_of
from redqueen.report.finding import cells_of, cutoffs, view_names
from redqueen.report.site.grid import METRICS, Cell, Column, Grid, metrics
from redqueen.types import HalfLife, Interval, Result, Window

_DIGITS = 4


def script(value: Any) -> str:
    """A script that sets `window.REDQUEEN`: ASCII alone, and nothing that could end a script element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"window.REDQUEEN={text};\n"


def of_board(board: Board, grids: Sequence[Grid]) -> dict[str, Any]:
    """Everything of a board."""
    names = [row.record.submission for row in board.rows]
    return {
        "board": board.name,
        "digest": board.digest,
        "rows": [_row(row) for row in board.rows],
        "tables": {one.name: _table(one) for one in grids},
        "metrics": {
            name: {
                "title": METRICS[name][0],
                "percent": METRICS[name][1],
                "falls": METRICS[name][2],
                "views": {view: [ends(one) for one in each] for view, each in by_view.items()},
            }
            for name, by_view in metrics(board).items()
        },
        "pairs": [
            [
                names.index(one.higher),
                names.index(one.lower),
                *(ends(one.difference.interval) or [None] * 3),
                _short(one.p_adjusted),
            ]
            for one in board.pairs
        ],
        "time": time([row.result for row in board.rows]),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.record.submission,
        "name": row.result.detector,
        "control": row.result.control,
        "tier": row.record.tier,
        "decays": row.half_life is not None and row.half_life.detectable,
        "strategy": row.result.strategy,
    }


def _table(grid: Grid) -> dict[str, Any]:
    return {
        "columns": [_column(one) for one in grid.columns],
        "cells": [[_cell(one) for one in row] for row in grid.cells],
    }


def _column(one: Column) -> dict[str, Any]:
    facts = {"key": one.key, "title": one.title, "note": one.note, "group": one.group}
    flags = {name: True for name in ("falls", "percent", "words") if getattr(one, name)}
    return {name: value for name, value in facts.items() if value} | flags


def _cell(one: Cell) -> Any:
    """The value to sort by, or with an interval all three."""
    value = _short(one.sort) if isinstance(one.sort, float) else one.sort
    return value if one.low is None and one.high is None else [value, _short(one.low), _short(one.high)]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def ends(one: Interval | None) -> list[float | None] | None:
    """Value, low and high."""
    return None if one is None or one.value is None else [_short(one.value), _short(one.low), _short(one.high)]


def time(results: Sequence[Result]) -> dict[str, Any]:
    """Windows and cutoffs in months, and of each result the cells from the cutoff's own window on, under every view."""
    first, ends_of_training = results[0], cutoffs(results)
    names = [one.name for one in first.windows]
    return {
        "nominal": first.nominal_dates,
        "windows": [[one.name, month_of(one.start), month_of(one.end) + 1] for one in first.windows],
        "cutoffs": [names.index(one.name) for one in ends_of_training],
        "views": view_names(results),
        "cells": [
            {view: "".join(_cells(one, view, ends_of_training)) for view in view_names([one])} for one in results
        ],
        "decay": [{life.view: _decay(life) for life in one.half_life} for one in results],
    }


def _cells(result: Result, view: str, ends_of_training: Sequence[Window]) -> Iterable[str]:
    """For each cutoff and each window from its own on AUROC and its ends, packed: they are most of what a page loads.

    Thousandths as two digits of base 36, as JavaScript reads them; "--" where there is none.
    """
    found = cells_of(result, view)
    for cutoff in ends_of_training:
        for window in result.windows[result.windows.index(cutoff) :]:
            one = found.get((cutoff.name, window.name))
            three = (None, None, None) if one is None else (one.value, one.low, one.high)
            yield from ("--" if end is None else np.base_repr(round(1000 * end), 36).zfill(2).lower() for end in three)


def _decay(life: HalfLife) -> dict[str, Any]:
    return {
        "months": [None if one is None else round(one, 1) for one in (life.months, life.low, life.high)],
        "skill": ends(life.skill),
        "seen": life.detectable,
        "span": life.span,
    }


def of_submission(row: Row) -> dict[str, Any]:
    """What the page of one submission draws."""
    return {"rows": [_row(row)], "time": time([row.result])}
