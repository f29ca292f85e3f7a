"""What a detector says of rows of a corpus under one view: computed once, kept in parts, and the same in any order.

Rows are computed in the order of their ids, so that neither the order of the corpus nor that of the question matters.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from redqueen.corpus.audit import metadata_features
from redqueen.corpus.store import Corpus
from redqueen.detectors import one_pass, several
from redqueen.detectors.base import Detector, FeatureDetector, JointDetector
from redqueen.detectors.one_pass import Array, Column, Rows
from redqueen.files import digest_of
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.types import Precision

_VERSION = 4  # of the numbers that are kept: raised whenever the same detector would give others


@dataclass(frozen=True)
class Judge:
    """A detector and the names of what it computes.

    Attributes:
        detector: with its weights.
        identity: names the weights; features go by the detector's own identity instead.
        preparation: names what `prepare` does; judges of one preparation share its work. None: the identity.
    """

    detector: Detector
    identity: str
    preparation: str | None = None


@dataclass(frozen=True)
class Pictures:
    """Rows of a corpus under the views of a suite, where what is computed of them is kept, and in what precision."""

    corpus: Corpus
    rows: Rows
    suite: Suite
    cache: Path
    precision: Precision = "float32"

    @classmethod
    def of_split(
        cls, corpus: Corpus, split: str, suite: Suite, cache: Path, precision: Precision = "float32"
    ) -> "Pictures":
        """All rows of a split, in the order of their ids."""
        return cls(corpus, in_order(corpus, np.flatnonzero(corpus.column("split") == split)), suite, cache, precision)

    @cached_property
    def splits(self) -> Mapping[str, "Pictures"]:
        """All rows of every split that any of these lies in."""
        names = sorted(set(self.corpus.column("split")[self.rows]))
        return {name: Pictures.of_split(self.corpus, name, self.suite, self.cache, self.precision) for name in names}

    @cached_property
    def digest(self) -> str:
        """Of the pixels."""
        return rows_digest(self.corpus, self.rows)

    @cached_property
    def metadata_digest(self) -> str:
        """Of what a metadata-only detector reads, which the corpus's digest does not cover."""
        values = metadata_features(self.corpus.metadata.take(pa.array(self.rows)))
        return digest_of([self.digest, hashlib.sha256(values.tobytes()).hexdigest()])


def in_order(corpus: Corpus, rows: Sequence[int] | Rows) -> Rows:
    """The rows in the order of their ids."""
    chosen = np.asarray(rows, np.int64)
    return chosen[np.argsort(corpus.column("image_id")[chosen].astype(str), kind="stable")]


def rows_digest(corpus: Corpus, rows: Sequence[int] | Rows) -> str:
    """Digest of a list of rows of one corpus, by their ids."""
    ids = corpus.column("image_id")
    return digest_of([corpus.digest, [ids[row] for row in rows]])


def fill(judges: Sequence[Judge], pictures: Pictures, processes: int | None = 1) -> None:
    """Compute what is missing of every judge under every view, all in one pass; `logits` reads it from the cache.

    `processes` share the pictures out; None: one a CUDA device.
    """
    columns = [one for judge in judges for view in pictures.suite.views for one in _columns(judge, pictures, view)]
    several.fill(columns, pictures.corpus, pictures.suite, processes)


def features(
    detector: FeatureDetector, corpus: Corpus, rows: NDArray[np.int64], suite: Suite, view: str, cache: Path
) -> NDArray[np.float32]:
    """Features of the rows, (n, *shape); computed once for each (split of the corpus, detector identity, view).

    Whole splits are computed, whatever the rows: every cutoff of a track asks for another part of the same pictures.
    """
    pictures = Pictures(corpus, rows, suite, cache)
    result = np.zeros((len(rows), *detector.shape), np.float32)
    for name, split in pictures.splits.items():
        column = _features_of(detector, split, view)
        one_pass.fill([column], corpus, suite)
        wanted = corpus.column("split")[rows] == name
        result[wanted] = np.concatenate(list(column.parts()))[_places(column.rows, rows[wanted])]
    return result


def logits(judge: Judge, pictures: Pictures, view: str) -> NDArray[np.float32]:
    """Logits of the rows, (n,), in the order in which they are given; NaN for a picture that failed."""
    detector, rows = judge.detector, pictures.rows
    if isinstance(detector, JointDetector):
        each = part_logits(detector, judge.identity, pictures, view)
        with torch.inference_mode():
            return detector.cpu().combine(torch.from_numpy(each)).numpy()
    columns = list(_columns(judge, replace(pictures, rows=in_order(pictures.corpus, rows)), view))
    one_pass.fill(columns, pictures.corpus, pictures.suite)
    result = np.full(len(rows), np.nan, np.float32)
    for column in columns:
        known = np.isin(rows, column.rows)
        found = np.concatenate([np.zeros(0, np.float32), *(_scored(detector, part) for part in column.parts())])
        result[known] = found[_places(column.rows, rows[known])]
    return result


def part_logits(detector: JointDetector, identity: str, pictures: Pictures, view: str) -> NDArray[np.float32]:
    """Logits of the rows, (n, parts), of all parts of a detector whose weights `identity` names."""
    parts = detector.parts().items()
    return np.stack([logits(Judge(one, f"{identity}/{name}"), pictures, view) for name, one in parts], axis=1)


def _columns(judge: Judge, pictures: Pictures, view: str) -> Iterator[Column]:
    """What must be kept so that the judge's logits under a view are known without a picture."""
    detector = judge.detector
    if isinstance(detector, JointDetector):
        for name, part in detector.parts().items():
            own = None if judge.preparation is None else f"{judge.preparation}/{name}"
            yield from _columns(Judge(part, f"{judge.identity}/{name}", own), pictures, view)
    elif isinstance(detector, FeatureDetector):
        yield from (_features_of(detector, split, view) for split in pictures.splits.values())
    else:
        key = _key(detector, pictures, view, judge.identity)
        folder = pictures.cache / f"logits-{key}"
        yield Column(detector, pictures.rows, view, folder, judge.preparation or judge.identity, pictures.precision)


def _features_of(detector: FeatureDetector, pictures: Pictures, view: str) -> Column:
    folder = pictures.cache / f"features-{_key(detector, pictures, view, detector.identity)}"
    return Column(detector, pictures.rows, view, folder, detector.identity, pictures.precision)


def _key(detector: Detector, pictures: Pictures, view: str, identity: str) -> str:
    """Names what is read and by what; no view changes metadata."""
    read, under = pictures.digest, pictures.suite.key(view)
    if detector.reads == "metadata":
        read, under = pictures.metadata_digest, CLEAN
    reduced = [] if pictures.precision == "float32" else [pictures.precision]
    return digest_of([read, identity, under, _VERSION, *reduced])[:16]


def _scored(detector: Detector, part: Array) -> Array:
    """Logits, (n,), of what is kept: features, or logits already."""
    if not isinstance(detector, FeatureDetector):
        return part
    with torch.inference_mode():
        found = torch.from_numpy(part).to(next(detector.head.parameters()).device)
        return detector.eval().score(found).cpu().numpy()


def _places(within: Rows, rows: Rows) -> NDArray[np.intp]:
    """Where each of the rows lies in a longer list of them."""
    order = np.argsort(within)
    return np.asarray(order[np.searchsorted(within, rows, sorter=order)])
