"""Does the regression check err as rarely as it says? Simulation of detectors whose truth is known.

usage: python scripts/simulate_check.py [--replications 3000] [--draws 500] [--json FILE] [--check] [PART …]

PART is alarms, power or slide; without one all three run:
  alarms  how often a check of a detector that did not change fails, with a margin of next to nothing, which is the
          worst case: independent pictures, groups that share an effect, copies, 200 slices, several gates at once
  power   how often a detector fails that fell by what `redqueen check power` says can be detected
  slide   ten changes of -0.4 points, one after the other: each against the one before it, and against the release
The standard error of the simulation stands beside each share. Power is asked for at the very fall where it should be
0.8, so there two of them are allowed; false alarms have to lie within their target as they are.
Exit code 1 with --check where a target is missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm
from scipy.stats import t as student

from redqueen.files import write_json
from redqueen.metrics import ranking, weighted
from redqueen.metrics.functional import auroc, weighted_auroc
from redqueen.metrics.statistics import group_weights
from redqueen.regression.bounds import bounds, freedom, p_values, standard_error
from redqueen.regression.decide import adjusted, detectable, settled
from redqueen.regression.findings import Finding

PARTS = ("alarms", "power", "slide")
ALPHA, NOTHING = 0.05, 1e-9
COMMON = 0.7  # share of the variance of a picture's score that two versions of a detector have in common
SKILL = 1.0  # distance of the classes' means from the threshold
Floats = np.ndarray


@dataclass(frozen=True)
class Line:
    """One line of the table: what was simulated, what came out, and what it should be."""

    part: str
    name: str
    figure: str
    value: float
    error: float
    target: str
    met: bool


def between(part: str, name: str, figure: str, found: tuple[float, int], low: float, high: float) -> Line:
    """A share of so many runs against its target; of no run, a number as it is."""
    value, runs = found
    error = float(np.sqrt(value * (1 - value) / runs)) if runs else 0.0
    spare = 2 * error if part == "power" else 0.0
    met = low - spare <= value <= high
    return Line(part, name, figure, value, error, f"{low:g} to {high:g}", met)


def fails(part: str, name: str, share: float, given: argparse.Namespace, low: float, high: float) -> Line:
    """The share of checks that fail, of as many as were asked for."""
    return between(part, name, "checks that fail", (share, given.replications), low, high)


@dataclass(frozen=True)
class Design:
    """Pictures of each slice: groups of each label, pictures in each, and the variance that a group has in common."""

    name: str
    groups: int
    size: int = 1
    shared: float = 0.0
    slices: int = 1
    small: bool = False  # whether its tails are known to be light: never too many alarms, but perhaps too few

    def weights(self, draws: int) -> Floats:
        """How often each group is drawn: (slices, draws, 2 groups), from the project's own bootstrap."""
        names = [f"{s:03d}/{label}/{g:05d}" for s in range(self.slices) for label in (0, 1) for g in range(self.groups)]
        strata = [f"{name[4]}/{name[:3]}" for name in names]
        found = group_weights(names, strata, draws, seed=0)[1]
        return found.reshape(draws, self.slices, 2 * self.groups).transpose(1, 0, 2)

    def noise(self, rng: np.random.Generator, count: int) -> Floats:
        """Of variance 1: (count, 2 groups, size)."""
        own = rng.normal(size=(count, 2 * self.groups, self.size))
        return np.sqrt(1 - self.shared) * own + np.sqrt(self.shared) * rng.normal(size=(count, 2 * self.groups, 1))

    @property
    def known(self) -> float:
        """Degrees of freedom."""
        return freedom([self.groups, self.groups])

    def pair(self, rng: np.random.Generator, count: int, fall: float = 0.0) -> tuple[Floats, Floats]:
        """How far each picture lies on the right side for two versions, the second one worse by a fall in accuracy."""
        both = np.sqrt(COMMON) * self.noise(rng, count)
        lower = norm.ppf(norm.cdf(SKILL) - fall)
        rest = np.sqrt(1 - COMMON)
        return SKILL + both + rest * self.noise(rng, count), lower + both + rest * self.noise(rng, count)

    def broken(self, rng: np.random.Generator, count: int, fall: float) -> tuple[Floats, Floats]:
        """Two versions, the second of which loses so many of the pictures that it had right, and nothing else."""
        before, after = self.pair(rng, count)
        lost = rng.random(after.shape) < fall / norm.cdf(SKILL)
        return before, np.where(lost & (after >= 0), -1.0, after)


