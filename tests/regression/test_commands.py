"""redqueen check from the command line."""

import json
import shutil
import sys

import pytest

from redqueen.cli import main
from redqueen.evaluation import scores
from redqueen.regression.check import content
from regression import world


@pytest.fixture
def ci(small, tmp_path, monkeypatch):
    """A copy of the small folder, which is the working folder."""
    shutil.copytree(small, tmp_path / "ci")
    monkeypatch.chdir(tmp_path / "ci")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return tmp_path / "ci"


def run(*words, candidate="worse.parquet"):
    return main(["check", "run", "--policy", "policy.yaml", "--candidate", candidate, *words])


def test_exit_codes_and_the_first_line(ci, capsys):
    assert run(candidate="release.parquet") == 0
    assert capsys.readouterr().out.startswith("PASS: the scores are identical to those of release\n")
    assert run("--output", "out") == 1
    said = capsys.readouterr()
    assert said.out.startswith("FAIL: ") and "reports: out" in said.err
    assert json.loads((ci / "out/report.json").read_text())["outcome"] == "fail"


def test_under_github_actions_annotations_are_printed(ci, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run() == 1
    assert capsys.readouterr().out.count("::error title=redqueen check::") == 2


def test_too_little_to_tell_is_three_only_where_the_policy_says_so(ci, capsys):
    gates = [{"metric": "auroc", "margin": 0.001}]
    world.policy(ci, gates=gates)
    assert run(candidate="honest.parquet") == 0
    assert capsys.readouterr().out.startswith("INCONCLUSIVE: AUROC ")
    world.policy(ci, gates=gates, on_inconclusive="fail")
    assert run(candidate="honest.parquet") == 3
    assert "groups would tell" in capsys.readouterr().out


def test_a_baseline_of_the_command_line(ci, capsys):
    assert run("--baseline", "release", "--baseline", "mine=worse.parquet", candidate="worse.parquet") == 1
    report = json.loads((ci / "runs/check/report.json").read_text())
    assert [one["name"] for one in report["baselines"]] == ["release", "mine"]
    assert run("--baseline", "none.parquet") == 2
    assert "none.parquet" in capsys.readouterr().err


def test_a_command_makes_the_candidate_or_nothing_passes(ci, capsys):
    shutil.copy("release.parquet", "new.parquet")
    copy = f"{sys.executable} -c \"import shutil; shutil.copyfile('release.parquet', 'new.parquet')\""
    assert run("--command", copy, candidate="new.parquet") == 0
    assert run("--command", f"{sys.executable} -c pass", candidate="new.parquet") == 5
    assert "ended well but wrote no new.parquet" in capsys.readouterr().err
    assert run("--command", "no-such-program", candidate="new.parquet") == 5


def test_a_crash_of_the_check_itself_is_five(ci, capsys, monkeypatch):
    def broken(*_):
        raise RuntimeError("no CUDA device")

    monkeypatch.setattr("redqueen.regression.run.check", broken)
    assert run() == 5
    assert "internal error: RuntimeError: no CUDA device" in capsys.readouterr().err


def test_accepting_writes_the_lock_and_a_changed_file_is_seen(ci, capsys):
    words = ["check", "accept", "--policy", "policy.yaml", "--candidate", "worse.parquet"]
    assert main(words) == 2
    assert "needs its reason" in capsys.readouterr().err
    before = content(scores.read(ci / "release.parquet"))
    assert main([*words, "--reason", "a larger ${training} set", "--date", "2026-05-01"]) == 0
    lock = json.loads((ci / "release.lock.json").read_text())
    assert (lock["reason"], lock["accepted"], lock["previous"]) == ("a larger ${training} set", "2026-05-01", before)
    assert lock["content"] == content(scores.read(ci / "worse.parquet"))
    assert run() == 0
    shutil.copy("honest.parquet", "release.parquet")
    capsys.readouterr()
    assert run() == 4
    assert "is not the baseline that was accepted on 2026-05-01" in capsys.readouterr().out
    assert main([*words, "--reason", "x", "--baseline", "releese"]) == 2
    assert "did you mean 'release'" in capsys.readouterr().err


def test_what_is_no_candidate_is_not_accepted(ci, capsys):
    shutil.copy("policy.yaml", "bad.parquet")
    words = ["check", "accept", "--policy", "policy.yaml", "--candidate", "bad.parquet", "--reason", "x"]
    assert main(words) == 2
    assert not (ci / "release.lock.json").exists()
    assert "cannot be read as scores" in capsys.readouterr().err


def test_explain_lists_the_pictures_of_a_slice(ci, capsys):
    run()
    capsys.readouterr()
    words = ["check", "explain", "runs/check/report.json"]
    assert main([*words, "--slice", "generator=gen-1", "--slice", "now=wrong"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("FAIL: ") and "gen-1" in said.out and "gen-2" not in said.out.split("\n", 1)[1]
    assert "verdicts of generator=gen-1, now=wrong flipped" in said.err and ", 0 right;" in said.err
    assert main([*words, "--slice", "colour=red"]) == 2
    assert main(["check", "explain", "policy.yaml"]) == 2


def test_power_before_anything_is_spent(ci, capsys):
    words = ["check", "power", "--policy", "policy.yaml"]
    assert main([*words, "output=out", "flips=0.02"]) == 0
    assert "detectable" in capsys.readouterr().out
    narrow = json.loads((ci / "out/power.json").read_text())
    assert main([*words, "output=out", "flips=0.2"]) == 0
    wide = json.loads((ci / "out/power.json").read_text())
    assert [one["finding"]["groups"] for one in narrow] == [300, 300]
    assert all(a["error"] < b["error"] and a["detectable"] < b["detectable"] for a, b in zip(narrow, wide, strict=True))
    assert main([*words, "--baseline", "honest.parquet", "output=out"]) == 0
