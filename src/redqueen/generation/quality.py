"""How near generators come to photographs: KID and CMMD between the features of a frozen backbone."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from redqueen.console import bar
from redqueen.corpus.store import Corpus
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import digest_of, write_bytes
from redqueen.metrics.distances import Side, gaussian_kernel, mmd_interval, polynomial_kernel, seeds
from redqueen.types import SPLITS, Interval

Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]
Rows = NDArray[np.int64]

BATCH = 32
PART = 256  # pictures a part of the cache: what a kill can cost


class Embedder(Protocol):
    """What turns pictures into features: a `Backbone`."""

    @property
    def name(self) -> str:
        """What a table calls it."""
        ...

    @property
    def digest(self) -> str:
        """Changes whenever the features would."""
        ...

    def features(self, pictures: Iterable[Pixels]) -> Features:
        """(B, width), of a batch of pictures (height, width, 3)."""
        ...


@dataclass(frozen=True)
class Comparison:
    """Which pictures of a corpus are compared.

    Args:
        least: pictures that a generator must have, and that there must be of photographs.
        most: pictures that are taken of a generator and of photographs; where there are more, those whose image_id (a
            hash of the bytes) comes first.
        matched: take only rows that the corpus matched in some window.
    """

    least: int = 50
    most: int = 2000
    matched: bool = False

    def __post_init__(self) -> None:
        """Raise UserError for numbers with which nothing can be compared."""
        if not 2 <= self.least <= self.most:
            raise UserError(f"least={self.least}, most={self.most}: must be 2 <= least <= most")

    def photographs(self, corpus: Corpus) -> Rows:
        """Rows of held-out photographs: those of the test split, which no generator of ours learned from."""
        held_out = (corpus.column("kind") == "photo") & (corpus.column("split") == "test")
        return self._first(np.flatnonzero(held_out & self._allowed(corpus)), corpus.column("image_id"))

    def generators(self, corpus: Corpus) -> dict[str, Rows]:
        """Generator -> its rows, of every split; sorted by name."""
        column, ids = corpus.column("generator"), corpus.column("image_id")
        generated = (corpus.column("label") == 1) & np.asarray([name is not None for name in column], dtype=np.bool_)
        names, allowed = sorted(set(column[generated])), self._allowed(corpus)
        return {name: self._first(np.flatnonzero(generated & allowed & (column == name)), ids) for name in names}

    def _allowed(self, corpus: Corpus) -> NDArray[np.bool_]:
        """Whether each row may be taken, (rows,)."""
        allowed = np.full(len(corpus.column("label")), not self.matched)
        if self.matched:
            names = [window.name for window in corpus.periods]
            for split in SPLITS:
                allowed[corpus.rows(split, names)] = True
        return allowed

    def _first(self, rows: Rows, ids: NDArray[np.object_]) -> Rows:
        return np.sort(rows[np.argsort(ids[rows].astype(str), kind="stable")[: self.most]])


@dataclass(frozen=True)
class Distance:
    """How far one generator is from photographs; both figures are None where `reason` says why.

    Attributes:
        kid: squared MMD under the cubic kernel; lower is better.
        cmmd: 1,000 x squared MMD of directions under the Gaussian kernel; lower is better.
        pictures: that were compared.
        groups: that they belong to.
    """

    kid: Interval | None
    cmmd: Interval | None
    pictures: int
    groups: int
    reason: str | None = None


@dataclass(frozen=True)
class Quality:
    """The generators of one corpus under one backbone.

    Attributes:
        backbone: its name.
        backbone_digest: sha256 that identifies weights and preprocessing.
        photographs: held-out photographs that every generator is compared with.
        photograph_groups: groups that they belong to.
        matched: whether only matched rows were taken.
        draws: resamples behind each interval.
        seed: of the resamples.
        generators: by name.
    """

    backbone: str
    backbone_digest: str
    photographs: int
    photograph_groups: int
    matched: bool
    draws: int
    seed: int
    generators: Mapping[str, Distance]

    def ranked(self) -> list[tuple[str, Distance]]:
        """The generators, nearest by CMMD first, those without a figure last."""
        known = {name: one.cmmd.value for name, one in self.generators.items() if one.cmmd}
        order = sorted(self.generators, key=lambda name: (name not in known, known.get(name) or 0.0, name))
        return [(name, self.generators[name]) for name in order]


def measure(corpus: Corpus, backbone: Embedder, comparison: Comparison, cache: Path, draws: int, seed: int) -> Quality:
    """KID and CMMD of each generator of a corpus to its held-out photographs.

    Features are kept in `cache` under the digests of corpus and backbone; one generator is held in memory at a time.

    Raises:
        UserError: too few held-out photographs, no generated picture, or a picture that cannot be decoded.
    """
    photographs, generators = comparison.photographs(corpus), comparison.generators(corpus)
    if len(photographs) < comparison.least:
        raise UserError(
            f"corpus {corpus.folder}: {len(photographs)} {'matched ' * comparison.matched}photographs in the test "
            f"split; at least {comparison.least} are needed (comparison.least)"
        )
    if not generators:
        raise UserError(f"corpus {corpus.folder} has no generated pictures")
    groups = corpus.column("group_id")
    seed_generated, seed_real = seeds(seed)
    features = embedded(corpus, photographs, backbone, cache, "photographs")
    real = Side(features, list(groups[photographs]), draws, seed_real)
    found = {}
    for name, rows in generators.items():
        own = list(groups[rows])
        reason = _too_few(own, comparison.least)
        kid = cmmd = None
        if reason is None:
            side = Side(embedded(corpus, rows, backbone, cache, name), own, draws, seed_generated)
            kid, cmmd = (mmd_interval(kernel, side, real) for kernel in (polynomial_kernel, gaussian_kernel))
        found[name] = Distance(kid, cmmd, len(own), len(set(own)), reason)
    counts = len(photographs), real.n_groups
    return Quality(backbone.name, backbone.digest, *counts, comparison.matched, draws, seed, found)


def _too_few(groups: Sequence[str], least: int) -> str | None:
    """Why a generator with pictures of these groups cannot be compared; None if it can."""
    if len(groups) < least:
        return f"{len(groups)} pictures; at least {least} are needed"
    if len(set(groups)) < 2:
        return "all pictures are of one group, whose variance cannot be seen"
    return None


def embed(pictures: Sequence[Pixels], backbone: Embedder) -> Features:
    """Features, (n, width), of at least one picture, in batches that depend on the order alone."""
    starts = range(0, len(pictures), BATCH)
    return np.concatenate([backbone.features(pictures[start : start + BATCH]) for start in starts])


def embedded(corpus: Corpus, rows: Rows, backbone: Embedder, cache: Path, label: str) -> Features:
    """Features of at least one row of a corpus, (n, width), from the cache as far as they lie there."""
    ids = corpus.column("image_id")[rows]
    folder = cache / f"{corpus.digest[:12]}-{backbone.digest[:12]}-{digest_of(list(ids))[:16]}"
    parts: list[Features] = []
    with bar(f"{backbone.name} on {label}", len(rows)) as progress:
        for start in range(0, len(rows), PART):
            path = folder / f"part-{start // PART:05d}.npy"
            chunk = rows[start : start + PART]
            if not path.exists():
                _save(path, embed([_pixels(corpus, int(row)) for row in chunk], backbone))
            parts.append(np.load(path))
            progress.advance(progress.task_ids[0], len(chunk))
    return np.concatenate(parts)


def _pixels(corpus: Corpus, row: int) -> Pixels:
    try:
        return corpus.pixels(row)
    except RejectedPictureError as error:
        picture = corpus.column("image_id")[row]
        raise UserError(f"corpus {corpus.folder}: picture {picture[:12]}: {error}; build the corpus again") from None


def _save(path: Path, values: Features) -> None:
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes(path, buffer.getvalue())
