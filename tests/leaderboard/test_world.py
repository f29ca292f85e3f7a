"""The stand-in world that all tests of submissions share is what it says."""

import time

import numpy as np

from leaderboard import world
from redqueen.evaluation import scores
from redqueen.leaderboard import manifest, schema


def test_a_world_is_valid_and_quick(tmp_path):
    start = time.monotonic()
    made = world.make(tmp_path / "one")
    assert time.monotonic() - start < 5
    assert [check.outcome for check in manifest.check(made.bundle)] == ["passed"]
    found = scores.read(made.bundle / schema.predictions(world.SUITE))
    assert len(scores.scored(found, made.benchmark)) == 2
    for name, model in schema.MODELS.items():
        schema.parse(model, (made.bundle / name).read_bytes())
    again = world.make(tmp_path / "two")
    assert (made.bundle / "manifest.json").read_bytes() == (again.bundle / "manifest.json").read_bytes()


def test_later_cutoffs_know_more_and_nobody_knows_everything(tmp_path):
    made = world.make(tmp_path)
    found = schema.parse_result((made.bundle / schema.RESULT).read_bytes())
    values = {(cell.trained_up_to, cell.view): cell.auroc.value for cell in found.cells}
    assert all(0.7 < value < 0.98 for value in values.values())
    assert values["2026-01", "clean"] < values["2026-02", "clean"]
    assert found.next_period[0].auroc.low < found.next_period[0].auroc.high


def test_canaries_and_twins(tmp_path):
    made = world.make(tmp_path, canaries=20, twins=5)
    canary = made.benchmark.column("canary").astype(bool)
    assert canary.sum() == 20 and made.benchmark.column("label")[canary].sum() == 10
    drawn = world.logits(made.benchmark, 0)["2026-01", "clean"]
    place = {one: at for at, one in enumerate(made.benchmark.ids)}
    twins = [(at, place[one]) for at, one in enumerate(made.benchmark.column("twin")) if one]
    assert len(twins) == 5
    assert all(np.isclose(drawn[a], drawn[b], atol=1e-9) for a, b in twins)
