"""`redqueen train` with the settings of training: what the record says, and what is refused in one line."""

import json

import pytest

WORDS = (
    "cutoff=2026-01",
    "detector=[npr]",
    "detector.npr.size=32",
    "detector.npr.train_size=32",
    "detector.npr.depths=[1,1]",
    "detector.npr.width=8",
    "recipe.batch_size=4",
    "recipe.steps=4",
    "recipe.steps_a_block=2",
)


def checkpoints(world):
    return [json.loads(path.read_text()) for path in (world.folder / "runs/store/checkpoint").glob("*/record.json")]


def test_records_threshold_temperature_and_what_they_were_fitted_on(world):
    assert world.run("train", *WORDS, "recipe.patience=1", "recipe.balance=generator", "augment=blur_jpeg") == 0
    (record,) = checkpoints(world)
    assert record["temperature"] > 0
    assert isinstance(record["threshold"], float)
    assert record["fitted_on"]["split"] == "val"
    assert record["fitted_on"]["pictures"] == record["pictures"]["val"]
    assert len(record["fitted_on"]["rows"]) == 64


def test_a_finished_checkpoint_keeps_the_trained_weights_alone(world):
    assert world.run("train", *WORDS, "recipe.patience=1", "recipe.balance=generator", "augment=blur_jpeg") == 0
    (folder,) = (path.parent for path in (world.folder / "runs/store/checkpoint").glob("*/record.json"))
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "detector.yaml",
        "record.json",
        "stage.json",
    }


def test_another_recipe_is_another_checkpoint_and_other_workers_are_not(world):
    plain = (*WORDS, "recipe.patience=1", "recipe.balance=generator")
    assert world.run("train", *plain, "augment=blur_jpeg") == 0
    before = len(checkpoints(world))
    assert world.run("train", *plain, "augment=blur_jpeg", "loading.workers=1") == 0
    assert len(checkpoints(world)) == before
    assert world.run("train", *plain, "augment=ai_genbench") == 0
    assert len(checkpoints(world)) == before + 1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("recipe.batch_size=3", "recipe.batch_size=3: must be even"),
        ("recipe.balance=topic", "recipe.balance=topic"),
        ("recipe.balance_by=luck", "recipe.balance_by=luck"),
        ("recipe.patience=0", "recipe.patience=0: must be at least 1"),
        ("augment=mixup", "unknown augment 'mixup'"),
        ("loading.workers=-1", "loading: workers=-1"),
        ("recipe.accumulate=3", "recipe.batch_size=4: 1 device(s) with 3 part(s) each"),
        ("recipe.learning_rate=1e30", "recipe.learning_rate"),
    ],
)
def test_bad_settings_are_one_line(word, said, world, capsys):
    assert world.run("train", *(one for one in WORDS if one.split("=")[0] != word.split("=")[0]), word) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("redqueen: ")
    assert said in error
