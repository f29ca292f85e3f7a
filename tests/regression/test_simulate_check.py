"""The simulation of the check, small: its errors are as rare as is said, within what so few runs can show."""

import importlib
import json
from pathlib import Path

import pytest
from scipy.stats import binom

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("simulate_check")


def test_false_alarms_of_independent_and_of_clustered_pictures(script):
    runs = 1500
    for number, design in enumerate((script.LINEAR[0], script.LINEAR[2])):
        (found,) = script.changes(design, 200, number, lambda rng, of=design: of.pair(rng, runs))
        alarms = int(script.failed(found, design.known, script.NOTHING).any(axis=1).sum())
        assert binom.ppf(0.005, runs, 0.04) <= alarms <= binom.ppf(0.995, runs, 0.06)


def test_groups_that_pass_for_pictures_would_raise_false_alarms(script):
    """The simulation can tell: copies counted as pictures of their own fail far too often."""
    copies, apart = script.Design("copies", 100, 4, 1.0), script.Design("apart", 400)
    weights = apart.weights(200)[0]

    def pair(rng):
        before, after = copies.pair(rng, 500)
        return before.reshape(500, 800, 1), after.reshape(500, 800, 1)

    (found,) = script.changes(apart, 200, 0, pair)
    assert weights.shape == (200, 800)
    assert script.failed(found, apart.known, script.NOTHING).mean() > 0.12


def test_two_hundred_slices_together(script):
    runs = 150
    design = script.Design("slices", 60, slices=200)
    (found,) = script.changes(design, 200, 3, lambda rng: design.pair(rng, runs), [script.belief])
    alarms = int(script.failed(found, design.known, script.NOTHING).any(axis=1).sum())
    assert alarms <= binom.ppf(0.995, runs, 0.06)
    alone = script.p_values(found.change, found.error, design.known) <= script.ALPHA
    assert 0.045 < alone.mean() < 0.055, "each slice by itself"


def test_power_at_the_stated_fall_and_the_slide(script, tmp_path, capsys):
    words = ["--replications", "200", "--draws", "200", "--json", str(tmp_path / "f.json"), "--check", "slide"]
    assert script.main(words) == 0
    assert len(json.loads((tmp_path / "f.json").read_text())["found"]) == 3
    design = script.LINEAR[0]
    (honest,) = script.changes(design, 200, 1, lambda rng: design.pair(rng, 200))
    fall = script.detectable(float(honest.error.mean()), script.gate(0.02), 1, 0.8, float(honest.flipped.mean()))
    for made in (design.pair, design.broken):
        (found,) = script.changes(design, 200, 2, lambda rng, by=made: by(rng, 400, fall))
        assert script.failed(found, design.known, 0.02).mean() > 0.76
    with pytest.raises(SystemExit):
        script.main(["alarm"])
    assert "unknown part 'alarm'" in capsys.readouterr().err
