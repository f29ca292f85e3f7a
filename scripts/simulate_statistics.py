"""Do the intervals hold what they promise? Simulation of samples whose truth is known, and the cost of a million.

usage: python scripts/simulate_statistics.py [--replications 4000] [--lives 200] [--draws 400] [--rows 1000000]
                                             [--json FILE] [--check] [PART …]

PART is coverage, half-life or million; without one all three run:
  coverage   how often the 95 % interval of AUROC, and of a paired difference of two, holds the truth: independent
             pictures, pictures in groups that share an effect, groups of unequal size by generators of unequal skill
  half-life  nine windows as in the protocol `field`, half-lives of 6 to 60 months and none: bias, coverage, and how
             often decay is said to be detectable
  million    seconds and memory of AUROC with its interval on a million predictions, 1,000 draws, in its own process
Exit code 1 with --check where a target is missed.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm

from redqueen.evaluation.decay import age
from redqueen.files import configs, write_json
from redqueen.metrics.comparison import auroc_difference
from redqueen.metrics.decay import half_life
from redqueen.metrics.functional import auroc, weighted_auroc
from redqueen.metrics.statistics import auroc_interval, group_weights
from redqueen.types import HalfLife

PARTS = ("coverage", "half-life", "million")
LIVES = (6.0, 12.0, 24.0, 60.0, None)  # months; None: no decay
SKILL, SHARED = 0.8, 0.7  # at the cutoff; correlation of two detectors' scores of one picture
Floats = np.ndarray


@dataclass(frozen=True)
class Line:
    """One line of the table: what was simulated, what came out, and what it should be."""

    part: str
    name: str
    figure: str
    value: float
    target: str
    met: bool


def between(part: str, name: str, figure: str, value: float, low: float, high: float) -> Line:
    return Line(part, name, figure, value, f"{low:g} to {high:g}", low <= value <= high)


# coverage


@dataclass(frozen=True)
class Design:
    """Groups of each label: their sizes, their generators, and the share of variance that a group has in common."""

    name: str
    sizes: tuple[int, ...]
    generators: tuple[float, ...] = (1.0,)  # how far each generator's scores lie above the human-made ones
    common: float = 0.0

    def rows(self) -> tuple[Floats, list[str], list[str], Floats]:
        """Label, group, stratum and shift of each row."""
        labels, groups, strata, shifts = [], [], [], []
        for label in (0, 1):
            for number, size in enumerate(self.sizes):
                which = number % len(self.generators)
                labels += [label] * size
                groups += [f"{label}-{number:04d}"] * size
                strata += [f"{label}/{which if label else 'web'}"] * size
                shifts += [label * self.generators[which]] * size
        return np.asarray(labels), groups, strata, np.asarray(shifts)

    def draw(self, rng: np.random.Generator, groups: list[str], shifts: Floats) -> Floats:
        """Scores of variance 1 about the shifts."""
        names, member = np.unique(groups, return_inverse=True)
        own, shared = rng.normal(size=len(groups)), rng.normal(size=len(names))[member]
        return shifts + np.sqrt(1 - self.common) * own + np.sqrt(self.common) * shared


DESIGNS = (
    Design("independent, 100 a class", (1,) * 100),
    Design("independent, 40 a class", (1,) * 40, (1.5,)),
    Design("60 groups of 4, half the variance shared", (4,) * 60, common=0.5),
    Design("80 groups of 1 to 8, four generators", tuple(1 + n % 8 for n in range(80)), (0.4, 0.8, 1.2, 1.6), 0.5),
    Design("120 groups, thirty generators of 4 each", (1,) * 120, tuple(np.linspace(0.2, 2.5, 30)), 0.0),
)


def coverage(given: argparse.Namespace) -> Iterator[Line]:
    for design in DESIGNS:
        labels, groups, strata, shifts = design.rows()
        made = shifts[labels == 1]
        truth = float(norm.cdf(made / np.sqrt(2)).mean())
        held = []
        for number in track(range(given.replications), design.name, transient=True):
            scores = design.draw(np.random.default_rng([number, 0]), groups, shifts)
            found = auroc_interval(scores, labels, groups, strata, given.draws, number)
            held.append(found.low <= truth <= found.high)
        yield between("coverage", f"AUROC, {design.name}", "share of intervals", float(np.mean(held)), 0.93, 0.97)
    yield difference(given, DESIGNS[2])


def difference(given: argparse.Namespace, design: Design) -> Line:
    """Two detectors that see the same pictures, one better than the other."""
    labels, groups, strata, shifts = design.rows()
    truth = float(norm.cdf(1.0 / np.sqrt(2)) - norm.cdf(0.7 / np.sqrt(2)))
    held = []
    for number in track(range(given.replications), "paired difference", transient=True):
        rng = np.random.default_rng([number, 1])
        seen = design.draw(rng, groups, 0 * shifts)
        a, b = (
            shifts * by + np.sqrt(SHARED) * seen + np.sqrt(1 - SHARED) * design.draw(rng, groups, 0 * shifts)
            for by in (1.0, 0.7)
        )
        found = auroc_difference(a, b, labels, groups, strata, given.draws, number).interval
        held.append(found.low <= truth <= found.high)
    name = f"paired difference, {design.name}"
    return between("coverage", name, "share of intervals", float(np.mean(held)), 0.93, 0.97)


# half-life


def half_lives(given: argparse.Namespace) -> Iterator[Line]:
    windows = instantiate(OmegaConf.load(configs() / "protocol" / "field.yaml")).windows
    places = [(c, t) for c in range(len(windows)) for t in range(c + 1, len(windows))]
    ages = np.asarray([age(windows[c], windows[t]) for c, t in places])
    for truth in LIVES:
        name = "no decay" if truth is None else f"half-life {truth:g} months"
        runs = range(given.lives)
        found = [
            one_life(truth, ages, places, len(windows), given.draws, number)
            for number in track(runs, name, transient=True)
        ]
        said = float(np.mean([one.detectable for one in found]))
        if truth is None:
            yield between("half-life", name, "decay said to be detectable", said, 0.0, 0.05)
            bounded = float(np.mean([one.low is not None for one in found]))
            yield between("half-life", name, "a bound is given", bounded, 0.9, 1.0)
            continue
        if truth <= 24:
            yield between("half-life", name, "decay said to be detectable", said, 0.8, 1.0)
        rates = np.asarray([0.0 if one.months is None else 1 / one.months for one in found])
        bias = float(1 / np.median(rates) / truth - 1) if np.median(rates) > 0 else float("nan")
        if said >= 0.8:  # where the data do not allow a figure, none is promised
            yield between("half-life", name, "bias of the median", bias, -0.1, 0.1)
        held = [(one.low is not None and one.low <= truth) and (one.high is None or truth <= one.high) for one in found]
        yield between("half-life", name, "share of intervals", float(np.mean(held)), 0.92, 0.98)


def one_life(
    truth: float | None, ages: Floats, places: list[tuple[int, int]], windows: int, draws: int, seed: int
) -> HalfLife:
    """A detector at each cutoff on the same pictures: 100 of each label a window, in groups of two."""
    rng, per_label = np.random.default_rng([seed, 2]), 100
    labels = np.tile(np.repeat([0, 1], per_label), windows)
    at = np.repeat(np.arange(windows), 2 * per_label)
    group = np.arange(len(labels)) // 2
    strata = [f"{label}/{'web' if label == 0 else window}" for label, window in zip(labels, at, strict=True)]
    index, weights = group_weights([f"{one:05d}" for one in group], strata, draws, seed)
    shared = np.sqrt(0.3) * rng.normal(size=group.max() + 1)[group] + np.sqrt(0.7) * rng.normal(size=len(labels))
    own = {c: rng.normal(size=len(labels)) for c in range(windows)}
    values, drawn = [], []
    for (cutoff, tested), months in zip(places, ages, strict=True):
        skill = SKILL * (1.0 if truth is None else np.exp2(-months / truth))
        rows = at == tested
        scores = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own[cutoff]
        scores = (scores + labels * np.sqrt(2) * norm.ppf((1 + skill) / 2))[rows]
        columns, compact = np.unique(index[rows], return_inverse=True)
        values.append(auroc(scores, labels[rows]))
        drawn.append(weighted_auroc(scores, labels[rows], weights[:, columns], compact))
    series = np.asarray([c for c, _ in places])
    return half_life("clean", ages, series, np.asarray(values), np.stack(drawn, axis=1), len(labels), len(weights[0]))


# a million


def million(given: argparse.Namespace) -> Iterator[Line]:
    words = [sys.executable, __file__, "--million", str(given.rows)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    name = f"{given.rows:,} predictions x 1,000 draws"
    yield between("million", name, "seconds", found["seconds"], 0, 60)
    yield between("million", name, "GB at most", found["gigabytes"], 0, 2)


def one_million(rows: int) -> int:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=rows)
    scores = rng.normal(size=rows) + labels
    groups = [f"{label}-{one}" for label, one in zip(labels, rng.integers(rows // 4, size=rows), strict=True)]
    strata = [f"{label}/{one}" for label, one in zip(labels, rng.integers(100, size=rows), strict=True)]
    began = time.perf_counter()
    auroc_interval(scores, labels, groups, strata, 1000)
    seconds = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": round(seconds, 1), "gigabytes": round(most, 2)}))
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--million", type=int, metavar="ROWS", help=argparse.SUPPRESS)
    for name, count in {"replications": 4000, "lives": 200, "draws": 400, "rows": 1_000_000}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    if given.million:
        return one_million(given.million)
    if wrong := [part for part in given.parts if part not in PARTS]:
        parser.error(f"unknown part '{wrong[0]}'; give some of {', '.join(PARTS)}")
    work: dict[str, Callable[[argparse.Namespace], Iterator[Line]]]
    work = {"coverage": coverage, "half-life": half_lives, "million": million}
    began = time.perf_counter()
    found = [line for part in given.parts or PARTS for line in work[part](given)]
    table = Table("part", "simulated", "figure", "value", "target", "", title=f"{time.perf_counter() - began:.0f} s")
    for line in found:
        table.add_row(
            line.part, line.name, line.figure, f"{line.value:.3f}", line.target, "met" if line.met else "MISSED"
        )
    Console().print(table)
    if given.json:
        options = {name: getattr(given, name) for name in ("replications", "lives", "draws", "rows")}
        write_json(given.json, {"options": options, "found": [asdict(line) for line in found]})
    return int(given.check and not all(line.met for line in found))


if __name__ == "__main__":
    sys.exit(main())
