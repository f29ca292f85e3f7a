"""Continual training through the command line: what is trained first, what is shared, what the record says."""

import json

import pytest

pytestmark = [pytest.mark.slow]

WORDS = [
    "detector=[spectral,npr]",
    "detector.spectral.size=64",
    "detector.npr.size=64",
    "detector.npr.train_size=32",
    "detector.npr.depths=[1,1]",
    "detector.npr.width=8",
    "recipe.steps=2",
    "recipe.batch_size=4",
    "recipe.steps_a_block=1",
    "logger=none",
]
FIRST, SECOND = "2026-01", "2026-02"


def checkpoints(world):
    """(detector, cutoff, strategy) -> record and bytes of the weights, of all that lie in the store."""
    found = {}
    for path in (world.folder / "runs" / "store" / "checkpoint").glob("*/record.json"):
        record = json.loads(path.read_text())
        key = (record["detector"], record["trained_up_to"], record["strategy"]["name"])
        assert key not in found, "trained twice"
        found[key] = record, (path.parent / "model.safetensors").read_bytes()
    return found


@pytest.fixture(scope="module")
def stored(world):
    assert world.run("train", *WORDS) == 0
    for name in ("warm_start", "last_window"):
        assert world.run("train", *WORDS, f"strategy={name}", f"cutoff={SECOND}") == 0
    assert world.run("train", *WORDS, "strategy=replay", "strategy.budget=6", f"cutoff={SECOND}") == 0
    return checkpoints(world)


def test_all_strategies_share_the_first_checkpoint(stored):
    for name in ("spectral", "npr"):
        firsts = {strategy for detector, cutoff, strategy in stored if (detector, cutoff) == (name, FIRST)}
        seconds = {strategy for detector, cutoff, strategy in stored if (detector, cutoff) == (name, SECOND)}
        assert firsts == {"cumulative"}
        assert seconds == {"cumulative", "warm_start", "replay", "last_window"}


def test_the_record_says_what_was_learned_from(stored):
    for (name, cutoff, strategy), (record, _) in stored.items():
        started = strategy != "cumulative"
        assert bool(record["start"]) == started
        whole = cutoff == FIRST or strategy in ("cumulative", "warm_start")
        assert record["windows"] == ([FIRST, SECOND] if whole and cutoff == SECOND else [cutoff])
        assert record["replayed"] == (6 if strategy == "replay" else 0)
        assert record["generators"] == (["tiny-1"] if cutoff == FIRST else ["tiny-1", "tiny-2"])
        assert record["cost"]["steps"] == (2 if name == "npr" else 0)
        assert record["cost"]["pictures"] == (8 if name == "npr" else record["pictures"]["train"])
        assert record["cost"]["seconds"] > 0
    last = stored["npr", SECOND, "last_window"][0]["pictures"]["train"]
    assert last < stored["npr", SECOND, "replay"][0]["pictures"]["train"] <= last + 6
    assert stored["npr", SECOND, "replay"][0]["strategy"] == {"name": "replay", "budget": 6, "fresh": False}


def test_weights_depend_on_start_and_rows(stored):
    found = {key: weights for key, (_, weights) in stored.items()}
    assert len({found["npr", SECOND, name] for name in ("cumulative", "warm_start", "replay", "last_window")}) == 4


def test_a_closed_form_forgets_where_it_started(stored):
    """It has one best fit for given rows: from everything seen, a warm start is no start."""
    found = {key: weights for key, (_, weights) in stored.items()}
    assert found["spectral", SECOND, "warm_start"] == found["spectral", SECOND, "cumulative"]
    assert found["spectral", SECOND, "last_window"] != found["spectral", SECOND, "cumulative"]


def test_again_trains_nothing(stored, world):
    before = world.stages("checkpoint")
    assert world.run("train", *WORDS, "strategy=warm_start") == 0
    assert world.stages("checkpoint") == before


def test_a_result_names_its_strategy_and_what_was_reported(stored, world, capfd):
    line = "{detector: npr, metric: mean accuracy in %, dataset: theirs, figure: 92.5, source: a paper}"
    words = [
        *WORDS,
        "strategy=last_window",
        "strategy.fresh=true",
        f"cutoff={SECOND}",
        "name=told",
        f"reported=[{line}]",
    ]
    assert world.run("evaluate", *words) == 0
    folder = world.folder / "runs" / "told" / "results"
    npr, spectral = (json.loads((folder / f"{name}.json").read_text()) for name in ("npr", "spectral"))
    assert npr["strategy"] == spectral["strategy"] == "last_window, fresh weights"
    assert [one["figure"] for one in npr["reported"]] == [92.5]
    assert spectral["reported"] == []
    said = capfd.readouterr().err
    assert "92.5" in said
    assert "a paper" in said


def test_a_reported_figure_without_a_source_is_refused_in_one_line(world, capfd):
    assert world.run("evaluate", *WORDS, "reported=[{detector: npr, metric: a, dataset: b, figure: 1}]") == 2
    err = capfd.readouterr().err
    assert err.startswith("redqueen: reported")
    assert err.count("\n") == 1


def test_a_budget_that_cannot_be_halved_is_told_before_any_work(world, capfd):
    assert world.run("train", *WORDS, "strategy=replay", "strategy.budget=7") == 2
    assert "strategy.budget=7" in capfd.readouterr().err
