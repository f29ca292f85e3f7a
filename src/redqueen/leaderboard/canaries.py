"""Pictures that tell on a submission: labels thrown by a coin, which nobody can know, and one picture under two ids."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import expit
from scipy.stats import binom, mannwhitneyu

from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.leaderboard.findings import Check
from redqueen.perturbations.suite import CLEAN

LEVEL = 0.001  # chance that a submission without a leak is rejected, all blocks together
TOLERANCE = 1e-3  # between scores of one picture


def check(scored: Sequence[Scored], benchmark: Benchmark) -> Iterator[Check]:
    """Both kinds; a benchmark without such pictures skips them."""
    yield _coins(scored, benchmark)
    yield _twins(scored, benchmark)


def _coins(scored: Sequence[Scored], benchmark: Benchmark) -> Check:
    """Verdicts and order on coin-flip labels, each against chance at `LEVEL` over all blocks and both tests.

    Whatever the scores, each verdict is right with a chance of one half, independently, so the count is binomial.
    """
    rows = np.flatnonzero(benchmark.column("canary").astype(bool))
    labels = benchmark.evaluation.labels[rows] == 1
    if not labels.any() or labels.all():
        return Check("forensics.canaries", "skipped", "this benchmark has no coin-flip labels")
    blocks = [(one, view) for one in scored for view in one.logits]
    least, told = 1.0, ""
    for one, view in blocks:
        scores = one.logits[view][rows]
        hits = int(((scores >= one.threshold) == labels).sum())
        area = mannwhitneyu(scores[labels], scores[~labels], alternative="greater")
        chance = min(float(binom.sf(hits - 1, len(rows), 0.5)), float(area.pvalue))
        if chance < least:
            share = area.statistic / (labels.sum() * (~labels).sum())
            least = chance
            told = f"cutoff {one.cutoff.name}, view {view}: {hits} of {len(rows)} right, AUROC {share:.3f}"
    adjusted = min(1.0, 2 * len(blocks) * least)
    message = f"coin-flip labels: {told or f'none of {len(blocks)} blocks better than chance'} (p = {adjusted:.1g})"
    if adjusted < LEVEL:
        return Check(
            "forensics.canaries", "rejected", message, "no picture tells these labels: where do they come from?"
        )
    return Check("forensics.canaries", "passed", message)


def _twins(scored: Sequence[Scored], benchmark: Benchmark) -> Check:
    """Clean, where chance plays no part: other views draw their noise by the id."""
    place = {name: at for at, name in enumerate(benchmark.ids)}
    pairs = [(at, place[one]) for at, one in enumerate(benchmark.column("twin")) if one in place]
    if not pairs:
        return Check("forensics.twins", "skipped", "this benchmark has no picture under two ids")
    one, other = np.asarray(pairs).T
    off = np.stack([np.abs(expit(judge.logits[CLEAN][one]) - expit(judge.logits[CLEAN][other])) for judge in scored])
    worst = float(off.max())
    if worst > TOLERANCE:
        count = int((off.max(axis=0) > TOLERANCE).sum())
        message = (
            f"{count} of {len(pairs)} pictures that are there twice have two scores, up to {worst:.4f} apart "
            f"(allowed {TOLERANCE:g})"
        )
        return Check(
            "forensics.twins", "rejected", message, "a score must depend on the picture alone: no id, no order"
        )
    return Check("forensics.twins", "passed", f"{len(pairs)} pictures that are there twice agree to {worst:.1g}")
