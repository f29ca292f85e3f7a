"""How fast is one pass over many detectors and views? Against the work that nobody can avoid, and the usual way.

usage: python scripts/bench_predict.py [--corpus FOLDER] [--pictures 1000] [--side 256] [--heavy] [--workers 2]
                                       [--json FILE] [--check]

Nine views (WebP and AVIF among them) and six detectors: light ones (spectral, DCT, metadata and three heads on one
frozen backbone) or, with --heavy, six networks. Pictures are the first of a corpus folder, or crops of photographs that
lie in wheels. All go through
  one pass     redqueen.detectors.inference.fill, from an empty cache
  unavoidable  each picture decoded once, each view made once, each distinct preparation and forward pass done once, by
               as many threads, and nothing else: nothing is kept, looked up or written
  usual        for each detector and view anew: open, perturb and prepare by PyTorch's DataLoader in `workers`
               processes, a forward pass for each batch of 32, in PyTorch's own memory layout (the one pass and the
               unavoidable work have channels last, which is part of what it gains)
Each side is timed once, since it takes minutes: there is no spread in the table. Scores of all sides must agree to
1e-5. Exit code 1 with --check where a target is missed.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bench_compare import Comparison, compared, show, timed
from bench_pictures import corpus_rows
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.normalise import Keep
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.store import Corpus
from redqueen.detectors import one_pass
from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.detectors.inference import Judge, Pictures, fill, in_order, logits
from redqueen.environment import environment
from redqueen.errors import UserError
from redqueen.files import configs, digest_of, write_json
from redqueen.perturbations.codecs import avif, double_jpeg, webp
from redqueen.perturbations.functional import jpeg
from redqueen.perturbations.geometry import resample
from redqueen.perturbations.signal import blur
from redqueen.perturbations.suite import Suite

Scores = dict[tuple[str, str], np.ndarray]  # (detector, view) -> logits
BLOCK, USUAL_BATCH, TOLERANCE = 250, 32, 1e-5
HEAVY = ("npr", "cnndetection", "ssp", "freqnet", "lite0_finetune", "safe")
SMALL = {  # settings of the heavy ones, as in experiment=field
    "npr": {"size": 128, "train_size": 128},
    "cnndetection": {"size": 128, "depths": [1, 1, 1, 1], "width": 32},
    "ssp": {"size": 128, "depths": [2, 2, 2, 2], "width": 32},
    "freqnet": {"size": 128, "train_size": 128},
    "lite0_finetune": {"crop": 128},
    "safe": {"size": 128},
}


def view(operation: Callable[..., np.ndarray], **settings: float) -> list[Callable[..., np.ndarray]]:
    return [lambda pixels, rng: operation(pixels, rng, **settings)]


def suite() -> Suite:
    views = {
        "clean": [],
        "jpeg50": view(jpeg, quality=50),
        "jpeg75": view(jpeg, quality=75),
        "double": view(double_jpeg, first=70, second=85),
        "webp50": view(webp, quality=50),
        "webp75": view(webp, quality=75),
        "avif50": view(avif, quality=50),
        "half": view(resample, factor=0.5),
        "blur": view(blur, sigma=1.0),
    }
    return Suite("bench", 1, views)


def built(name: str, seed: int) -> Detector:
    torch.manual_seed(seed)
    node = OmegaConf.load(configs() / "detector" / f"{name}.yaml")
    detector: Detector = instantiate(OmegaConf.merge(node, SMALL.get(name, {})), _convert_="object")
    for layer in detector.modules():
        if isinstance(layer, torch.nn.Linear) and not layer.weight.any():
            torch.nn.init.normal_(layer.weight, std=0.02)
    return detector.eval()


def chosen(heavy: bool) -> dict[str, Judge]:
    """Six detectors with fresh weights: how fast they are does not depend on what they have learnt."""
    names = {name: name for name in HEAVY}
    if not heavy:
        heads = {f"lite0_probe, head {number}": "lite0_probe" for number in (1, 2, 3)}
        names = {"spectral": "spectral", "dct": "dct", **heads, "metadata_probe": "metadata_probe"}
    return {key: Judge(built(name, seed), key, name) for seed, (key, name) in enumerate(names.items())}


# the three sides, each on one block of pictures


def one_pass_scores(judges: dict[str, Judge], pictures: Pictures, found: Scores) -> None:
    fill(list(judges.values()), pictures)
    found |= scored(judges, pictures)


def scored(judges: dict[str, Judge], pictures: Pictures) -> Scores:
    views = pictures.suite.views
    return {(key, name): logits(judge, pictures, name) for key, judge in judges.items() for name in views}


@contextmanager
def crew():
    """As many threads as the one pass has, each with one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield pool
    torch.set_num_threads(threads)


def unavoidable(judges: dict[str, Judge], pictures: Pictures) -> None:
    """The phases one after the other, for a block of pictures at a time: decode; make views; prepare and score."""
    distinct = {
        judge.detector.identity if isinstance(judge.detector, FeatureDetector) else key: judge.detector
        for key, judge in judges.items()
    }
    with crew() as pool:
        for start in range(0, len(pictures.rows), BLOCK):
            a_block(pool, list(distinct.values()), pictures, pictures.rows[start : start + BLOCK])


