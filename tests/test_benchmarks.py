"""The benchmarks run, measure what they say, and fail where a target is missed; how fast things are is not tested."""

import importlib
import json
from pathlib import Path

import pytest
import torch

from redqueen.types import Interval

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
TINY = ["--pictures", "48", "--side", "64", "--steps", "2", "--rounds", "1", "--detector", "metadata_probe"]


@pytest.fixture
def script(monkeypatch):
    """Opens a script by its name; the number of threads is as before at the end."""
    monkeypatch.syspath_prepend(SCRIPTS)
    threads = torch.get_num_threads()
    yield importlib.import_module
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_every_part_is_measured_and_written(script, tmp_path, capsys):
    assert script("bench_train").main([*TINY, "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["options"]["side"] == 64
    assert found["environment"]["torch"]
    names = [row["name"] for row in found["measured"]]
    assert len(names) == 5
    assert [sum(word in name for name in names) for word in ("bare loop", "ImageFolder", "cached")] == [1, 3, 2]
    for row in found["measured"]:
        assert 0 < row["low"] <= row["ratio"] <= row["high"]
        assert min(row["ours"], row["theirs"], row["cpu_ratio"]) > 0
    said = capsys.readouterr().out
    assert all(name in said for name in names)


def test_ratios_are_of_neighbouring_runs(script):
    compare = script("bench_compare")
    runs = [(compare.Timed(2.0, 1.0), compare.Timed(1.0, 1.0)), (compare.Timed(9.0, 3.0), compare.Timed(3.0, 1.0))]
    seconds = compare.compared("a", "s", [*runs, (compare.Timed(1.0, 2.0), compare.Timed(1.0, 1.0))], float, "<= 2")
    assert (seconds.ours, seconds.theirs) == (2.0, 1.0)
    assert (seconds.low, seconds.ratio, seconds.high, seconds.cpu_ratio) == (1.0, 2.0, 3.0, 2.0)
    rates = compare.compared("a", "1/s", runs, lambda seconds: 12 / seconds, ">= 2")
    assert (rates.ratio, rates.met, seconds.met) == (pytest.approx((1 / 2 + 1 / 3) / 2), False, True)


def test_a_missed_target_is_an_exit_code(script, monkeypatch, capsys):
    bench, compare = script("bench_train"), script("bench_compare")
    runs = [(compare.Timed(2.0, 2.0), compare.Timed(1.0, 1.0))]
    monkeypatch.setattr(bench, "measured", lambda parts, options: [compare.compared("x", "s", runs, float, "<= 1.03")])
    assert bench.main(["loop"]) == 0
    assert bench.main(["loop", "--check"]) == 1
    assert "MISSED" in capsys.readouterr().out


def test_an_unknown_part_is_told(script, capsys):
    with pytest.raises(SystemExit, match="2"):
        script("bench_train").main(["lop"])
    assert "unknown part 'lop'" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_without_cuda_the_gpu_benchmark_says_so_in_one_line(script, capsys):
    assert script("bench_gpu").main([]) == 2
    said = capsys.readouterr()
    assert said.err == "bench_gpu: there is no CUDA device here; bench_train.py measures the same on the CPU\n"
    assert said.out == ""


@pytest.mark.gpu
def test_memory_and_utilisation_on_cuda(script, tmp_path):
    assert script("bench_gpu").main([*TINY, "--workers", "0", "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["device"]
    assert all(row["memory_gib"] > 0 for row in found["measured"] if "loop" in row["name"])


@pytest.mark.slow
def test_the_one_pass_is_measured_on_the_same_scores(script, tmp_path, monkeypatch):
    bench, few = script("bench_predict"), ["--pictures", "8", "--side", "256", "--workers", "0"]
    views = bench.suite().views
    monkeypatch.setattr(
        bench, "suite", lambda: bench.Suite("few", 1, {name: views[name] for name in ("clean", "jpeg50")})
    )
    assert bench.main([*few, "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["difference"] <= 1e-5
    assert [row["target"] for row in found["measured"]] == ["<= 1.15", ">= 5"]
    assert all(row["ours"] > 0 and row["theirs"] > 0 for row in found["measured"])
    assert bench.main(["--corpus", str(tmp_path)]) == 2


@pytest.mark.slow
def test_the_simulation_tells_what_holds_from_what_does_not(script, tmp_path, monkeypatch):
    simulation = script("simulate_statistics")
    few = [
        "--replications",
        "20",
        "--lives",
        "2",
        "--draws",
        "50",
        "--rows",
        "5000",
        "--json",
        str(tmp_path / "f.json"),
    ]
    assert simulation.main(few) == 0
    found = json.loads((tmp_path / "f.json").read_text())["found"]
    assert {line["part"] for line in found} == set(simulation.PARTS)
    held = [line for line in found if line["part"] == "coverage"]
    assert len(held) == len(simulation.DESIGNS) + 1
    assert all(0.7 <= line["value"] <= 1 for line in held)
    monkeypatch.setattr(simulation, "auroc_interval", lambda *given: Interval(0.5, 0.49, 0.51, 1, 1))
    assert simulation.main([*few, "--check", "coverage"]) == 1
