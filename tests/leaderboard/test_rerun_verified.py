"""The tier that only a re-run gives, by the command."""

import pytest

from leaderboard import world
from redqueen.cli import TASKS, main

pytestmark = pytest.mark.skipif("verify" not in TASKS, reason="there is no command to verify with")


def test_honest_weights_reach_the_tier(tmp_path, monkeypatch, capfd):
    from leaderboard import cases_run_sandbox

    monkeypatch.chdir(tmp_path)
    words = cases_run_sandbox.handed_in(world.make(tmp_path / "world"))
    capfd.readouterr()
    code = main(words)
    told = capfd.readouterr().out
    assert code == 3, told  # noise and stripes are told apart without an error, which a human looks at
    assert "review   forensics.perfect" in told
    assert "tier                     re-run" in told
    assert "passed   run.scores" in told
    assert main(words[:-2]) == 3, "without pictures"
    assert "tier                     recomputed" in capfd.readouterr().out
