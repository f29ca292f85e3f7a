"""A corpus of a million rows: built, audited and read, with the time and the peak memory of each step.

usage: python scripts/million_rows.py FOLDER [--rows 1000000] [--copies 100] [--workers 2] [--limit-mb 2048]

The pictures are noise of 32 to 48 pixels, made as they are asked for, four fifths of them near-duplicates of one
another. Killed at any moment, the same command goes on where it stopped. Exit code 0 if every row was read as it was
built and the peak memory stayed under the limit, 1 if not.
"""

import argparse
import functools
import hashlib
import io
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.store import Corpus
from redqueen.types import SPLITS, Window

SIDE = 32
MONTHS = [f"{2022 + number // 2}-{'03' if number % 2 == 0 else '09'}" for number in range(9)]
WINDOWS = [Window(month, month, month) for month in MONTHS]
SHARES = {"train": 0.5, "val": 0.15, "test": 0.35}
AT_RANDOM = 20_000


class Repeated:
    """Noise by number: one picture in five is alone, the others are `copies` of one base with noise of their own."""

    name = "repeated"

    def __init__(self, rows: int, copies: int) -> None:
        self.rows, self.copies = rows, copies

    def fingerprint(self) -> str:
        """What the pictures depend on."""
        return f"{self.rows} {self.copies}"

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield photographs and pictures by nine generators, one a half-year."""
        for number in range(self.rows):
            base = (0, number // self.copies) if number % 5 else (1, number)
            made = base[1] % 2 == 1
            month = MONTHS[base[1] // 2 % len(MONTHS)] if made else None
            yield SourcePicture(
                name=f"{number:07d}",
                read=functools.partial(picture, number, base),
                kind="generated" if made else "photo",
                group_id=f"picture/{number:07d}",  # near-duplicates are left for the builder to find
                source="scripts/million_rows.py",
                licence="CC0-1.0",
                generator=month and f"generator-{month}",
                released=month,
                topic=("health", "protest", "elections")[base[1] % 3],
            )


def picture(number: int, base: tuple[int, int]) -> bytes:
    pixels = scene(base)
    noise = np.random.default_rng(number).integers(-3, 4, pixels.shape, dtype=np.int16)
    buffer = io.BytesIO()
    Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(buffer, "BMP")
    return buffer.getvalue()


@functools.lru_cache(64)
def scene(base: tuple[int, int]) -> NDArray[np.int16]:
    rng = np.random.default_rng(base)
    side = SIDE + 8 * int(rng.integers(3))
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.int16)


def peak() -> int:
    """The most memory that this process has had, in MB; `ru_maxrss` would count that of the process before it, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


@contextmanager
def step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{name:<28} {time.monotonic() - began:8.1f} s   peak so far {peak():5d} MB", flush=True)


def read(corpus: Corpus) -> bool:
    """Whether every picture, in order and some at random, is the one that its row names."""
    ids = corpus.column("image_id")
    with step(f"read all {len(ids)} in order"):
        good = all(hashlib.sha256(corpus.encoded(row)).hexdigest() == ids[row] for row in range(len(ids)))
    rows = np.random.default_rng(0).integers(0, len(ids), min(AT_RANDOM, len(ids))).tolist()
    with step(f"decode {len(rows)} at random"):
        good &= all(corpus.pixels(row).shape == (SIDE, SIDE, 3) for row in rows)
    with step("rows of all windows"):
        windows = [window.name for window in corpus.periods]
        matched = {split: len(corpus.rows(split, windows)) for split in SPLITS}
    print(f"matched rows {matched}; digest of the windows {corpus.windows_digest[:12]}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10**6)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit-mb", type=int, default=2048)
    options = parser.parse_args()
    treated, folder = options.folder / "treated", options.folder / "corpus"
    with step("treat"):
        treat(Repeated(options.rows, options.copies), Normalise(SIDE), treated, workers=options.workers)
    with step("finish (with audit)"):
        corpus = finish(treated, folder, Plan("a million rows", SHARES, WINDOWS))
    counts = corpus.card["counts"]
    print(f"{counts['rows']} rows in {counts['groups']} groups, digest {corpus.digest}; {corpus.audit.reason}")
    del corpus
    with step("open"):
        corpus = Corpus.open(folder)
    good = read(corpus) and counts["rows"] == options.rows
    size = sum(path.stat().st_size for path in options.folder.rglob("*") if path.is_file())
    print(f"{size / 2**30:.2f} GiB on disk, {shutil.disk_usage(options.folder).free / 2**30:.0f} GiB free")
    print(f"{'as built' if good else 'NOT AS BUILT'}; peak memory {peak()} MB of {options.limit_mb} MB allowed")
    return 0 if good and peak() <= options.limit_mb else 1


if __name__ == "__main__":
    sys.exit(main())
