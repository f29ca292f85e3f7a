"""Train the smoke detector and hold it against its baseline: what `.ci/run` does after the tests, in seconds on a CPU.

usage: python scripts/smoke_check.py [--output runs/smoke] [--degrade labels|features] [ARGUMENT …]

The detector is the linear head of `lite0_probe` on the cached features of benchmarks/smoke (scripts/make_smoke.py made
them): fitted in closed form, its threshold and temperature from validation pictures, by the code that trains every
probe. Its scores then go through `redqueen check run`, whose exit code this is; further arguments are handed on, such
as --baseline git:main. --degrade shows that a worse detector fails: with 40 % of the training labels drawn at random,
or with half of the features gone.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from redqueen import cli
from redqueen.detectors.base import FeatureDetector, Pixels
from redqueen.evaluation import scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.scores import Origin, Scores
from redqueen.metrics.calibration import temperature
from redqueen.metrics.functional import best_threshold
from redqueen.training.closed_form import fit_head

SMOKE = Path(__file__).resolve().parents[1] / "benchmarks" / "smoke"
Arrays = Mapping[str, NDArray[np.generic]]


class Cached(FeatureDetector):
    """A head on features that were computed elsewhere."""

    @property
    def identity(self) -> str:
        """There is one set of features."""
        return "smoke"

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """There are none."""
        raise NotImplementedError("the smoke set has no pictures")

    def features(self, batch: Tensor) -> Tensor:
        """As they are."""
        return batch


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/smoke"))
    parser.add_argument("--degrade", choices=("labels", "features"))
    given, more = parser.parse_known_args(arguments)
    path = given.output / "candidate.parquet"
    with np.load(SMOKE / "features.npz", allow_pickle=False) as file:
        data = degraded(dict(file), given.degrade)
    scores.write(path, candidate(data, Benchmark.open(SMOKE / "benchmark")))
    words = ["--policy", str(SMOKE / "policy.yaml"), "--candidate", str(path), "--output", str(given.output)]
    return cli.main(["check", "run", *words, *more])


def candidate(data: Arrays, benchmark: Benchmark) -> Scores:
    """Scores of a head that is fitted on the training features, under every view."""
    train, val = (
        (data[split].astype(np.float32), data[f"{split}_labels"].astype(np.int64)) for split in ("train", "val")
    )
    detector = Cached((train[0].shape[1],))
    fit_head(detector, train, val)
    held = logits(detector, val[0])
    threshold, heat = best_threshold(held, val[1]), temperature(held, val[1])
    (cutoff,) = benchmark.card.cutoffs
    views = benchmark.card.views
    found = {(cutoff, view): logits(detector, data[f"test_{view}"].astype(np.float32)) / heat for view in views}
    origin = Origin(benchmark.digest, benchmark.card.suite, "smoke", {cutoff: float(expit(threshold / heat))})
    return Scores(scores.table_of([cutoff], views, benchmark.ids, found), origin)


def logits(detector: Cached, features: NDArray[np.float32]) -> NDArray[np.float64]:
    with torch.inference_mode():
        return detector.score(torch.from_numpy(features)).numpy().astype(np.float64)


def degraded(data: Arrays, how: str | None) -> Arrays:
    """The same data, spoilt."""
    rng = np.random.default_rng(0)
    if how == "labels":
        labels = data["train_labels"].copy()
        spoilt = rng.random(len(labels)) < 0.4
        labels[spoilt] = rng.integers(2, size=int(spoilt.sum()))
        return {**data, "train_labels": labels}
    if how == "features":
        kept = rng.permutation(data["train"].shape[1])[: data["train"].shape[1] // 2]
        return {name: values[:, kept] if values.ndim == 2 else values for name, values in data.items()}
    return data


if __name__ == "__main__":
    sys.exit(main())
