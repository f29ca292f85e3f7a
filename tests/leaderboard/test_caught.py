"""Three frauds are caught from end to end: a forged metric, a rival's scores cubed, scores made of metadata."""

import re

import numpy as np
import pytest

from leaderboard import world
from leaderboard.cases import verify
from leaderboard.cases_predictions import CASES, put
from redqueen.cli import main
from redqueen.corpus.audit import metadata_features


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return world.make(tmp_path / "world")


@pytest.mark.parametrize("number", ["60", "53"])
def test_a_forged_metric_and_a_cubed_rival_are_rejected(made, capfd, number):
    (case,) = [one for one in CASES if one.number == number]
    assert main(case.make(made)) == 1
    assert re.search(case.says, capfd.readouterr().out)


def test_scores_made_of_metadata_go_to_people(made, capfd):
    seen = metadata_features(made.benchmark.table)
    put(made, made.bundle, lambda _: np.tile(1 / (1 + np.exp(-seen @ [0.5, 0.0, 0.0, 0.0, 0.0, 8.0, 1.0] + 9)), 4))
    assert main(verify(made)) == 3
    told = capfd.readouterr().out
    assert "forensics.metadata" in told and "metadata explain 100%" in told
