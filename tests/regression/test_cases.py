"""What a bad input of the check leaves behind besides its exit code."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from redqueen.cli import main
from regression.cases_check import CASES

BY_NUMBER = {case.number: case for case in CASES}


@dataclass(frozen=True)
class World:
    folder: Path


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Runs a case; gives the report's folder."""
    monkeypatch.chdir(tmp_path)

    def ran(number):
        main(BY_NUMBER[number].make(World(tmp_path)))
        return tmp_path / "runs/check"

    return ran


def test_there_are_fifteen():
    assert list(BY_NUMBER) == [f"R{number}" for number in range(1, 16)]


def test_a_report_longer_than_a_comment_is_cut(report):
    folder = report("R12")
    text = (folder / "report.md").read_text("utf-8")
    assert len(text) <= 60_000 and "more rows stand in the report's files" in text
    assert len(json.loads((folder / "report.json").read_text())["findings"]) == 301


def test_of_200_slices_that_did_not_change_none_fails(report):
    found = json.loads((report("R9") / "report.json").read_text())
    verdicts = [one["verdict"] for one in found["findings"]]
    assert len(verdicts) == 201 and "fail" not in verdicts
    alone = [one for one in found["findings"] if one["p"] <= 0.05]
    assert 2 <= len(alone) <= 25, "as many as chance has it would have failed, were each the only one"


def test_a_slow_slide_passes_each_step_and_fails_against_the_release(report):
    found = json.loads((report("R11") / "report.json").read_text())["findings"]
    assert {one["baseline"]: one["verdict"] for one in found} == {"release": "fail", "merge_base": "pass"}
