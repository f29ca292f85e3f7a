"""Judging pictures in hand: the numbers of the prediction table, and sixty hostile files through one process."""

import io
import json
import os
import re
import shutil
import signal
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml
from omegaconf import OmegaConf

import hostile_files
import stand_ins
from redqueen.cli import main
from redqueen.detectors import inference
from redqueen.errors import UserError
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.detect.files import found
from redqueen.evaluation.detect.judging import Outcome, exit_code, outcomes
from redqueen.evaluation.detect.opened import opened
from redqueen.evaluation.detect.standing import standing
from redqueen.evaluation.detect.verdict import Failure, Heat, Judgement, Seen
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.tasks.detect import _without_picture
from redqueen.training.checkpoint import NODE, RECORD, save
from redqueen.types import FalsePositives, HalfLife, Interval, Result

ONE = Interval(0.1, 0.05, 0.2, 30, 20)


@pytest.fixture(scope="module")
def judged(worker, tmp_path_factory):
    """Every hostile file with what came of it."""
    ends = hostile_files.write(tmp_path_factory.mktemp("hostile"))
    files = found([str(path) for path in ends], io.BytesIO())
    before = worker.starts
    outcome = {one.path: one.judged for one in outcomes(files, worker)}
    assert worker.starts == before, "no file cost the process its life"
    return ends, outcome


def test_there_are_sixty():
    assert len(hostile_files.CONTENTS) + len(hostile_files.PLACES) == 60


@pytest.mark.parametrize("name", [*hostile_files.CONTENTS, *hostile_files.PLACES], ids=ascii)
def test_a_hostile_file_ends_in_its_stated_way(name, judged):
    ends, outcome = judged
    (path,) = (path for path in ends if path.name == name)
    one, end = outcome[path], ends[path]
    if end == hostile_files.JUDGED:
        assert isinstance(one, Judgement), one
        assert 0 < one.clean.probability < 1
    else:
        assert isinstance(one, Failure)
        assert re.search(end, one.reason), one.reason
        assert one.reason.isprintable()


def test_a_picture_gets_the_logit_of_the_prediction_table(corpus, checkpoint, worker, tmp_path):
    rows = np.flatnonzero(corpus.column("split") == "test")[:3]
    detector, _, _ = opened(checkpoint, None)
    table = inference.logits(
        inference.Judge(detector, "x"), inference.Pictures(corpus, rows, Suite("none", 1, {CLEAN: []}), tmp_path), CLEAN
    )
    for row, logit in zip(rows, table, strict=True):
        one = worker.judge(corpus.encoded(int(row)))
        assert np.float32(one.clean.logit) == logit
        assert one.clean.probability == pytest.approx(1 / (1 + np.exp(-logit / 1.5)), rel=1e-5)
        assert one.clean.verdict == ("generated" if logit >= 0.25 else "human")


def test_a_process_that_dies_costs_one_file(worker):
    assert isinstance(worker.judge(hostile_files.PNG), Judgement)
    before = worker.starts
    os.kill(worker._process.pid, signal.SIGSEGV)
    worker._process.join()
    first, second = worker.judge(hostile_files.PNG), worker.judge(hostile_files.PNG)
    assert first == Failure("the process that judged it crashed (SIGSEGV)")
    assert isinstance(second, Judgement)
    assert worker.starts == before + 1


@pytest.mark.parametrize("data", [hostile_files.PNG, bytes(8 * 2**20)], ids=["small", "more than a pipe holds"])
def test_a_file_that_takes_too_long_is_given_up(data, worker):
    os.kill(worker._process.pid, signal.SIGSTOP)  # stands for a decoder that never ends
    patient = worker.bounds
    worker.bounds = Bounds(seconds=0.2)
    try:
        assert worker.judge(data) == Failure("took more than 0.2 seconds")
    finally:
        worker.bounds = patient
    assert isinstance(worker.judge(hostile_files.PNG), Judgement)


@pytest.mark.parametrize(
    "target", ["os.system", "builtins.eval", "redqueen.files.write_text", "redqueen.detectors.published.read", None]
)
def test_a_checkpoint_builds_nothing_but_a_detector(target, record, tmp_path):
    node = {"_target_": target, "command": "true"} if target else ["no", "detector"]
    save(tmp_path, stand_ins.detector("npr"), yaml.safe_dump(node), record)
    with pytest.raises(UserError, match="builds no detector of this package"):
        opened(tmp_path, None)
    hidden = OmegaConf.to_container(stand_ins.node("npr"), resolve=True) | {"weights": {"_target_": target or "x.y"}}
    (tmp_path / NODE).write_text(yaml.safe_dump(hidden))
    with pytest.raises(UserError, match="which is no detector and no backbone"):
        opened(tmp_path, None)


def result(**changes):
    life = HalfLife("clean", 10.0, 6.0, 20.0, True, ONE, ONE, 3, 20.0)
    facts = {
        "detector": "npr", "control": False, "protocol": "p-v1", "suite": "s-v1", "corpus": "stand-in",
        "corpus_digest": "d", "predictions_digest": "d", "windows": (), "nominal_dates": False, "labels": "true",
        "seed": 0, "draws": 9, "biased": False, "cells": (), "next_period": (), "same_period": (),
        "false_positives": (FalsePositives("2026-01", "photo", "clean", ONE),), "thresholds": {"2026-01": 0.25},
        "half_life": (life,),
    }  # fmt: skip
    return Result(**facts | changes)


