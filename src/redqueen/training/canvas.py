"""Training pictures decoded once: raw pixels in memory-mapped files, since decoding is most of what reading costs.

A part holds neighbouring rows of one split: for each its height and width, int32, then the pixels of one after the
other. It is whole or absent, so that any process may write it. What is read stays in the memory that the system lends
to files, and can be taken back.
"""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redqueen.console import track
from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Pixels
from redqueen.errors import RejectedPictureError
from redqueen.files import digest_of, write_chunks

PART = 2**25  # bytes of pixels
SHARE = 0.5  # of what is free on the disk, at most
_VERSION = 1  # of the layout

Rows = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True)
class _Part:
    """An open part: its rows, (n,), their heights and widths, (n, 2), where each starts in the pixels, (n,)."""

    rows: NDArray[np.int64]
    shapes: NDArray[np.int32]
    starts: NDArray[np.int64]
    pixels: Pixels


class Canvas:
    """Decoded pictures of a corpus, by row; the same pixels as `Corpus.pixels` gives.

    Args:
        corpus: where the encoded pictures lie.
        folder: for the decoded ones; those of several corpora may share it.
        part: bytes of pixels a file.
    """

    def __init__(self, corpus: Corpus, folder: Path, part: int = PART) -> None:
        self.corpus, self.part = corpus, part
        order = hashlib.sha256()  # a corpus's digest has none
        for name in ("image_id", "split"):
            order.update("".join(corpus.column(name)).encode())
        self.folder = folder / f"decoded-{digest_of([order.hexdigest(), part, _VERSION])[:16]}"
        self.sizes = 3 * corpus.column("width").astype(np.int64) * corpus.column("height")
        self.splits, self.split = np.unique(corpus.column("split").astype(str), return_inverse=True)
        self.number = np.zeros(len(self.sizes), np.int64)  # of each row's part within its split
        for split in range(len(self.splits)):
            rows = np.flatnonzero(self.split == split)
            self.number[rows] = (np.cumsum(self.sizes[rows]) - self.sizes[rows]) // part
        self._order = np.lexsort((self.number, self.split))  # rows of a part are neighbours here, in table order
        self._keys = self.split[self._order] * len(self.sizes) + self.number[self._order]
        self._open: dict[int, _Part | None] = {}

    @classmethod
    def opened(cls, corpus: Corpus, rows: Rows, folder: Path, gib: float, threads: int = 1) -> "Canvas | None":
        """A canvas that holds these rows; None if they take more than `gib` gibibytes or the disk has no room."""
        made = cls(corpus, folder)
        if not made.fits(rows, int(gib * 2**30)):
            return None
        made.fill(rows, threads)
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Another process opens the files for itself."""
        return {**self.__dict__, "_open": {}}

    def fits(self, rows: Rows, most: int) -> bool:
        """Whether the parts that hold these rows take at most `most` bytes, and the disk has room for them."""
        parts = [(int(self.sizes[self._held(key)].sum()), self._path(key).exists()) for key in self._parts(rows)]
        if sum(size for size, _ in parts) > most:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        return sum(size for size, there in parts if not there) <= SHARE * free

    def fill(self, rows: Rows, threads: int = 1) -> None:
        """Decode the parts that hold these rows, as far as they are not there; a kill costs the part in work."""
        missing = [key for key in self._parts(rows) if not self._path(key).exists()]
        with ThreadPoolExecutor(threads) as pool:
            for key in track(missing, "decoding pictures"):
                pictures = list(pool.map(self._decoded, self._held(key).tolist()))
                write_chunks(self._path(key), _bytes(pictures))
                self._open.pop(key, None)

    def pixels(self, row: int) -> Pixels:
        """One picture, (height, width, 3) uint8, not to be written to; from the corpus if its part was not filled."""
        key = int(self.split[row]) * len(self.sizes) + int(self.number[row])
        if key not in self._open:
            self._open[key] = self._mapped(key) if self._path(key).exists() else None
        part = self._open[key]
        place = -1 if part is None else int(np.searchsorted(part.rows, row))
        if part is None or not part.shapes[place, 0]:
            return self.corpus.pixels(row)  # which raises again what decoding raised
        height, width = part.shapes[place].tolist()
        start = int(part.starts[place])
        return part.pixels[start : start + 3 * height * width].reshape(height, width, 3)

    def _mapped(self, key: int) -> _Part:
        rows = self._held(key)
        data = np.asarray(np.memmap(self._path(key), np.uint8, "r"))
        shapes = data[: 8 * len(rows)].view(np.int32).reshape(-1, 2)
        sizes = 3 * shapes.astype(np.int64).prod(axis=1)
        return _Part(rows, shapes, np.cumsum(sizes) - sizes, data[8 * len(rows) :])

    def _parts(self, rows: Rows) -> list[int]:
        """Keys of the parts that hold these rows, in order."""
        chosen = np.asarray(rows, np.int64)
        found: list[int] = np.unique(self.split[chosen] * len(self.sizes) + self.number[chosen]).tolist()
        return found

    def _held(self, key: int) -> NDArray[np.int64]:
        """All rows of a part, in table order."""
        first, end = np.searchsorted(self._keys, [key, key + 1])
        return self._order[first:end]

    def _path(self, key: int) -> Path:
        split, number = divmod(key, len(self.sizes))
        return self.folder / f"{self.splits[split]}-{number:05d}.bin"

    def _decoded(self, row: int) -> Pixels:
        try:
            return self.corpus.pixels(row)
        except RejectedPictureError:
            return np.zeros((0, 0, 3), np.uint8)


def _bytes(pictures: Sequence[Pixels]) -> Iterator[bytes]:
    yield np.array([picture.shape[:2] for picture in pictures], np.int32).tobytes()
    for picture in pictures:
        yield picture.tobytes()
