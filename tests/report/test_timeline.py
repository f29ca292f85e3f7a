"""The timeline names every dated generator once, at its month, and no two labels run into each other."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D
from matplotlib.text import Text

from redqueen.report.canvas import ACCENT, to_png
from redqueen.report.timeline import COUNTRIES, OTHER, short, to_svg, vocabulary_timeline
from redqueen.types import Generator
from redqueen.vocabulary import packaged

matplotlib.use("Agg")

ONE = Generator("flux-1-dev", "2024-08", "flux", "tests", "DE", "made up", "CC0-1.0", pipeline="FluxPipeline")
TWO = replace(ONE, name="flux-2-dev", released="2025-11", pipeline=None)
OLD = replace(ONE, name="stylegan", family="stylegan", released="2018-12", country="US", pipeline=None)
LINEAGE = replace(ONE, name="lineage-1", family="lineage", nominal=True)


def texts(figure):
    figure.canvas.draw()
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def dots(figure):
    """Place and whether it is filled of every dot below the legend."""
    found = [line for line in figure.findobj(Line2D) if line.get_marker() == "o" and line.get_ydata()[0] > 1]
    return [(line.get_xdata()[0], line.get_markerfacecolor() == ACCENT) for line in found]


@pytest.fixture(scope="module")
def whole():
    return vocabulary_timeline(list(packaged()))


def test_every_dated_generator_has_its_label_and_dot(whole):
    dated = [entry for entry in packaged() if not entry.nominal]
    labels = [text.get_text() for text in texts(whole)]
    for entry in dated:
        assert entry.name in labels or short(entry) in labels
    assert len(dots(whole)) == len(dated)
    assert sum(filled for _, filled in dots(whole)) == sum(entry.pipeline is not None for entry in dated)


def test_no_two_texts_overlap_and_none_leaves_the_figure(whole):
    letters = FigureCanvasAgg(whole).get_renderer()
    boxes = np.array(
        [text.get_window_extent(letters).extents for text in texts(whole)]
    )  # (n, 4): lower left, upper right
    apart = (boxes[:, None, :2] >= boxes[None, :, 2:]) | (boxes[:, None, 2:] <= boxes[None, :, :2])
    overlapping = ~apart.any(axis=-1) & ~np.eye(len(boxes), dtype=bool)
    assert not overlapping.any()
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= [whole.bbox.x1, whole.bbox.y1]).all()


def test_every_country_of_the_vocabulary_has_a_name():
    assert {entry.country for entry in packaged()} <= set(COUNTRIES)


def test_filled_dots_run_and_later_ones_stand_further_right():
    found = sorted(dots(vocabulary_timeline([ONE, TWO, OLD])))
    assert [filled for _, filled in found] == [False, True, False]


def test_a_month_has_the_same_width_everywhere_after_2021():
    months = ("2022-01", "2023-01", "2024-01")
    entries = [replace(ONE, name=f"flux-{month}", released=month) for month in months]
    first, second, third = sorted(x for x, _ in dots(vocabulary_timeline(entries)))
    assert third - second == pytest.approx(second - first)


def test_made_up_dates_are_left_out():
    assert "lineage-1" not in [text.get_text() for text in texts(vocabulary_timeline([ONE, LINEAGE]))]


def test_a_model_alone_in_its_line_goes_with_the_others_of_its_country():
    labels = [text.get_text() for text in texts(vocabulary_timeline([ONE, TWO, OLD]))]
    assert {"flux", "1-dev", "2-dev", OTHER, "stylegan", "Germany", "United States"} <= set(labels)


@pytest.mark.parametrize(
    ("name", "family", "label"),
    [
        ("stable-diffusion-3-5-large", "stable-diffusion-3", "3.5-large"),
        ("sana-1-5-1-6b", "sana", "1.5-1.6b"),
        ("cosmos-predict2-14b", "cosmos", "predict2-14b"),
        ("midjourney-v5-2", "midjourney", "v5.2"),
        ("midjourney", "midjourney", "midjourney"),
    ],
)
def test_labels_leave_out_the_line_and_give_versions_their_points(name, family, label):
    assert short(replace(ONE, name=name, family=family)) == label


def test_one_generator_and_none_still_draw():
    assert to_png(vocabulary_timeline([ONE])).startswith(b"\x89PNG")
    assert b"<svg" in to_svg(vocabulary_timeline([LINEAGE]))


@pytest.mark.parametrize("write", [to_png, to_svg])
def test_same_entries_same_bytes(write):
    first, second = (write(vocabulary_timeline([ONE, TWO, OLD])) for _ in range(2))
    assert first == second
