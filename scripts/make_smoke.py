"""Make the smoke set that `scripts/smoke_check.py` trains and checks on: cached features of a corpus, and no picture.

usage: python scripts/make_smoke.py CORPUS OUTPUT [--cache FOLDER] [--cutoff WINDOW] [--width 32] [--view whatsapp]

CORPUS is a built corpus of experiment `field`. Its pictures are read by the frozen EfficientNet-Lite0 of `lite0_probe`
(features that lie in the cache are not computed again), and the features are turned onto the first principal
components of the training pictures, so that the set stays small. OUTPUT gets

  features.npz  features of training and validation pictures (clean) up to the cutoff with their labels, and of all
                test pictures, clean and under one view of the suite `platforms`, in the order of the benchmark's rows
  benchmark/    what is true of the test pictures, as `redqueen benchmark` writes it
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import OmegaConf

from redqueen.corpus.store import Corpus
from redqueen.detectors import inference
from redqueen.detectors.base import FeatureDetector
from redqueen.evaluation import benchmark
from redqueen.evaluation.benchmark import Benchmark, Definition
from redqueen.files import configs, writing
from redqueen.perturbations.suite import CLEAN, Suite

Floats = NDArray[np.float32]
DRAWS = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("runs/store/features"))
    parser.add_argument("--cutoff", default="2025-06..2025-10")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--view", default="whatsapp")
    given = parser.parse_args(arguments)
    corpus = Corpus.open(given.corpus)
    protocol, whole = (
        instantiate(OmegaConf.load(configs() / one)) for one in ("protocol/field.yaml", "suite/platforms.yaml")
    )
    suite = Suite(whole.name, whole.version, {view: whole.views[view] for view in (CLEAN, given.view)})
    cutoff = next(window for window in protocol.windows if window.name == given.cutoff)
    made = frozen(corpus, suite, protocol, cutoff.name, given.output / "benchmark")
    places = {one: at for at, one in enumerate(corpus.column("image_id"))}
    rows = {split: corpus.rows(split, protocol.seen(cutoff)) for split in ("train", "val")}
    rows["test"] = np.asarray([places[one] for one in made.ids])
    detector = instantiate(OmegaConf.load(configs() / "detector" / "lite0_probe.yaml"), _convert_="object")
    turned = principal(read(detector, corpus, rows["train"], suite, CLEAN, given.cache), given.width)
    found = {
        split: turned(read(detector, corpus, rows[split], suite, CLEAN, given.cache)) for split in ("train", "val")
    }
    for view in suite.views:
        found[f"test_{view}"] = turned(read(detector, corpus, rows["test"], suite, view, given.cache))
    labels = {f"{split}_labels": corpus.column("label")[rows[split]].astype(np.int8) for split in ("train", "val")}
    with writing(given.output / "features.npz") as part, part.open("wb") as file:
        np.savez_compressed(file, **{name: values.astype(np.float16) for name, values in found.items()}, **labels)
    print(f"{given.output}: {', '.join(f'{name} {len(values)}' for name, values in found.items())}, {made.digest}")
    return 0


def frozen(corpus: Corpus, suite: Suite, protocol, cutoff: str, folder: Path) -> Benchmark:
    """The benchmark of all test pictures under the suite's views, for the detector of one cutoff."""
    table = benchmark.answers(corpus, protocol.windows)
    experiment = OmegaConf.load(configs() / "experiment" / "field.yaml")
    card = Definition(
        name="smoke",
        version=1,
        corpus_digest=corpus.digest,
        windows_digest=corpus.windows_digest,
        protocol=protocol.label,
        suite=suite.label,
        views=tuple(suite.views),
        cutoffs=(cutoff,),
        windows=protocol.windows,
        last=protocol.last,
        nominal_dates=protocol.nominal,
        draws=DRAWS,
        seed=0,
        answers_digest=benchmark.answers_digest(table),
        biased=corpus.audit.biased,
        reason=corpus.audit.reason,
        limits=tuple(experiment.limits),
    )
    return benchmark.write(folder, card, table)


def read(
    detector: FeatureDetector, corpus: Corpus, rows: NDArray[np.int64], suite: Suite, view: str, cache: Path
) -> Floats:
    """Features of rows, (n, width)."""
    return inference.features(detector, corpus, rows, suite, view, cache).reshape(len(rows), -1)


def principal(train: Floats, width: int):
    """A function onto the first principal components of the standardised training features, each of variance 1."""
    mean, scale = train.mean(axis=0), train.std(axis=0) + 1e-6
    _, spread, axes = np.linalg.svd((train - mean) / scale, full_matrices=False)
    turn = (axes[:width] * (np.sqrt(len(train)) / spread[:width, None])).T
    return lambda values: ((values - mean) / scale) @ turn


if __name__ == "__main__":
    sys.exit(main())
