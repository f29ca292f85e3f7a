"""The figures name every detector and window, keep undefined apart from 0, and have the same bytes each time."""

import dataclasses
import itertools

import matplotlib
import pytest
from matplotlib.text import Text

from redqueen.errors import UserError
from redqueen.report.canvas import to_png, to_svg
from redqueen.report.figures import heatmap, timeline

matplotlib.use("Agg")


def texts(figure):
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("count", [1, 5, 12])
def test_heatmap_names_every_detector_and_window_and_writes_every_value(make, count):
    results = make.five(count)
    found = texts(heatmap(results, "clean"))
    assert {result.detector for result in results} <= {text.split(" (control)")[0] for text in found}
    assert {window.name for window in results[0].windows} <= set(found)
    values = [text for text in found if text.replace(".", "").replace("-", "").isdigit() and len(text) in (4, 5)]
    assert len([text for text in values if text not in ("0.25", "0.75")]) >= 5 * count * count - 4 * count


@pytest.mark.parametrize("count", [1, 5, 12])
def test_timeline_names_every_detector_and_its_cutoff(make, count):
    results = make.five(count)
    found = texts(timeline(results, "clean"))
    assert {result.detector for result in results} <= {text.split(" (control)")[0] for text in found}
    middle = results[0].windows[(count - 1) // 2]
    assert f"training ends\n{middle.end}" in found
    assert f"Bold: trained up to {middle.name}, with 95 % intervals." in found


@pytest.mark.parametrize(("detectors", "count"), list(itertools.product((1, 2, 12), (1, 4, 9))))
def test_no_two_panels_overlap_and_none_leaves_the_figure(make, detectors, count):
    results = [make.result(f"detector_{at}", count, control=at > 8) for at in range(detectors)]
    for draw in (heatmap, timeline):
        boxes = [axes.get_position() for axes in draw(results, "clean").axes]
        assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= 1 and box.y1 <= 1 for box in boxes)
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def drawn_labels(axes):
    """Boxes of the title and of the tick labels within the limits: matplotlib keeps others, which it does not draw."""
    ticks = [(tick, axis.get_view_interval()) for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()]
    within = [tick.label1 for tick, limits in ticks if min(limits) <= tick.get_loc() <= max(limits)]
    shown = [label for label in (*within, axes._left_title) if label.get_visible() and label.get_text()]
    return [label.get_window_extent() for label in shown]


@pytest.mark.parametrize(("draw", "count"), list(itertools.product((heatmap, timeline), (1, 2, 5, 9, 12))))
def test_labels_do_not_collide(make, draw, count):
    figure = draw(make.five(count), "clean")
    figure.canvas.draw()
    labels = [box for axes in figure.axes for box in drawn_labels(axes)]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(labels, 2))
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in labels)


def test_controls_come_last(make):
    found = [text for text in texts(heatmap(make.five(), "clean")) if text in ("npr", "constant (control)")]
    assert found == ["npr", "constant (control)"]


def test_missing_is_blank_and_undefined_is_not_zero(make):
    result = make.result()
    undefined = dataclasses.replace(result.cells[0], auroc=make.undefined)
    result = dataclasses.replace(result, cells=(undefined, *result.cells[2:]))
    found = texts(heatmap([result], "clean"))
    assert found.count("n/a") == 1
    assert "0.00" not in found
    to_png(timeline([result], "clean"))


def test_a_view_without_cells_and_results_without_cells_still_draw(make):
    for results, view in (([make.result()], "unheard"), ([make.result(cells=())], "clean")):
        assert "npr" in texts(heatmap(results, view))
        assert "npr" in texts(timeline(results, view))


def test_nominal_dates_are_said_on_the_axis(make):
    found = texts(timeline([make.result(nominal_dates=True)], "clean"))
    assert "nominal month of release\n(one a generation)" in found


def test_windows_without_dates_in_their_name_get_them(make):
    spans = tuple(dataclasses.replace(window, name=f"w{at}") for at, window in enumerate(make.windows(2)))
    assert "w0 (2021-07..2021-12)" in texts(heatmap([make.result(windows=spans)], "clean"))


def test_timeline_of_a_given_cutoff(make):
    result = make.result()
    last = result.windows[-1]
    assert f"training ends\n{last.end}" in texts(timeline([result], "clean", cutoff=last.name))
    with pytest.raises(UserError, match="unknown cutoff '2022'"):
        timeline([result], "clean", cutoff="2022")


def test_names_are_not_read_as_mathematics(make):
    assert "$x_1$ $" in texts(heatmap([make.result("$x_1$ $")], "clean"))


@pytest.mark.parametrize("draw", [heatmap, timeline])
def test_same_results_same_bytes(make, draw):
    for write in (to_png, to_svg):
        first, second = (write(draw([make.result()], "clean")) for _ in range(2))
        assert first == second
    png = to_png(draw([make.result()], "clean"))
    assert png.startswith(b"\x89PNG")
    assert b"Software" not in png