def a_block(pool: ThreadPoolExecutor, detectors: Sequence[Detector], pictures: Pictures, rows: np.ndarray) -> None:
    corpus, views = pictures.corpus, pictures.suite
    ids = corpus.column("image_id")[rows].astype(str)
    given = list(pool.map(corpus.pixels, rows.tolist()))
    by_view = [list(pool.map(partial(views.apply, name), given, ids)) for name in views.views]
    for detector in detectors:
        seen = [one for view in by_view for one in view]
        if detector.reads == "metadata":
            seen = list(pool.map(lambda row, one=detector: one_pass.what_it_reads(one, corpus, row), rows.tolist()))
        batches = [seen[start : start + one_pass.BATCH] for start in range(0, len(seen), one_pass.BATCH)]
        list(pool.map(partial(forward, detector), batches))


def forward(detector: Detector, seen: Sequence[np.ndarray]) -> Tensor:
    with torch.inference_mode():
        batch = one_pass.laid_out([detector.prepare(one) for one in seen])
        return detector.features(batch) if isinstance(detector, FeatureDetector) else detector(batch)


class Opened(Dataset):
    """Pictures as the usual way reads them: one detector, one view."""

    def __init__(self, detector: Detector, pictures: Pictures, name: str) -> None:
        self.detector, self.pictures, self.name = detector, pictures, name

    def __len__(self) -> int:
        """How many there are."""
        return len(self.pictures.rows)

    def __getitem__(self, place: int) -> Tensor:
        """One, prepared."""
        corpus, row = self.pictures.corpus, int(self.pictures.rows[place])
        given = one_pass.what_it_reads(self.detector, corpus, row)
        if self.detector.reads == "pixels":
            given = self.pictures.suite.apply(self.name, given, str(corpus.column("image_id")[row]))
        return self.detector.prepare(given)


def usual(judges: dict[str, Judge], pictures: Pictures, found: Scores, workers: int) -> None:
    for key, judge in judges.items():
        for name in pictures.suite.views:
            loader = DataLoader(Opened(judge.detector, pictures, name), USUAL_BATCH, num_workers=workers)
            with torch.inference_mode():
                scores = torch.cat([judge.detector(batch) for batch in loader])
            found[key, name] = scores.numpy()


# measuring


class First:
    """The first pictures of a corpus, as a source."""

    name = "bench"

    def __init__(self, corpus: Corpus, count: int) -> None:
        self.corpus, self.count = corpus, count

    def fingerprint(self) -> str:
        """What the pictures depend on."""
        return digest_of([self.corpus.digest, self.count])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield them under numbers: what they show is of no matter here."""
        for row in range(min(self.count, self.corpus.known.num_rows)):
            yield SourcePicture(
                name=str(row),
                read=partial(self.corpus.encoded, row),
                kind="photo",
                group_id=str(row),
                source="bench",
                licence="unknown",
            )


@dataclass(frozen=True)
class Measured:
    """What was compared, and how far the scores of the usual way lie from those of the one pass."""

    comparisons: list[Comparison]
    difference: float


def measured(corpus: Corpus, heavy: bool, workers: int, cache: Path) -> Measured:
    judges = chosen(heavy)
    pictures = Pictures(corpus, in_order(corpus, np.arange(corpus.known.num_rows)), suite(), cache)
    ours: Scores = {}
    theirs: Scores = {}
    one = timed(lambda: one_pass_scores(judges, pictures, ours))
    bare = timed(lambda: unavoidable(judges, pictures))
    kind, target = ("heavy", "") if heavy else ("light", ">= 5")
    comparisons = [
        compared(f"one pass / unavoidable work, {kind}", "s", [(one, bare)], float, "<= 1.15"),
        compared(
            f"usual way / one pass, {kind}",
            "s",
            [(timed(lambda: usual(judges, pictures, theirs, workers)), one)],
            float,
            target,
        ),
    ]
    return Measured(comparisons, max(float(np.abs(ours[key] - theirs[key]).max()) for key in ours))


def opened(given: argparse.Namespace, folder: Path) -> Corpus:
    """A corpus of as many pictures as are wanted, all in one split."""
    if given.corpus is None:
        return corpus_rows(given.pictures, given.side, folder).corpus
    treat(First(Corpus.open(given.corpus), given.pictures), Keep(), folder / "treated")
    return finish(folder / "treated", folder / "corpus", Plan("bench", {"train": 1.0, "val": 0.0, "test": 0.0}, ()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--heavy", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            corpus = opened(given, Path(folder))
        except UserError as error:
            print(f"bench_predict: {error}", file=sys.stderr)
            return 2
        found = measured(corpus, given.heavy, given.workers, Path(folder, "cache"))
    agree = found.difference <= TOLERANCE
    count, machine = corpus.known.num_rows, f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, {count} pictures, 6 detectors, 9 views")
    show(found.comparisons)
    print(f"largest difference of a score: {found.difference:.1e} {'met' if agree else 'MISSED'} (<= {TOLERANCE})")
    if given.json:
        rows_ = [{**asdict(one), "met": one.met} for one in found.comparisons]
        options = {"pictures": count, "corpus": corpus.digest, "heavy": given.heavy}
        told = {"options": options, "environment": environment(), "measured": rows_, "difference": found.difference}
        write_json(given.json, told)
    return int(given.check and not (agree and all(one.met for one in found.comparisons)))


if __name__ == "__main__":
    sys.exit(main())
