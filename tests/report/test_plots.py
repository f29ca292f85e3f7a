"""Every figure lies in three forms, and its numbers are those of the results."""

import csv
import io

from redqueen.report import numbers
from redqueen.report.data import Data
from redqueen.report.plots import save


def test_every_figure_is_saved_with_its_numbers(full, tmp_path):
    save(full.drawn, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    figures = ("half-life", "timeline-clean", "found", "heatmap-clean", "views", "reliability")
    figures += ("slices-human", "slices-topic", "slices-country", "slices-family")
    assert names == {f"{name}.{end}" for name in figures for end in ("png", "svg", "csv")} | {"half-life-cells.csv"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))
    assert "DejaVu Sans" in (tmp_path / "half-life.svg").read_text()


def test_csv_holds_all_digits_and_blanks_where_nothing_is_known(make):
    data = numbers.cells([make.result()], "clean", "x", "Cells")
    rows = list(csv.DictReader(io.StringIO(data.csv())))
    assert len(rows) == 9
    assert rows[1]["AUROC"] == str(0.95 - 0.1)
    assert (rows[1]["AUROC pictures"], rows[1]["AUROC groups"], rows[1]["Part"]) == ("120", "60", "future")
    undefined = Data("x", "x", ["A", "B"], frozenset("B"), [["=1+1", make.undefined], ["b", None]])
    assert undefined.csv().splitlines()[1:] == ["'=1+1,,,,0,0", "b,,,,,"]
    assert undefined.table().rows == [["=1+1", "n/a"], ["b", "n/a"]]


def test_views_and_half_lives_have_a_row_for_each_view(make):
    rows = list(csv.DictReader(io.StringIO(numbers.views([make.measured()]).csv())))
    assert [row["View"] for row in rows] == ["clean", "jpeg50"]
    assert [row["AUROC lost against clean"] for row in rows] == ["", "0.05"]
    lives = list(csv.DictReader(io.StringIO(numbers.half_lives([make.measured()]).csv())))
    assert [(row["View"], row["Months"], row["High"]) for row in lives] == [("clean", "14.0", "31.0")] + [
        ("jpeg50", "14.0", "31.0")
    ]