@dataclass(frozen=True)
class Changes:
    """Changes of a figure: (checks, slices) each; the share of verdicts that flipped."""

    change: Floats
    error: Floats
    flipped: Floats

    @classmethod
    def stacked(cls, slices: Sequence["Changes"]) -> "Changes":
        """Those of one slice each, (checks,), side by side."""
        names = ("change", "error", "flipped")
        return cls(*(np.stack([getattr(one, name) for one in slices], axis=1) for name in names))


Made = Callable[[np.random.Generator], tuple[Floats, Floats]]
Kind = Callable[[Floats], Floats]


def accuracy(side: Floats) -> Floats:
    """Balanced accuracy, picture by picture."""
    return (side >= 0).astype(np.float32)


def belief(side: Floats) -> Floats:
    """The Brier score, picture by picture, less is worse."""
    return -((1 / (1 + np.exp(2 * SKILL * side))) ** 2).astype(np.float32)


def changes(design: Design, draws: int, seed: int, made: Made, kinds: Sequence[Kind] = (accuracy,)) -> list[Changes]:
    """A mean over pictures is linear in their groups, so that one product gives all draws of all checks."""
    weights = design.weights(draws)
    found = [
        [_changes(design, weights[s], pair, kind) for kind in kinds]
        for s in track(range(design.slices), design.name, transient=True)
        for pair in [made(np.random.default_rng([seed, s]))]
    ]
    names = ("change", "error", "flipped")
    return [
        Changes(*(np.stack([getattr(one, name) for one in each], 1) for name in names))
        for each in zip(*found, strict=True)
    ]


def _changes(design: Design, weights: Floats, pair: tuple[Floats, Floats], kind: Kind) -> Changes:
    before, after = (kind(one) for one in pair)
    moved = after - before  # (checks, 2 groups, size)
    each = moved.sum(axis=2) / (2 * design.groups * design.size)
    drawn = each @ weights.T.astype(np.float32)
    error = standard_error(drawn, design.groups)
    return Changes(each.sum(axis=1), error, (moved != 0).mean(axis=(1, 2)))


def failed(found: Changes, known: float, margin: float) -> Floats:
    """Which changes fail, (checks, slices), each check decided as a whole."""
    p = p_values(found.change, found.error, known)
    low = found.change - student.isf(ALPHA, known) * found.error
    return np.stack(
        [
            settled(one, adjusted(many, np.full(len(many), ALPHA), ALPHA), margin, ALPHA) == "fail"
            for one, many in zip(low, p, strict=True)
        ]
    )


# alarms

LINEAR = (
    Design("independent pictures, 200 a label", 200),
    Design("independent pictures, 1,000 a label", 1000),
    Design("100 groups of 4 that share half the variance", 100, 4, 0.5),
    Design("100 groups of 4 copies", 100, 4, 1.0),
    Design("200 slices of 300 independent pictures a label", 300, slices=200),
    Design("200 slices of 150 groups of 4 that share half", 150, 4, 0.5, slices=200),
    Design("200 slices of 100 independent pictures a label", 100, slices=200, small=True),
    Design("200 slices of 50 groups of 4 that share half", 50, 4, 0.5, slices=200, small=True),
)
RANKED = (LINEAR[0], LINEAR[2])


