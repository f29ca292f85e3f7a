"""What others published stands beside what was measured, and enters no figure."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from redqueen.report.finding import first_sentence
from redqueen.report.reported import beside, facts, measured
from redqueen.report.table import matrix
from redqueen.types import Reported

ONE = Reported("npr", "mean accuracy, %", "their set", 92.5, "arXiv 1234.56789, table 3")


def printed(table, width=100):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table)
    return " ".join(console.file.getvalue().split())


def test_a_row_names_figure_metric_data_and_source(make):
    text = printed(beside([make.result("npr", reported=(ONE,)), make.result("safe")]), width=200)
    for part in ("npr", "92.5", "mean accuracy, %; their set", "arXiv 1234.56789, table 3"):
        assert part in text
    assert "safe" not in text


@pytest.mark.parametrize(
    ("place", "text"),
    [("next period", "next period 0.85 (0.81-0.89)"), ("same period", "same period 0.95 (0.91-0.99)")],
)
def test_what_stands_beside_is_the_measured_figure_with_its_interval(make, place, text):
    assert measured(make.result(), replace(ONE, beside=place)) == text


def test_each_window_is_shown_and_no_mean_is_made_of_them(make):
    result = make.result()
    cells = [cell for cell in result.cells if cell.view == "clean"]
    lines = measured(result, ONE).splitlines()
    assert len(lines) == len(cells) == 9
    assert lines[1] == f"{cells[1].trained_up_to} on {cells[1].tested_on}: 0.85 (0.81-0.89)"
    last = replace(result, cells=tuple(cell for cell in cells if cell.trained_up_to == cells[0].trained_up_to))
    assert measured(last, ONE).splitlines()[1] == f"{cells[1].tested_on}: 0.85 (0.81-0.89)"
    assert measured(replace(result, cells=(), next_period=()), ONE) == "n/a"
    assert measured(replace(result, next_period=()), replace(ONE, beside="next period")) == "next period n/a"


def test_no_measured_figure_depends_on_what_was_reported(make):
    plain, told = [make.result()], [make.result(reported=(ONE,))]
    assert first_sentence(plain, make.audit()) == first_sentence(told, make.audit())
    assert printed(matrix(plain)) == printed(matrix(told))
    assert facts(plain) == {
        "Strategy of continual training": "cumulative",
        "Augmentation of training pictures": "none",
    }
    (label, text) = list(facts(told).items())[-1]
    assert "not measured here" in label
    assert text == "92.5 (mean accuracy, %; their set), arXiv 1234.56789, table 3"
