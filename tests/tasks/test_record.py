"""What a run says of itself, at the time of the run."""

import json

import pytest
from omegaconf import OmegaConf

from redqueen.environment import environment, hardware, system
from redqueen.leaderboard import schema
from redqueen.tasks import record as module
from redqueen.tasks.record import record

CFG = {"seed": 1, "trainer": {"_target_": "x"}, "recipe": {"steps": 2}, "predict_in": "float32"}


def written(folder, **changes):
    record(OmegaConf.create({**CFG, **changes}), folder)
    return [json.loads((folder / name).read_text()) for name in ("environment.json", "hardware.json")]


def at(monkeypatch, day):
    class Clock(module.datetime.datetime):
        @classmethod
        def now(cls, *_):
            return cls.fromisoformat(f"{day}T12:00:00+00:00")

    monkeypatch.setattr(module.datetime, "datetime", Clock)


def test_what_it_says_fits_a_submission(tmp_path):
    found, machine = written(tmp_path)
    assert found["python"] and found["decoders"]["libjpeg_turbo"] and found["decoders"]["zlib"]
    assert set(system()) == {"system", "glibc", "decoders", "lock"}
    assert set(found) == {*environment(), *system(), "date"}
    assert machine == {**hardware(), "precision": "32-true", "batch_size": 32}
    schema.parse(schema.Hardware, json.dumps({"schema_version": 1, **machine}).encode())


@pytest.mark.parametrize(("predicted", "said"), [("float32", "32-true"), ("bfloat16", "bf16-mixed")])
def test_precision_is_that_of_the_scores_and_the_batch_that_of_training(tmp_path, predicted, said):
    trainer = {"_target_": "x", "precision": "bf16-mixed"}
    _, machine = written(tmp_path, trainer=trainer, recipe={"batch_size": 8}, predict_in=predicted)
    assert (machine["precision"], machine["batch_size"]) == (said, 8)


def test_the_date_is_that_of_the_run(tmp_path, monkeypatch):
    """A run that goes on, or is called again, began when it began; with other settings it is another run."""
    at(monkeypatch, "2026-03-01")
    assert written(tmp_path)[0]["date"] == "2026-03-01"
    at(monkeypatch, "2026-03-09")
    assert written(tmp_path)[0]["date"] == "2026-03-01"
    assert written(tmp_path, seed=2)[0]["date"] == "2026-03-09"
    (tmp_path / "environment.json").write_text("{}")
    assert written(tmp_path, seed=2)[0]["date"] == "2026-03-09"


def test_what_is_not_trained_has_no_hardware(tmp_path):
    record(OmegaConf.create({"seed": 1}), tmp_path)
    assert not (tmp_path / "hardware.json").exists()