def alarms(given: argparse.Namespace) -> Iterator[Line]:
    for number, design in enumerate(LINEAR):
        kinds = (accuracy, belief)
        found = changes(design, given.draws, number, lambda rng, of=design: of.pair(rng, given.replications), kinds)
        least = 0.0 if design.small else 0.04
        for name, each in zip(("balanced accuracy", "brier"), found, strict=True):
            share = float(failed(each, design.known, NOTHING).any(axis=1).mean())
            yield fails("alarms", f"{name}, {design.name}", share, given, least, 0.06)
    for design in RANKED:
        shares = ranked(design, given)
        yield fails("alarms", f"auroc, {design.name}", shares["auroc"], given, 0.04, 0.06)
        yield fails("alarms", f"tpr_at_fpr_0.01, {design.name}", shares["tpr_at_fpr_0.01"], given, 0.0, 0.06)
        name = f"all three and balanced accuracy, {design.name}"
        yield fails("alarms", name, shares["any"], given, 0.0, 0.06)


def ranked(design: Design, given: argparse.Namespace) -> dict[str, float]:
    """Share of checks that fail: by each figure alone, and by any of four that one check gates."""
    weights = design.weights(given.draws)[0]
    index = np.repeat(np.arange(2 * design.groups), design.size)
    labels = (index >= design.groups).astype(int)
    sign, sizes = np.where(labels == 1, 1.0, -1.0), (design.groups, design.groups)
    found: dict[str, list[bool]] = {}
    for number in track(range(given.replications), design.name, transient=True):
        right = [one[0].ravel() for one in design.pair(np.random.default_rng([number, 9]), 1)]
        before, after = (figures(sign * one, labels, weights, index) for one in right)
        each = {
            name: bounds(after[name][0] - before[name][0], after[name][1] - before[name][1], sizes, ALPHA)
            for name in before
        }
        p = np.asarray([one.p for one in each.values()])
        low = [one.low for one in each.values()]
        together = settled(low, adjusted(p, np.full(len(p), ALPHA), ALPHA), NOTHING, ALPHA)
        found.setdefault("any", []).append(bool((together == "fail").any()))
        for name, verdict in zip(each, settled(low, p, NOTHING, ALPHA), strict=True):
            found.setdefault(name, []).append(bool(verdict == "fail"))
    return {name: float(np.mean(each)) for name, each in found.items()}


def figures(scores: Floats, labels: Floats, weights: Floats, index: Floats) -> dict[str, tuple[float, Floats]]:
    """Figures and their draws, higher is better."""
    hit = np.where(labels == 1, scores >= 0, scores < 0)
    halves = [weighted.mean_of(hit[labels == one], weights, index[labels == one]) for one in (0, 1)]
    missed = (1 / (1 + np.exp(-SKILL * 2 * scores)) - labels) ** 2
    rate = weighted.along_curve(scores, labels, weights, index, [weighted.tpr_at_fpr(0.01)])[0]
    return {
        "auroc": (auroc(scores, labels) or 0.0, weighted_auroc(scores, labels, weights, index)),
        "brier": (-float(missed.mean()), -weighted.mean_of(missed, weights, index)),
        "tpr_at_fpr_0.01": (ranking.tpr_at_fpr(scores, labels, 0.01) or 0.0, rate),
        "balanced_accuracy": (float(np.mean([hit[labels == one].mean() for one in (0, 1)])), np.mean(halves, axis=0)),
    }


# power


def power(given: argparse.Namespace) -> Iterator[Line]:
    """Two honest versions say how much varies, as in `check power`; then a detector falls, in two ways."""
    designs = (*LINEAR[:3], Design("one of 200 slices of 100 independent pictures a label", 100))
    for number, design in enumerate(designs):
        many = 200 if "slices" in design.name else 1
        (honest,) = changes(design, given.draws, 100 + number, lambda rng, of=design: of.pair(rng, 200))
        error, flipped = float(np.median(honest.error)), float(np.median(honest.flipped))
        for margin in (0.005, 0.03):
            fall = detectable(error, gate(margin), many, 0.8, flipped)
            name = f"{design.name}, margin {100 * margin:g}, fall {100 * fall:.1f} points"
            for way, made in {
                "all get harder": lambda rng, of=design, by=fall: of.pair(rng, given.replications, by),
                "some break": lambda rng, of=design, by=fall: of.broken(rng, given.replications, by),
            }.items():
                (found,) = changes(design, given.draws, 200 + number, made)
                p = p_values(found.change, found.error, design.known) * many
                low = found.change - student.isf(ALPHA, design.known) * found.error
                share = float((settled(low, p, margin, ALPHA) == "fail").mean())
                yield fails("power", f"{name}, {way}", share, given, 0.8, 1.0)


