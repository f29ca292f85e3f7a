"""How fast is training here? Our loop, our reading of pictures and our cache, each against what one would do without.

usage: python scripts/bench_train.py [--pictures 480] [--side 256] [--steps 40] [--rounds 5] [--detector lite0_probe]
                                     [--json FILE] [--check] [PART …]

PART is loop, input or probe; without one all three are measured, on crops of photographs that lie in wheels:
  loop   redqueen.training.fit against a bare PyTorch loop: same NPR network, batches and order, same weights at the end
  input  pictures a second through our loader against torchvision's ImageFolder, same JPEGs, same transform, one process
  probe  a frozen-backbone probe trained first, and trained again on the features that it left in the cache
Both sides take turns, `rounds` times; a ratio is the median of those of neighbouring runs, with the smallest and the
largest beside it. CPU seconds tell a busy machine from slow code. Exit code 1 with --check where a target is missed.
"""

import argparse
import functools
import logging
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from bench_compare import Comparison, Timed, compared, show, timed
from bench_pictures import corpus_rows, write_folder
from redqueen.detectors.npr import MEAN, NPR, STD
from redqueen.environment import environment
from redqueen.errors import UserError
from redqueen.files import configs, write_json
from redqueen.training import balance
from redqueen.training.canvas import Canvas
from redqueen.training.data import Loading, Pictures, Share
from redqueen.training.fit import Machine, fit
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows

PARTS = ("loop", "input", "probe")
BATCH, PASSES = 32, 5


@dataclass(frozen=True)
class Options:
    """What is measured on: pictures, their side, optimiser steps, repetitions, the probe, and how networks are run."""

    pictures: int = 480
    side: int = 256
    steps: int = 40
    rounds: int = 5
    detector: str = "lite0_probe"
    accelerator: str = "cpu"
    precision: str = "32-true"
    workers: int = 0


# loop


