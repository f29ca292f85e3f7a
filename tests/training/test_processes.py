"""Training in processes of its own: two of them are one, and one that is killed goes on where it was.

Two are one in networks without batch normalisation and with a loss that is a mean over pictures; else it matters what a
device has at a time, and `sync_batchnorm` of `training.hardware` (on GPUs) brings the first of the two back.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import tiny_detectors

SCRIPT = Path(__file__).with_name("train_here.py")
NAMES = ["Convolutions", "Grid"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # programs start slowly on a busy machine


def words(corpus, folder, name, devices=1, strategy="auto"):
    folder.mkdir(exist_ok=True)
    return [sys.executable, str(SCRIPT), str(folder), str(corpus.folder), name, str(devices), strategy]


def train(corpus, folder, name, devices=1, strategy="auto"):
    command = words(corpus, folder, name, devices, strategy)
    made = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    return torch.load(folder / "weights.pt", weights_only=True)


@pytest.fixture(scope="module")
def alone(corpus, tmp_path_factory):
    return {name: train(corpus, tmp_path_factory.mktemp("alone") / name, name) for name in NAMES}


@pytest.mark.parametrize(("name", "strategy"), [("Convolutions", "ddp"), ("Grid", "ddp_spawn")])
def test_two_processes_are_one(name, strategy, alone, corpus, tmp_path):
    found = train(corpus, tmp_path / "two", name, 2, strategy)
    torch.manual_seed(0)
    start = getattr(tiny_detectors, name)().state_dict()
    assert found.keys() == alone[name].keys()
    for key, value in alone[name].items():
        torch.testing.assert_close(found[key], value, atol=1e-5, rtol=0)
        assert (value - start[key]).abs().max() > 1e-3, "it was trained"


def test_a_killed_process_goes_on_to_the_same_bits(alone, corpus, tmp_path):
    """Of one network: that every network does so where it is stopped from inside, `test_fit` says."""
    name, folder = NAMES[0], tmp_path / "killed"
    process = subprocess.Popen(words(corpus, folder, name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 200
    while not (folder / "work" / "last.ckpt").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()  # within the second block or a later one, unless the machine was quicker than that
    process.wait()
    assert (folder / "work" / "last.ckpt").exists()
    found = train(corpus, folder, name)
    assert all(torch.equal(found[key], value) for key, value in alone[name].items())