def gate(margin: float) -> Finding:
    """A gate as far as power needs one."""
    return Finding(
        gate="balanced_accuracy",
        metric="balanced_accuracy",
        title="balanced accuracy",
        higher=True,
        period="next",
        view="clean",
        by="all",
        name="all",
        baseline="release",
        margin=margin,
        alpha=ALPHA,
        verdict="inconclusive",
    )


# slide


def slide(given: argparse.Namespace) -> Iterator[Line]:
    """Each step breaks 1.4 % of the verdicts and mends 1.0 %; the margin is 1 point, of 16,000 pictures."""
    groups, steps, margin, runs = 8000, 10, 0.01, max(20, given.replications // 20)
    design = Design("slide", groups)
    weights = design.weights(given.draws)[0].astype(np.float32)
    passed, tripped = [], []
    for number in track(range(runs), "slide", transient=True):
        rng = np.random.default_rng([number, 5])
        versions = [rng.random(2 * groups) < norm.cdf(SKILL)]
        for _ in range(steps):
            right = versions[-1]
            flips = rng.random(2 * groups) < np.where(right, 0.014 / right.mean(), 0.010 / (~right).mean())
            versions.append(right ^ flips)
        verdicts = [
            step(weights, versions[0], old, new, margin) for old, new in zip(versions, versions[1:], strict=False)
        ]
        passed.append(np.mean([merge == "pass" for _, merge in verdicts]))
        failures = [at + 1 for at, (release, _) in enumerate(verdicts) if release == "fail"]
        tripped.append(failures[0] if failures else np.inf)
    name = "ten changes of -0.4 points, margin 1"
    yield between("slide", name, "steps that pass against the one before", (float(np.mean(passed)), runs), 0.98, 1.0)
    yield between("slide", name, "slides that the release trips", (float(np.isfinite(tripped).mean()), runs), 0.99, 1.0)
    yield between("slide", name, "steps until it trips, at most", (float(np.max(tripped)), 0), 1, steps)


def step(weights: Floats, release: Floats, before: Floats, after: Floats, margin: float) -> Floats:
    """The verdicts against the release and against the version before, of one check."""
    moved = np.stack([after.astype(np.float32) - one for one in (release, before)])
    draws = moved @ weights.T / moved.shape[1]
    groups = moved.shape[1] // 2
    change, error = moved.mean(axis=1), standard_error(draws, groups)
    known = freedom([groups, groups])
    p = adjusted(p_values(change, error, known), [ALPHA, ALPHA], ALPHA)
    return settled(change - student.isf(ALPHA, known) * error, p, margin, ALPHA)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    for name, count in {"replications": 3000, "draws": 500}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    if wrong := [part for part in given.parts if part not in PARTS]:
        parser.error(f"unknown part '{wrong[0]}'; give some of {', '.join(PARTS)}")
    work: dict[str, Callable[[argparse.Namespace], Iterator[Line]]]
    work = {"alarms": alarms, "power": power, "slide": slide}
    began = time.perf_counter()
    found = [line for part in given.parts or PARTS for line in work[part](given)]
    table = Table(
        "part", "simulated", "figure", "value", "±", "target", "", title=f"{time.perf_counter() - began:.0f} s"
    )
    for line in found:
        cells = [line.part, line.name, line.figure, f"{line.value:.3f}", f"{line.error:.3f}", line.target]
        table.add_row(*cells, "met" if line.met else "MISSED")
    Console().print(table)
    if given.json:
        options = {name: getattr(given, name) for name in ("replications", "draws")}
        write_json(given.json, {"options": options, "found": [asdict(line) for line in found]})
    return int(given.check and not all(line.met for line in found))


if __name__ == "__main__":
    sys.exit(main())
