"""A sketch of a submission's ranks that can be published where its scores are not, so that copies are recognised.

512 test pictures, chosen by the sha256 of their ids, in the order of their ids: the rank of each among them in 256
steps, by the detector of the last cutoff, clean. A map that never falls changes nothing of it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.kinship import Kinship, kinship
from redqueen.perturbations.suite import CLEAN

SIZE, STEPS = 512, 256
SLUG = "forensics.fingerprint"
_TEXT = re.compile(r"fingerprint ([A-Za-z0-9+/]+=*)")


def chosen(benchmark: Benchmark) -> NDArray[np.intp]:
    """Places of the pictures of a fingerprint among the benchmark's, in order; those with coin-flip labels left out."""
    real = np.flatnonzero(~benchmark.column("canary").astype(bool))
    lots = np.asarray([hashlib.sha256(benchmark.ids[place].encode()).hexdigest() for place in real])
    return np.sort(real[np.argsort(lots)[:SIZE]])


def fingerprint(scored: Sequence[Scored], benchmark: Benchmark) -> str:
    """The fingerprint of a submission, base64."""
    ranks = rankdata(scored[-1].logits[CLEAN][chosen(benchmark)], "average") - 0.5
    return base64.b64encode((ranks * STEPS / len(ranks)).astype(np.uint8).tobytes()).decode()


def compared(scored: Sequence[Scored], published: str, benchmark: Benchmark) -> Kinship | None:
    """How alike a submission is to a published fingerprint; None where it is none, or says nothing."""
    places = chosen(benchmark)
    try:
        ranks = np.frombuffer(base64.b64decode(published, validate=True), np.uint8)
    except (binascii.Error, ValueError):
        return None
    if len(ranks) != len(places):
        return None
    own = scored[-1].logits[CLEAN][places]
    return kinship(1 / (1 + np.exp(-own)), ranks.astype(np.float64), benchmark.evaluation.labels[places])


def published(checks: Sequence[Check]) -> str | None:
    """The fingerprint among the checks of a published submission; None where there is none."""
    found = [_TEXT.fullmatch(check.message) for check in checks if check.id == SLUG]
    return next((match.group(1) for match in found if match), None)


def note(scored: Sequence[Scored], benchmark: Benchmark) -> Check:
    """The line in which a submission's fingerprint is published."""
    return Check(SLUG, "noted", f"fingerprint {fingerprint(scored, benchmark)}")
