"""The terminal table fits 80 columns and keeps controls apart."""

import io

import pytest
from rich.console import Console

from redqueen.report.table import matrix


def printed(results, width=80):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(matrix(results))
    return console.file.getvalue()


@pytest.mark.parametrize("count", [1, 5])
def test_every_detector_has_a_row_within_80_columns(make, count):
    lines = printed(make.five(count)).splitlines()
    assert max(map(len, lines)) <= 80
    for name in ("npr", "spectral", "effort", "constant (control)", "metadata (control)"):
        assert sum(line.strip().startswith(name) for line in lines) == 1


def test_a_row_says_both_views_same_period_and_false_alarms(make):
    row = next(line for line in printed([make.result()]).splitlines() if "npr" in line)
    assert row.split() == ["npr", "0.85", "(0.81-0.89)", "0.80", "(0.76-0.84)", "0.95", "5%", "/", "5%"]


def test_undefined_is_not_zero(make):
    row = next(
        line
        for line in printed([make.result(next_period=(), same_period=(), cells=(), false_positives=())]).splitlines()
        if "npr" in line
    )
    assert row.split() == ["npr", "n/a", "n/a", "/", "n/a"]


def test_controls_are_dimmed_and_last_and_names_are_not_markup(make):
    table = matrix([make.result("probe", control=True), make.result("[red]x")])
    assert [row.style for row in table.rows] == [None, "dim"]
    assert "[red]x" in printed([make.result("[red]x")])