class Clock(pl.Callback):
    """Notes when the first step begins and when training ends: setting Lightning up is no part of the loop."""

    def __init__(self) -> None:
        self.spent = Timed(0.0, 0.0)

    def on_train_start(self, *_: object) -> None:
        """Lightning's hook."""
        self.began = time.perf_counter(), time.process_time()

    def on_train_end(self, *_: object) -> None:
        """Lightning's hook."""
        synchronise()
        self.spent = Timed(time.perf_counter() - self.began[0], time.process_time() - self.began[1])


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def network(options: Options) -> NPR:
    torch.manual_seed(0)
    return NPR(size=options.side // 2, train_size=options.side // 2)


def our_loop(rows: Rows, recipe: Recipe, options: Options, folder: Path) -> tuple[Timed, dict[str, Tensor]]:
    clock, detector = Clock(), network(options)
    trainer = functools.partial(
        pl.Trainer,
        accelerator=options.accelerator,
        devices=1,
        precision=options.precision,
        logger=pl.loggers.CSVLogger(folder / "logs"),
        enable_model_summary=False,
        callbacks=[clock],
    )
    fit(detector, rows, recipe, 0, folder / "work", folder / "features", Machine(trainer, Loading(options.workers)))
    return clock.spent, {key: tensor.cpu() for key, tensor in detector.state_dict().items()}


def bare_loop(rows: Rows, recipe: Recipe, options: Options, folder: Path) -> tuple[Timed, dict[str, Tensor]]:
    """What one writes without a framework: the same loader, AdamW and schedule; no checkpoint, no log, no check."""
    detector = network(options).to(options.accelerator).train()
    loader = our_loader(rows, detector, recipe, options, canvas_of(rows, folder))
    optimizer = torch.optim.AdamW(detector.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    warm = max(recipe.steps // 20, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm, 1.0) * 0.5 * (1 + np.cos(np.pi * min(step / recipe.steps, 1.0))),
    )
    mixed = torch.autocast(options.accelerator, torch.bfloat16, enabled=options.precision == "bf16-mixed")

    def train() -> None:
        for block in range(recipe.steps // recipe.steps_a_block):
            loader.sampler.set_epoch(block)
            for pictures, labels, _ in loader:
                with mixed:
                    logits = detector(pictures.to(options.accelerator, non_blocking=True))
                    loss = binary_cross_entropy_with_logits(logits, labels.to(options.accelerator, non_blocking=True))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        synchronise()

    spent = timed(train)
    return spent, {key: tensor.cpu() for key, tensor in detector.state_dict().items()}


def loop(rows: Rows, options: Options, folder: Path) -> list[Comparison]:
    block = min(options.steps, Recipe.steps_a_block)
    if options.steps % block:
        raise UserError(f"--steps {options.steps}: give a multiple of {block}, the steps between two checkpoints")
    recipe = Recipe(steps=options.steps, batch_size=BATCH // 2, steps_a_block=block)
    runs = []
    for number in range(options.rounds):
        ours = our_loop(rows, recipe, options, folder / f"loop-{number}")
        theirs = bare_loop(rows, recipe, options, folder / f"loop-{number}")
        if options.accelerator == "cpu":  # elsewhere equal work does not end in equal weights
            torch.testing.assert_close(ours[1], theirs[1], rtol=1e-4, atol=1e-5)
        runs.append((ours[0], theirs[0]))
    return [compared("our loop / bare loop", "ms a step", runs, lambda t: 1000 * t / recipe.steps, "<= 1.03")]


# input


def canvas_of(rows: Rows, folder: Path) -> Canvas:
    """Decoded training pictures where `fit` has them; without room for them something else would be measured."""
    found = Canvas.opened(rows.corpus, rows.train, folder / "decoded", Loading.decoded)
    if found is None:
        raise UserError(f"no room for decoded pictures in {folder}: free some, or set TMPDIR")
    return found


def our_loader(
    rows: Rows, detector: NPR, recipe: Recipe, options: Options, canvas: Canvas | None
) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
    draws = balance.draws(rows.train_labels, rows.makers, recipe.balance, recipe.balance_by, seed=0)
    items = Pictures(rows.corpus, rows.train, rows.train_labels, detector, recipe.augment, canvas)
    share = Share(draws, recipe.batch_size, recipe.steps_a_block, parts=1, rank=0, world=1)
    return Loading(options.workers)(items, share, share.piece)


def their_loader(folder: Path, size: int, options: Options) -> DataLoader[tuple[Tensor, Tensor]]:
    """As in the examples of torchvision."""
    steps = [transforms.RandomCrop(size), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    pictures = ImageFolder(folder, transforms.Compose([*steps, transforms.Normalize(MEAN, STD)]))
    return DataLoader(pictures, batch_size=BATCH, shuffle=True, num_workers=options.workers, drop_last=True)


def through(loader: DataLoader[object], batches: int) -> None:
    found = sum(1 for _ in loader)
    if found != batches:
        raise RuntimeError(f"{found} batches, not {batches}: the two sides do not read as much")


def read_all(rows: Rows, options: Options, folder: Path) -> list[Comparison]:
    size, batches = options.side * 7 // 8, len(rows.train) // BATCH
    detector, recipe = NPR(train_size=size // 2 * 2), Recipe(batch_size=BATCH, steps_a_block=batches)
    write_folder(rows, folder / "folder")
    warm = canvas_of(rows, folder / "warm")
    runs: dict[str, list[tuple[Timed, Timed]]] = {"every pass but the first": [], "first pass": [], "not cached": []}

    def ours(canvas: Canvas | None) -> Timed:
        return timed(lambda: through(our_loader(rows, detector, recipe, options, canvas), batches), PASSES)

    def first(number: int) -> Timed:
        cold = folder / f"cold-{number}"
        return timed(lambda: through(our_loader(rows, detector, recipe, options, canvas_of(rows, cold)), batches))

    for number in range(-1, options.rounds):  # the first round warms up
        theirs = timed(lambda: through(their_loader(folder / "folder", detector.train_size, options), batches), PASSES)
        found = ours(warm), first(number), ours(None)
        if number >= 0:
            for key, one in zip(runs, found, strict=True):
                runs[key].append((one, theirs))
    targets = dict(zip(runs, (">= 2", "", ""), strict=True))
    return [
        compared(f"our input / ImageFolder, {key}", "pictures/s", pairs, lambda t: batches * BATCH / t, targets[key])
        for key, pairs in runs.items()
    ]


# probe


def probe(rows: Rows, options: Options, folder: Path) -> list[Comparison]:
    """One first training, since it is the long one; as many second ones as rounds, each on other rows."""
    node = OmegaConf.load(configs() / "detector" / f"{options.detector}.yaml")

    def train(number: int) -> None:
        part = slice(number % 2, None)  # other rows, as at another cutoff
        some = Rows(rows.corpus, rows.train[part], rows.val[part], rows.train_labels[part], rows.val_labels[part])
        fit(instantiate(node), some, Recipe(), number, folder / "probe", folder / "features")

    first = timed(lambda: train(0))
    runs = [(timed(functools.partial(train, number)), first) for number in range(1, options.rounds + 1)]
    pairs = [(theirs, ours) for ours, theirs in runs]  # the ratio says how many times the second is faster
    return [compared(f"first {options.detector} / second, cached", "s", pairs, lambda t: t, ">= 50")]


def measured(parts: list[str], options: Options) -> list[Comparison]:
    work = {"loop": loop, "input": read_all, "probe": probe}
    with tempfile.TemporaryDirectory() as folder:
        rows = corpus_rows(options.pictures, options.side, Path(folder))
        return [one for part in parts for one in work[part](rows, options, Path(folder, part))]


def parsed(arguments: list[str] | None, doc: str, **defaults: int) -> tuple[argparse.Namespace, Options]:
    """What the command line asks for; `defaults` are those of the other benchmark."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    for name in ("pictures", "side", "steps", "rounds", "workers"):
        parser.add_argument(f"--{name}", type=int, default=defaults.get(name, getattr(Options, name)))
    parser.add_argument("--detector", default=Options.detector)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    if wrong := [part for part in given.parts if part not in PARTS]:
        parser.error(f"unknown part '{wrong[0]}'; give some of {', '.join(PARTS)}")
    options = Options(given.pictures, given.side, given.steps, given.rounds, given.detector, workers=given.workers)
    return given, options


def quiet() -> None:
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)


def main(arguments: list[str] | None = None) -> int:
    given, options = parsed(arguments, __doc__)
    quiet()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    try:
        found = measured(given.parts or list(PARTS), options)
    except UserError as error:
        print(f"bench_train: {error}", file=sys.stderr)
        return 2
    print(f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, {options}")
    show(found)
    if given.json:
        rows = [{**asdict(one), "met": one.met} for one in found]
        write_json(given.json, {"options": asdict(options), "environment": environment(), "measured": rows})
    return int(given.check and not all(one.met for one in found))


if __name__ == "__main__":
    sys.exit(main())
