"""`redqueen leaderboard add`: what passes is published and ranked, what does not leaves nothing behind."""

import json
import shutil
from dataclasses import replace

import pytest

from leaderboard import world as worlds
from leaderboard.cases import tarred
from redqueen.cli import main
from redqueen.leaderboard import forensics
from redqueen.leaderboard.board import boards
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.recompute import recomputed
from redqueen.leaderboard.records import read_log, records

FOLDER = "results/tiny/tiny-v1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return worlds.make(tmp_path_factory.mktemp("world") / "made")


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    shutil.copytree(made.folder, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    return replace(made, folder=tmp_path / "world")


def add(*words):
    return main(["leaderboard", "add", *map(str, words), "--benchmark", "benchmark", "date=2026-11-20"])


def test_a_bundle_is_published_as_it_was_recomputed_and_ranked(world):
    assert add(world.bundle) == 0
    assert add(tarred(world)) == 2  # the same again
    world.add("second", seed=3)
    assert add(world.submissions / "second") == 0
    folder = world.folder / FOLDER
    first, second = records(folder)
    result, draws, _ = recomputed(world.bundle, world.benchmark)
    assert first.result == result
    assert (first.tier, first.published.date, second.submission) == ("recomputed", "2026-11-20", "second")
    assert first.published.root == json.loads((world.bundle / "manifest.json").read_text())["root"]
    assert {"predictions.ids", "forensics.copy"} & {check.id for check in first.published.checks}
    assert not list(folder.glob("bundles/*/predictions")) and (first.bundle / "submission.json").exists()  # noqa: PT018
    (board,) = boards(world.folder / "results")
    assert [row.rank is not None for row in board.rows] == [True, True]
    assert len(board.pairs) == 1


def test_what_is_refused_is_not_published(world, capfd):
    with (world.bundle / "calibration.json").open("ab") as file:
        file.write(b" ")
    assert add(world.bundle) == 1
    assert "manifest" in capfd.readouterr().out
    assert not (world.folder / FOLDER).exists()


def test_a_revision_takes_the_place_of_what_it_revises_once_somebody_looked(world, capfd):
    assert add(world.bundle) == 0
    world.add("better", seed=5, revision_of="example")
    code = add(world.submissions / "better", "--against", world.submissions)
    told = capfd.readouterr()
    if code:  # a check asks for a human: nothing is published until one has decided
        assert (code, "somebody has to look" in told.err) == (3, True)
        assert len(read_log(world.folder / FOLDER)) == 1
        assert add(world.submissions / "better", "--reason", "looked at") == 0
    events = read_log(world.folder / FOLDER)
    assert [(one.event, one.submission) for one in events[1:]] == [("published", "better"), ("superseded", "example")]
    (board,) = boards(world.folder / "results")
    assert [row.record.submission for row in board.rows] == ["better"]


def test_what_needs_a_human_is_published_with_the_reason(world, monkeypatch, capfd):
    found = forensics.check
    doubt = Check("forensics.copy", "review", "looks like another one")
    monkeypatch.setattr(forensics, "check", lambda *given: [*found(*given), doubt])
    assert add(world.bundle) == 3
    assert "somebody has to look" in capfd.readouterr().err
    assert not (world.folder / FOLDER).exists()
    assert add(world.bundle, "--reason", "same team, same weights") == 0
    (event,) = read_log(world.folder / FOLDER)
    assert (event.reason, event.tier) == ("same team, same weights", "recomputed")
    assert doubt in event.checks


def test_one_bundle_at_a_time(world, capfd):
    assert add() == 2
    assert "one bundle" in capfd.readouterr().err
