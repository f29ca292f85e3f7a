"""What benchmarks run on: crops of photographs that lie in wheels, as a corpus and as a folder of files."""

import functools
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources.wheels import PHOTOS, locate
from redqueen.errors import UserError
from redqueen.files import digest_of
from redqueen.training.rows import Rows


class Crops:
    """Crops of the photographs in the wheels, and each of them once more, shrunk and enlarged: as good as generated.

    Args:
        count: pictures in all.
        side: of each, pixels; photographs that are smaller are passed over.
    """

    name = "bench"

    def __init__(self, count: int, side: int) -> None:
        self.count, self.side = count, side

    def fingerprint(self) -> str:
        """What the pictures depend on."""
        return digest_of([self.count, self.side])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield a photograph and its copy in turn."""
        large = []
        for photo in PHOTOS:
            with Image.open(locate(photo)) as picture:
                if min(picture.size) > self.side:
                    large.append((photo, picture.convert("RGB")))
        if not large:
            raise UserError(f"--side {self.side}: the photographs are smaller")
        for number in range(self.count // 2):
            photo, picture = large[number % len(large)]
            data = crop(picture, self.side, number)
            for released in (None, "2026-01"):
                yield SourcePicture(
                    name=f"{number}-{released}",
                    read=functools.partial(enlarged if released else bytes, data),
                    kind="generated" if released else "photo",
                    group_id=f"photo/{number}",
                    source=photo.source,
                    licence=photo.licence,
                    generator=released and "enlarged",
                    released=released,
                )


def crop(picture: Image.Image, side: int, number: int) -> bytes:
    rng = np.random.default_rng(number)
    left, top = (int(rng.integers(length - side + 1)) for length in picture.size)
    return png(picture.crop((left, top, left + side, top + side)))


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def enlarged(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        return png(picture.resize([side // 2 for side in picture.size]).resize(picture.size))


def corpus_rows(count: int, side: int, folder: Path) -> Rows:
    """A corpus of `count` pictures, three quarters of them to train on; every row serves, matched or not."""
    treat(Crops(count, side), Normalise(size=side), folder / "treated")
    corpus = finish(folder / "treated", folder / "corpus", Plan("bench", {"train": 1.0, "val": 0.0, "test": 0.0}, ()))
    every = np.arange(corpus.known.num_rows)
    labels = corpus.column("label").astype(np.int64)
    held = every % 8 < 2
    return Rows(corpus, every[~held], every[held], labels[~held], labels[held])


def write_folder(rows: Rows, folder: Path) -> None:
    for row, label in zip(rows.train.tolist(), rows.train_labels.tolist(), strict=True):
        path = folder / str(label) / f"{row:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rows.corpus.encoded(row))
