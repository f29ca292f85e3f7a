"""Running a submission's weights again on a sample of the test pictures: are the scores theirs?

The sample is drawn after submission, by the root hash of the bundle and a word that the maintainer may add, so that
nobody knows before which scores will be looked at. The detector is built in a process of its own (`sandbox/`) and is
given pixels, already decoded and under their view, in an order that says nothing; twice, each time in another order and
in a new process, so that what remembers or rolls dice is seen.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import expit

from redqueen.corpus.store import Corpus
from redqueen.detectors.one_pass import BATCH
from redqueen.errors import DigestError, RejectedPictureError
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.scores import Scores
from redqueen.files import seed_from
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.sandbox.child import Built, of_checkpoint
from redqueen.leaderboard.sandbox.pixels import Pixels
from redqueen.leaderboard.sandbox.session import Ran, StoppedError, ran
from redqueen.perturbations.suite import Suite

MODEL = "model"  # of a bundle: a folder a cutoff
TOLERANCES: Mapping[str, float] = {"float32": 1e-3, "bfloat16": 2e-2, "float16": 2e-2}  # of a score, by precision
AGREEING = 0.99  # share of scores that must lie within it

Scored = NDArray[np.float64]


class Place(NamedTuple):
    """One score of a submission."""

    cutoff: str
    view: str
    image_id: str


@dataclass(frozen=True)
class Sample:
    """How many scores are looked at, drawn by what, and what the process may use for them.

    Args:
        seed: of the draw; `drawn_by` makes it.
        n: scores, at most; a small benchmark has fewer.
        precision: that the submission declares for its scores; it is run in it, and it decides the tolerance.
        bounds: of each of the two runs of each cutoff.
    """

    seed: int
    n: int = 256
    precision: str = "float32"
    bounds: Bounds = Bounds(memory=6144, processor=3600, seconds=1800, start=600)

    @property
    def tolerance(self) -> float:
        """How far a score may lie from the submitted one; an unknown precision has that of float32."""
        return TOLERANCES.get(self.precision, TOLERANCES["float32"])


def drawn_by(root: str, salt: str = "") -> int:
    """The seed of a bundle's sample: its root hash, and a word of the maintainer's that submitters do not know."""
    return seed_from("re-run", root, salt)


def check(  # noqa: PLR0913, PLR0917  (what a re-run brings together)
    folder: Path, benchmark: Benchmark, corpus: Corpus | None, suite: Suite, scores: Scores, sample: Sample
) -> list[Check]:
    """Run a bundle's weights again; "run.scores" is passed only where those of every cutoff give the scores.

    Raises:
        DigestError: the corpus or the suite is not the benchmark's.
    """
    there = sorted(path.name for path in (folder / MODEL).glob("*") if path.is_dir())
    if not there:
        return [Check("run.weights", "skipped", "no weights in the bundle: nothing was run again")]
    strange = sorted(set(there) - set(benchmark.card.cutoffs))
    if strange:
        return [Check("run.weights", "rejected", f"{MODEL}/{strange[0]:.60}: no cutoff of the benchmark")]
    if corpus is None:
        return [Check("run.corpus", "skipped", f"corpus {benchmark.card.name} is not here: nothing was run again")]
    for what, ours, theirs in (
        ("corpus", corpus.digest, benchmark.card.corpus_digest),
        ("suite", suite.label, benchmark.card.suite),
    ):
        if ours != theirs:
            raise DigestError(f"{what} {ours[:12]} is not the benchmark's, {theirs[:12]}")
    built = {cutoff: partial(of_checkpoint, folder / MODEL / cutoff, sample.precision) for cutoff in there}
    return Again(benchmark, corpus, suite, scores, sample).checks(built)


@dataclass(frozen=True)
class Again:
    """All that a re-run needs besides the detectors."""

    benchmark: Benchmark
    corpus: Corpus
    suite: Suite
    scores: Scores
    sample: Sample

    def checks(self, built: Mapping[str, Built]) -> list[Check]:
        """What came of running the detectors of some cutoffs twice."""
        places = draw(self.benchmark, list(built), self.sample.n, self.sample.seed)
        once: dict[Place, float] = {}
        twice: dict[Place, float] = {}
        isolation = ""
        for cutoff, one in built.items():
            own = [place for place in places if place.cutoff == cutoff]
            try:
                for order, found in enumerate((once, twice)):
                    result, shuffled = self._ran(one, own, order)
                    isolation = result.isolation
                    values = expit(np.asarray(result.logits) / result.temperature)
                    found.update(zip(shuffled, values.tolist(), strict=True))
            except StoppedError as stopped:
                check = stopped.check
                return [Check(check.id, check.outcome, f"the detector of cutoff {cutoff} {check.message}", check.fix)]
        network = Check("run.isolation", "noted", f"the detector was cut off from the network by {isolation}")
        unsteady = _unsteady(places, once, twice, self.sample.tolerance)
        if unsteady:
            return [network, unsteady]
        partly = [cutoff for cutoff in self.benchmark.card.cutoffs if cutoff not in built]
        return [network, self._compared(places, once, partly)]

    def _ran(self, built: Built, places: Sequence[Place], order: int) -> tuple[Ran, list[Place]]:
        """One run over the places in an order of its own."""
        turns = np.random.default_rng([self.sample.seed, order + 1]).permutation(len(places))
        shuffled = [places[turn] for turn in turns]
        return ran(built, self._batches(shuffled), self.sample.bounds), shuffled

    def _batches(self, places: Sequence[Place]) -> Iterator[list[Pixels]]:
        """Pictures under their views, a batch at a time."""
        rows = {str(one): row for row, one in enumerate(self.corpus.column("image_id"))}
        for start in range(0, len(places), BATCH):
            try:
                yield [
                    self.suite.apply(one.view, self.corpus.pixels(rows[one.image_id]), one.image_id)
                    for one in places[start : start + BATCH]
                ]
            except (RejectedPictureError, DigestError) as error:
                raise StoppedError("run.corpus", "skipped", f"was not run: a picture of the corpus: {error}") from None

    def _compared(self, places: Sequence[Place], found: Mapping[Place, float], partly: Sequence[str]) -> Check:
        """The scores of a run beside those that were submitted."""
        theirs = claimed(self.scores.table, places)
        ours = np.asarray([found[place] for place in places])
        thresholds = np.asarray([self.scores.origin.thresholds.get(place.cutoff, math.nan) for place in places])
        return agreement(places, theirs, ours, thresholds, self.sample.tolerance, partly)


def draw(benchmark: Benchmark, cutoffs: Sequence[str], n: int, seed: int) -> list[Place]:
    """At most n places, as many of each (cutoff, view, label) as there are of any other, as far as they reach."""
    rng = np.random.default_rng([seed, 0])
    ids, labels = np.asarray(benchmark.ids), np.asarray(benchmark.column("label"))
    queues = [
        [Place(cutoff, view, str(one)) for one in rng.permutation(ids[labels == label])]
        for cutoff in cutoffs
        for view in benchmark.card.views
        for label in (0, 1)
    ]
    order = rng.permutation(len(queues))
    turns = max(map(len, queues), default=0)
    found = [queues[at][turn] for turn in range(turns) for at in order if turn < len(queues[at])]
    return found[:n]


def claimed(table: pa.Table, places: Sequence[Place]) -> Scored:
    """The submitted scores at some places, (n,); NaN where there is none."""
    few = table.filter(pc.is_in(table.column("image_id"), pa.array(sorted({place.image_id for place in places}))))
    known = {Place(row["cutoff"], row["view"], row["image_id"]): row["score"] for row in few.to_pylist()}
    return np.asarray([math.nan if known.get(one) is None else known[one] for one in places], np.float64)


def agreement(  # noqa: PLR0913, PLR0917  (what is compared, and by what measure)
    places: Sequence[Place], theirs: Scored, ours: Scored, thresholds: Scored, tolerance: float, partly: Sequence[str]
) -> Check:
    """Whether scores are those that were submitted: nearly all within a tolerance, and no verdict another one.

    Args:
        places: (n,), for the message.
        theirs: (n,), submitted.
        ours: (n,), of the run.
        thresholds: (n,), on the score.
        tolerance: of a score; a verdict counts where neither score lies this near to its threshold.
        partly: cutoffs whose weights are not in the bundle.
    """
    apart = np.abs(theirs - ours)
    apart[np.isnan(apart)] = np.inf
    close = int((apart <= tolerance).sum())
    flipped = (theirs >= thresholds) != (ours >= thresholds)
    flipped &= (np.abs(theirs - thresholds) > tolerance) & (np.abs(ours - thresholds) > tolerance)
    worst = int(np.argmax(apart))
    where = f"cutoff {places[worst].cutoff}, view {places[worst].view}, picture {places[worst].image_id[:12]}"
    largest = f"the largest difference is {apart[worst]:.2g} ({where})"
    if close < AGREEING * len(places) or flipped.any():
        return Check(
            "run.scores",
            "rejected",
            f"{close} of {len(places)} scores came out within {tolerance:g} of those submitted, {AGREEING:.0%} must; "
            f"{int(flipped.sum())} verdicts are others, none may be; {largest}",
            "predict with the weights that you submit, in the precision that you declare",
        )
    said = (
        f"{close} of {len(places)} scores came out within {tolerance:g} of those submitted, no verdict is another one"
    )
    if partly:
        said = f"{said}; weights of {', '.join(partly)} are not in the bundle"
    return Check("run.scores", "noted" if partly else "passed", f"{said}; {largest}")


def _unsteady(
    places: Sequence[Place], once: Mapping[Place, float], twice: Mapping[Place, float], tolerance: float
) -> Check | None:
    """The check that fails where a score depends on chance, or on the pictures before it."""
    first, second = (np.asarray([found[place] for place in places]) for found in (once, twice))
    apart = np.where(np.isnan(first) & np.isnan(second), 0.0, np.abs(first - second))
    apart[np.isnan(apart)] = np.inf  # a number in one order, none in the other
    if (apart <= tolerance).all():
        return None
    return Check(
        "run.repeat",
        "rejected",
        f"{int((apart > tolerance).sum())} of {len(places)} scores changed by more than {tolerance:g}, up to "
        f"{apart.max():.2g}, when the same pictures came in another order",
        "a score may depend on its picture alone: switch dropout off, keep no state, average over no batch",
    )
