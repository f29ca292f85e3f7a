"""The project's own detector under its own check: no worse than what was accepted, and a spoilt one is caught."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from redqueen.evaluation.benchmark import Benchmark
from redqueen.regression.policy import read

ROOT = Path(__file__).resolve().parents[2]
SMOKE = ROOT / "benchmarks" / "smoke"


@pytest.fixture
def script(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("smoke_check")


def report(tmp_path):
    return json.loads((tmp_path / "runs/smoke/report.json").read_text())


def test_it_is_what_was_accepted_on_any_machine(script, tmp_path):
    assert script.main([]) == 0
    found = report(tmp_path)
    assert found["outcome"] == "pass"
    assert {one["verdict"] for one in found["findings"] if one["baseline"]} == {"identical"}


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            "labels",
            r"FAIL: false positive rate on kind=photo, period=whole rose \d+\.\d points \(90 % interval .*release",
        ),
        ("features", r"FAIL: AUROC on kind=drawing, period=whole fell \d+\.\d points \(90 % interval .*release"),
    ],
)
def test_a_detector_that_was_made_worse_fails(how, sentence, script, tmp_path, capsys):
    assert script.main(["--degrade", how]) == 1
    assert re.match(sentence, capsys.readouterr().out)
    verdicts = {one["gate"]: one["verdict"] for one in report(tmp_path)["findings"]}
    assert verdicts["auroc@whole"] == "fail"


def test_continuous_integration_runs_it_last_and_stops_at_a_failure():
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-2].endswith("scripts/test") and lines[-1] == ".venv/bin/python scripts/smoke_check.py"


def test_the_set_is_small_and_tells_nothing_of_files():
    assert sum(path.stat().st_size for path in SMOKE.rglob("*") if path.is_file()) < 1_000_000
    made = Benchmark.open(SMOKE / "benchmark")
    with np.load(SMOKE / "features.npz", allow_pickle=False) as file:
        shapes = {name: file[name].shape for name in file.files}
        assert all(np.isfinite(file[name]).all() for name in file.files)
    assert shapes["test_clean"] == shapes["test_whatsapp"] == (len(made.ids), 32)
    assert shapes["train"][0] == shapes["train_labels"][0] and shapes["val"][0] == shapes["val_labels"][0]
    assert all(re.fullmatch("g[0-9]+", one) for one in set(made.column("group_id")))
    assert len(read(SMOKE / "policy.yaml").gates) == 5
