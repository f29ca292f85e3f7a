"""`redqueen report RUN…`: from the files of finished runs alone, and in one line where that cannot be."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from redqueen.cli import main
from redqueen.files import write_json
from redqueen.tasks.evaluate import read
from redqueen.types import Interval

FIELD = Path(__file__).parents[2] / "results" / "field"
NAMES = ("cnndetection", "metadata_probe")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The folder of a run of two detectors and two windows, under a working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "one"
    for name in NAMES:
        write_json(folder / "results" / f"{name}.json", asdict(short(read(FIELD / "field-v1" / f"{name}.json"))))
    shutil.copyfile(FIELD / "card.json", folder / "card.json")
    return folder


def short(result):
    """Of the published result what two windows hold, clean."""
    windows = result.windows[:2]
    names = {window.name for window in windows}
    cells = tuple(c for c in result.cells if {c.trained_up_to, c.tested_on} <= names and c.view == "clean")
    return replace(
        result,
        windows=windows,
        cells=cells,
        next_period=result.next_period[:1],
        same_period=result.same_period[:1],
        false_positives=(),
        generators=(),
        measures=(),
    )


def changed(run, name, **changes):
    path = run / "results" / f"{name}.json"
    write_json(path, asdict(replace(read(path), **changes)))


def test_a_run_is_reported_from_its_files_alone(run, capsys):
    nothing = Interval(None, None, None, 0, 0)
    cells = read(run / "results" / "cnndetection.json").cells
    changed(
        run, "cnndetection", cells=tuple(replace(cell, auroc=nothing) for cell in cells), next_period=(), same_period=()
    )
    assert main(["report", "one"]) == 0
    page = (run / "report.html").read_text()
    assert all(name in page for name in NAMES)
    assert not {"nan", "None", "inf"} & set(page.replace("<", " ").replace(">", " ").split())
    assert (run / "figures" / "half-life.svg").is_file()
    assert "report: one/report.html" in capsys.readouterr().err


def test_runs_are_joined_where_they_were_made_alike(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    (run / "results" / "cnndetection.json").unlink()
    (other / "results" / "metadata_probe.json").unlink()
    assert main(["report", "one", "other"]) == 0
    page = (tmp_path / "runs" / "report" / "report.html").read_text()
    assert all(name in page for name in NAMES)


def spoil_json(run):
    (run / "results" / "cnndetection.json").write_text(json.dumps({"detector": "cnndetection"}))


def spoil_card(run):
    write_json(run / "card.json", {"name": "field"})


def other_card(run):
    write_json(run / "card.json", json.loads((run / "card.json").read_text()) | {"digest": "sha256:00"})


@pytest.mark.parametrize(
    ("spoil", "runs", "told"),
    [
        (lambda run: shutil.rmtree(run / "results"), ["one"], "one: has no results/*.json; name the folder of a finis"),
        (lambda run: None, ["nowhere"], "nowhere: has no results/*.json"),
        (spoil_json, ["one"], "one/results/cnndetection.json: no result: control: "),
        (lambda run: (run / "card.json").unlink(), ["one"], "one/card.json: no card of a corpus with its audit"),
        (spoil_card, ["one"], "one/card.json: no card of a corpus with its audit"),
        (other_card, ["one"], "one/card.json: is of another corpus than the results (field)"),
        (lambda run: changed(run, "cnndetection", corpus_digest="sha256:00"), ["one"], "differ in corpus_digest"),
        (lambda run: None, ["one", "one"], "'cnndetection' is in one/results/cnndetection.json too"),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_line(run, capsys, spoil, runs, told):
    spoil(run)
    assert main(["report", *runs]) == 2
    error = capsys.readouterr().err
    assert error.startswith("redqueen: ")
    assert told in error
    assert error.count("\n") == 1
    assert not list(run.glob("report.html"))
