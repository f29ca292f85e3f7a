"""The half-life figure says what was estimated, and no more."""

import dataclasses

import numpy as np
import pytest
from matplotlib.text import Text

from redqueen.evaluation.decay import age
from redqueen.report.canvas import PAPER, to_png
from redqueen.report.half_life import half_life_figure
from redqueen.report.skill import cells_by_age, fitted
from redqueen.types import Cell, Window


def texts(figure):
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def test_the_curve_halves_the_skill_and_the_band_holds_it(make):
    curve, low, high = fitted(make.lasting(), np.array([0.0, 14.0, 28.0]))
    assert curve == pytest.approx([0.9, 0.7, 0.6])
    assert low[1] == pytest.approx(0.5 + 0.38 * 2 ** (-14 / 9))
    assert (low < curve).all()
    assert (curve < high).all()
    flat = fitted(make.lasting(None), np.array([0.0, 50.0]))
    assert flat[0] == pytest.approx([0.9, 0.9])
    assert flat[2] == pytest.approx([0.92, 0.92])
    assert fitted(make.lasting(None, low=None), np.array([1.0]))[1:] == (None, None)


def test_ages_are_months_from_the_end_of_training_to_the_middle_of_a_window(make):
    first, second, third = cells_by_age(make.result(), "clean")
    assert first.points[0].tolist() == [-3, 3, 9]
    assert first.points[1] == pytest.approx([0.95, 0.85, 0.75])
    assert (second.points.shape, third.points.shape) == ((4, 2), (4, 1))
    gone = make.result(cells=(dataclasses.replace(make.result().cells[0], auroc=make.undefined),))
    assert [cells.points.shape for cells in cells_by_age(gone, "clean")] == [(4, 0)]


def test_windows_of_days_have_the_ages_that_the_fit_has(make):
    """The first window after a cutoff within the same month is later, and is drawn as such."""
    days = (Window("old", "2021-09-15", "2021-11-10"), Window("new", "2021-11-29", "2021-12-21"))
    cells = tuple(Cell("old", window.name, "clean", make.interval(0.8)) for window in days)
    result = make.measured(windows=days, cells=cells)
    (found,) = cells_by_age(result, "clean")
    assert found.points[0] == pytest.approx([age(days[0], window) for window in days])
    drawn = half_life_figure([result]).axes[0].get_lines()
    hollow = [line for line in drawn if line.get_marker() == "o" and line.get_markerfacecolor() == PAPER]
    assert [line.get_xdata().tolist() for line in hollow] == [pytest.approx([found.points[0][1]])]


def test_a_detectable_decay_has_a_panel_though_better_detectors_have_none(make):
    flat = [make.measured(f"flat-{at}", skill=0.96 - 0.01 * at, half_life=(make.lasting(None),)) for at in range(6)]
    figure = half_life_figure([*flat, make.measured("falling", skill=0.8)])
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes]
    assert [title for title in titles if title.startswith(("flat", "falling"))] == [
        "flat-1",
        "flat-2",
        "flat-3",
        "falling",
    ]


@pytest.mark.parametrize("narrow", [False, True])
def test_the_best_and_every_row_are_named_with_their_half_lives(make, narrow):
    results = [
        make.measured("lasting", half_life=(make.lasting(None),)),
        make.measured("best", skill=0.97),
        make.measured("probe", control=True, half_life=()),
    ]
    found = texts(half_life_figure(results, narrow))
    assert "best, view clean: half-life 14 (9-31) months" in found
    assert "Half of the skill is gone\nafter 14 (9-31) months" in found
    assert {"14 (9-31)", "at least 20", "n/a", "probe\n(control)"} <= set(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"months": 400.0, "low": 300.0, "high": 900.0},
        {"months": None, "low": None},
        {"months": 90.0, "high": None, "detectable": False},
    ],
)
def test_half_lives_beyond_the_axis_or_without_a_bound_are_drawn(make, changes):
    for narrow in (False, True):
        to_png(half_life_figure([make.measured(half_life=(make.lasting(**changes),))], narrow))


def test_results_without_half_lives_or_cells_still_draw(make):
    found = texts(half_life_figure([make.result(), make.result("other", cells=(), next_period=(), same_period=())]))
    assert "npr, view clean" in found
    assert not any("Half-life" in text or "skill is gone" in text for text in found)
