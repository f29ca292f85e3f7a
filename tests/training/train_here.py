"""Trains a small network, alone or with other processes, and writes its weights: run by test_processes.py."""

import os
import sys
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import stand_ins  # noqa: E402
import tiny_detectors  # noqa: E402
from redqueen.training.data import Loading  # noqa: E402
from redqueen.training.fit import Machine, fit  # noqa: E402
from redqueen.training.recipe import Recipe  # noqa: E402
from redqueen.training.rows import Rows  # noqa: E402


def main(folder: Path, corpus: Path, name: str, devices: int, strategy: str) -> None:
    opened = stand_ins.Corpus.open(corpus)
    rows = Rows.choose(opened, ("2026-01", "2026-02"), shuffled=True, seed=0)
    torch.manual_seed(0)
    detector = getattr(tiny_detectors, name)()
    recipe = Recipe(
        steps=10, batch_size=12, learning_rate=0.01, steps_a_block=4, balance="generator", patience=4, clip=1.0
    )
    settings = {"accelerator": "cpu", "devices": devices, "strategy": strategy, "logger": False}
    trainer = partial(pl.Trainer, enable_model_summary=False, **settings)
    fit(detector, rows, recipe, 0, folder / "work", folder / "cache", Machine(trainer, Loading(workers=0)))
    if os.environ.get("LOCAL_RANK", "0") == "0":
        torch.save(detector.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
