"""Several runs from one command: Hydra's multirun, jobs of their own through submitit, and a search with Optuna."""

import importlib
import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow]

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
WORDS = ["cutoff=2026-01", "detector.spectral.size=64", "logger=none"]


def seeds(world, folder):
    """Seeds of the checkpoints by detector."""
    records = [json.loads(path.read_text()) for path in (world.folder / folder / "checkpoint").glob("*/record.json")]
    return sorted((record["detector"], record["seed"]) for record in records)


def test_multirun_is_the_product_of_its_choices(world):
    assert world.run("train", "detector=[spectral],[constant]", "seed=0,1", *WORDS, "store=runs/a", "-m") == 0
    assert seeds(world, "runs/a") == [("constant", 0), ("constant", 1), ("spectral", 0), ("spectral", 1)]


def test_one_bad_choice_of_a_sweep_is_told(world, capfd):
    assert world.run("train", "cutoff=2026-01,2031-01", "detector=[constant]", "logger=none", "-m") == 2
    assert "unknown cutoff '2031-01'" in capfd.readouterr().err


def test_submitit_runs_each_choice_as_a_job_and_tells_which_failed(world, capfd):
    """The launcher for Slurm differs in the word `slurm` alone."""
    words = ["detector=[constant]", "logger=none", "store=runs/b", "name=jobs", "hydra/launcher=submitit_local"]
    assert world.run("train", *words, "hydra.launcher.timeout_min=5", "cutoff=2026-01,2031-01", "-m") == 2
    assert seeds(world, "runs/b") == [("constant", 0)]
    assert "unknown cutoff '2031-01'" in capfd.readouterr().err
    assert list((world.folder / "runs" / "jobs" / ".submitit").iterdir())


RANGES = [
    ("recipe.learning_rate=log(1e-4,1e-2)", "recipe.learning_rate=", 1e-4, 1e-2),
    ("recipe.weight_decay=float(0, 0.1)", "recipe.weight_decay=", 0.0, 0.1),
    ("recipe.steps=int(3,5)", "recipe.steps=", 3, 5),
    ("seed=choice(1,2)", "seed=", 1, 2),
]


@pytest.fixture
def optuna_script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("sweep_optuna")


@pytest.mark.parametrize(("word", "start", "low", "high"), RANGES)
def test_ranges_become_overrides(optuna_script, word, start, low, high):
    study = optuna_script.study_of(None, 0, [word])
    found = [optuna_script.drawn(study.ask(), word) for _ in range(10)]
    values = [float(one.removeprefix(start)) for one in found]
    assert all(low <= value <= high for value in values)
    assert len(set(values)) > 1


def test_other_words_stay_as_they_are(optuna_script):
    trial = optuna_script.study_of(None, 0, ["a"]).ask()
    for word in ("detector=[spectral]", "seed=3", "source.path=/a(b)"):
        assert optuna_script.drawn(trial, word) == word


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=pick(1,2)"], "unknown range of seed 'pick'"),
        (["seed=int(1)"], r"give two numbers, seed=int(LOW,HIGH)"),
        (["recipe.stepz=int(1,2)"], "no setting 'recipe.stepz'"),
    ],
)
def test_bad_words_are_told_in_one_line(optuna_script, words, message, capsys):
    assert optuna_script.main([*words, "--trials", "1"]) == 2
    assert message in capsys.readouterr().err


def test_optuna_searches_and_goes_on(optuna_script, world, monkeypatch, capsys):
    monkeypatch.chdir(world.folder)
    words = [word for word in world.words[2:] if word != "trainer=cpu"]
    words += [f"hydra.searchpath=[{world.folder / 'configs'}]", *WORDS, "detector=[spectral]", "store=runs/a"]
    for trials, rows in ((1, 1), (3, 3), (2, 3)):
        assert optuna_script.main([*words, "seed=choice(0,1)", "--trials", str(trials), "--study", "runs/s.db"]) == 0
        said = capsys.readouterr().out.splitlines()
        assert len(said) == rows + 1
        assert said[-1].startswith("best ")
    assert 0.5 < float(said[-1].split()[1].rstrip(":")) <= 1.0