@pytest.mark.parametrize(
    ("today", "life", "said"),
    [
        (date(2026, 9, 1), (10.0, 6.0, 20.0, True), None),
        (date(2027, 1, 1), (10.0, 6.0, 20.0, True), "half-life of 10 months has passed"),
        (date(2026, 9, 1), (None, 6.0, None, False), "longer than the 6 months for which its skill is known to hold"),
        (date(2028, 9, 1), (None, 90.0, None, False), "longer than the 20 months for which its skill is known to hold"),
        (date(2030, 9, 1), (None, None, None, False), None),
    ],
)
def test_a_detector_that_is_past_its_half_life_says_so(today, life, said, checkpoint, corpus):
    _, _, basis = opened(checkpoint, None)
    given = result(half_life=(HalfLife("clean", *life, ONE, ONE, 3, 20.0),), corpus_digest=corpus.digest)
    known = standing(basis, given, today)
    assert known.false_positives["photo"] == ONE
    assert known.warnings == () if said is None else said in known.warnings[0]


def test_a_result_of_another_detector_or_cutoff_is_refused(checkpoint):
    _, _, basis = opened(checkpoint, None)
    with pytest.raises(UserError, match="the result is of dct, the checkpoint of npr"):
        standing(basis, result(detector="dct"), date(2026, 9, 1))
    with pytest.raises(UserError, match="no cutoff 2026-01, .* it has: 2025-01"):
        standing(basis, result(thresholds={"2025-01": 0.0}), date(2026, 9, 1))


def test_exit_codes():
    failed = Outcome(Path("f"), Failure("x"))
    generated, human, undecided = (
        Outcome(Path(said), Judgement("00", (Seen("clean", 0.0, 0.5, said),)))
        for said in ("generated", "human", "undecided")
    )
    assert exit_code([]) == 0
    assert exit_code([human, undecided]) == 0
    assert exit_code([failed, failed]) == exit_code([human, failed]) == exit_code([failed, undecided]) == 4
    assert exit_code([generated]) == exit_code([failed, generated]) == exit_code([generated, human, failed]) == 3


def test_nothing_on_stdin_is_no_clean_bill():
    assert list(found(["-"], io.BytesIO(b"\n"))) == [(Path("-"), "no path came from stdin")]


@pytest.mark.parametrize("change", [{"seed": "x"}, {"threshold": None}])
def test_a_damaged_checkpoint_is_told_with_its_cause(change, checkpoint, tmp_path, monkeypatch, capsys):
    damaged = shutil.copytree(checkpoint, tmp_path / "damaged")
    record = json.loads((damaged / RECORD).read_text())
    (damaged / RECORD).write_text(json.dumps(record | change))
    (tmp_path / "a.png").write_bytes(hostile_files.PNG)
    assert main(["detect", str(tmp_path / "a.png"), "--detector", str(damaged)]) == 2
    told = capsys.readouterr().err
    assert "damaged cannot be loaded: " in told
    assert told.count("\n") == 1


def test_heat_maps_are_written_and_not_kept():
    judged = Judgement("00", (Seen("clean", 0.0, 0.5, "human"),), Heat("a long picture", "top left"))
    kept = _without_picture(Outcome(Path("x"), judged)).judged
    assert (kept.heat.png, kept.heat.words, kept.seen) == ("", "top left", judged.seen)


def test_the_command_judges_files_and_says_what_it_rests_on(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("a b.jpg").write_bytes(hostile_files.JPEG)
    Path("x\x1b[2J.png").write_bytes(b"no picture")
    code = main(["detect", "a b.jpg", "x\x1b[2J.png", "--detector", str(checkpoint), "--format", "json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == ["judged", "failed"]
    assert code == (3 if lines[0]["verdict"] == "generated" else 4)
    assert [view["view"] for view in lines[0]["views"]] == ["x", "facebook", "instagram", "whatsapp", "telegram"]
    main(["detect", "a b.jpg", "x\x1b[2J.png", "--detector", str(checkpoint), "--heatmaps", "heats"])
    told = capsys.readouterr()
    assert "\x1b[2J" not in told.out + told.err
    assert "fitted on 20 validation pictures of corpus stand-in, 50% of them AI-generated" in " ".join(told.out.split())
    assert "not measured" in told.out
    assert list(Path("heats").glob("*.png"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["detect", "x.jpg"], "no detector: add --detector FOLDER"),
        (["detect", "--detector", "nowhere"], "no picture: redqueen detect FILE"),
        (["detect", "x.jpg", "--detector", "nowhere"], "no checkpoint at"),
        (["detect", "x.jpg", "--detector"], "--detector needs a value"),
        (["detect", "x.jpg", "--detector", "d", "--format", "xml"], "format=xml"),
    ],
)
def test_bad_words_are_told_in_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
