"""Twelve photographs that lie inside installed wheels: crops at native resolution, and collages and drawings of them.

Needs no network and no download: the offline demonstration corpus. Material never crosses photographs, so that a
photograph is a group. No picture shows a name tag.
"""

import functools
import hashlib
import importlib.util
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from redqueen.corpus.collage import compose
from redqueen.corpus.drawing import draw
from redqueen.corpus.schema import SourcePicture
from redqueen.errors import UserError
from redqueen.files import digest_file, digest_of
from redqueen.types import Kind

Region = Literal["fit", "held-out"]  # generators train on "fit" crops and are judged against "held-out" ones
Box = tuple[int, int, int]  # x, y, side, in pixels of the photograph

_MIN_SIZE = 16
_DRAWS = 64  # random boxes, of which the first _CANDIDATES that touch no name tag are looked at
_CANDIDATES = 8
_MIN_STD = {"photo": 14.0, "collage": 24.0, "drawing": 30.0}  # grey levels of 255; below: sky, space or a bare wall
_MATERIALS = 4


@dataclass(frozen=True)
class Photo:
    """Where one photograph lies: the one file under `package` that matches `pattern`."""

    slug: str
    package: str
    pattern: str
    licence: str
    tags: tuple[Box, ...] = ()  # badges on which a real person's name can be read

    @property
    def source(self) -> str:
        """The wheel and the file in it."""
        return f"{DISTRIBUTIONS[self.package]}: {self.package}/{self.pattern}"


DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}

# As the docstrings of skimage.data 0.26, sklearn/datasets/images/README.txt and matplotlib's LICENSE state them.
_PUBLIC_DOMAIN = "public domain"
_CC0 = "CC0-1.0"
_CC_BY = "CC-BY-2.0 (attribution in sklearn/datasets/images/README.txt)"
_MIDDLEBURY = "no terms stated (Middlebury 2014 stereo benchmark, shipped in scikit-image)"
_UNRESTRICTED = "no known copyright restrictions"
_MATPLOTLIB = "matplotlib licence (PSF-style)"

PHOTOS = (
    Photo("astronaut", "skimage", "data/astronaut.png", _PUBLIC_DOMAIN, ((132, 345, 80), (275, 332, 58))),
    Photo("cat", "skimage", "data/chelsea.png", _CC0),
    Photo("coffee", "skimage", "data/coffee.png", _CC0),
    Photo("rocket", "skimage", "data/rocket.jpg", _PUBLIC_DOMAIN),
    Photo("deep-field", "skimage", "data/hubble_deep_field.jpg", _PUBLIC_DOMAIN),
    Photo("retina", "skimage", "data/retina.jpg", _CC0),
    Photo("motorcycle", "skimage", "data/motorcycle_left.png", _MIDDLEBURY),  # _right shows the same scene
    Photo("pagoda", "sklearn", "datasets/images/china.jpg", _CC_BY),
    Photo("flower", "sklearn", "datasets/images/flower.jpg", _CC_BY),
    # By a glob, since the file bears a person's name.
    Photo("portrait", "matplotlib", "mpl-data/sample_data/*.jpg", _MATPLOTLIB, ((76, 453, 96),)),
    Photo("camera", "skimage", "data/camera.png", _CC0),
    Photo("coins", "skimage", "data/coins.png", _UNRESTRICTED),
)


class Wheels:
    """Crops, collages and drawings of the twelve photographs, photograph by photograph."""

    name = "wheels"

    def __init__(self, size: int = 64, crops: int = 48, collages: int = 12, drawings: int = 12, seed: int = 0) -> None:
        """Say how many pictures to make.

        Args:
            size: side of every picture in pixels.
            crops: crops per photograph, three in ten of them from the held-out region.
            collages: collages per photograph.
            drawings: drawings per photograph.
            seed: another seed chooses other boxes and other recipes.

        Raises:
            UserError: `size` is too small here; `pictures` raises it where a photograph is too small, or is missing.
        """
        if size < _MIN_SIZE:
            raise UserError(f"size {size} is too small for source 'wheels'; at least {_MIN_SIZE} pixels")
        self.size = size
        self.crops = crops
        self.collages = collages
        self.drawings = drawings
        self.seed = seed

    def fingerprint(self) -> str:
        """A digest of the twelve files as they are installed."""
        return digest_of([digest_file(locate(photo)) for photo in PHOTOS])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield each photograph's crops, then its collages, then its drawings."""
        for photo in PHOTOS:
            locate(photo)  # a missing wheel is told before any work
        counts: dict[Kind, int] = {"photo": self.crops, "collage": self.collages, "drawing": self.drawings}
        for photo in PHOTOS:
            for kind, count in counts.items():
                for index in range(count):
                    yield self._picture(photo, kind, index)

    def _picture(self, photo: Photo, kind: Kind, index: int) -> SourcePicture:
        key = f"{self.seed}/{photo.slug}/{kind}/{index}"
        make = functools.partial(_make, photo, kind, self.size, key, region_of(index))
        return SourcePicture(
            name=f"{photo.slug}/{kind}-{index:03d}",
            read=lambda: make()[0],
            kind=kind,
            group_id=f"{self.name}/{photo.slug}",
            source=photo.source,
            licence=photo.licence,
            provenance=make()[1],
        )


def locate(photo: Photo) -> Path:
    """The photograph's file in the installed wheel, found without importing the package.

    Raises:
        UserError: the wheel is not installed, or it does not hold exactly one such file.
    """
    wheel = DISTRIBUTIONS[photo.package]
    spec = importlib.util.find_spec(photo.package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"source 'wheels' needs {wheel}, which is not installed: pip install redqueen[quickstart]")
    found = [path for root in spec.submodule_search_locations for path in Path(root).glob(photo.pattern)]
    if len(found) != 1:
        raise UserError(
            f"source 'wheels' expects one {photo.package}/{photo.pattern} in {wheel}, found {len(found)}: "
            "pip install redqueen[quickstart]"
        )
    return found[0]


def bounds(width: int, region: Region) -> tuple[int, int]:
    """First and one-past-last column of a region of a photograph: the right-hand 30 % is held out.

    >>> bounds(100, "fit"), bounds(100, "held-out")
    ((0, 70), (70, 100))
    """
    cut = width * 7 // 10
    return (0, cut) if region == "fit" else (cut, width)


def region_of(index: int) -> Region:
    """Three of every ten pictures, evenly spread, come from the held-out region.

    >>> "".join(region_of(i)[0] for i in range(10))
    'fffhffhffh'
    """
    return "held-out" if (index + 1) * 3 // 10 > index * 3 // 10 else "fit"


@functools.lru_cache(maxsize=1)  # whoever reads while following `pictures` pays once for the recipe and the bytes
def _make(photo: Photo, kind: Kind, size: int, key: str, region: Region) -> tuple[bytes, dict[str, Any]]:
    """The PNG of one picture, and how it was made; `key` decides everything random."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest(), "big"))
    picture, recipe = {"photo": _crop, "collage": _collage, "drawing": _drawing}[kind](photo, rng, size, region)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue(), {"photo": photo.slug, "region": region, **recipe}


def _crop(photo: Photo, rng: np.random.Generator, size: int, region: Region) -> tuple[Image.Image, dict[str, Any]]:
    box = _pick(photo, _candidates(photo, rng, size, region), _MIN_STD["photo"])
    if box[2] < size:
        raise UserError(
            f"size {size} is too large: the {region} region of '{photo.slug}' holds at most {box[2]} pixels"
        )
    return _cut(photo, box), {"box": list(box)}


def _collage(photo: Photo, rng: np.random.Generator, size: int, region: Region) -> tuple[Image.Image, dict[str, Any]]:
    sides = [round(size * scale) for scale in (rng.uniform(1.0, 2.5), *rng.uniform(0.8, 3.5, _MATERIALS))]
    squares = [_candidates(photo, rng, side, region) for side in sides]
    ground = _pick(photo, squares[0], _MIN_STD["collage"])
    boxes = [_pick(photo, candidates, _MIN_STD["collage"], away=ground) for candidates in squares[1:]]
    picture, recipe = compose(_cut(photo, ground, size), [_cut(photo, box) for box in boxes], rng)
    return picture, {"box": list(ground), "materials": [list(box) for box in boxes], **recipe}


def _drawing(photo: Photo, rng: np.random.Generator, size: int, region: Region) -> tuple[Image.Image, dict[str, Any]]:
    side = round(size * rng.uniform(1.5, 4.0))
    box = _pick(photo, _candidates(photo, rng, side, region), _MIN_STD["drawing"])
    picture, recipe = draw(_cut(photo, box, size), rng)
    return picture, {"box": list(box), **recipe}


def _pick(photo: Photo, boxes: Sequence[Box], least: float, away: Box | None = None) -> Box:
    """The first box whose contrast is at least `least`, or the one farthest from `away`; else the richest box."""
    contents = [float(np.asarray(_cut(photo, box).convert("L")).std()) for box in boxes]
    rich = [box for box, content in zip(boxes, contents, strict=True) if content >= least]
    if not rich:
        return boxes[int(np.argmax(contents))]
    return rich[0] if away is None else min(rich, key=lambda box: _shared(box, away))


def _candidates(photo: Photo, rng: np.random.Generator, side: int, region: Region) -> list[Box]:
    """Random squares wholly in the region that touch no name tag; of a smaller side where `side` does not fit."""
    width, height = _decode(photo).size
    left, right = bounds(width, region)
    side = min(side, right - left, height)
    corners = zip(
        rng.integers(left, right - side + 1, _DRAWS).tolist(),
        rng.integers(0, height - side + 1, _DRAWS).tolist(),
        strict=True,
    )
    clear = [(x, y, side) for x, y in corners if not any(_shared((x, y, side), tag) for tag in photo.tags)]
    return clear[:_CANDIDATES] or _candidates(photo, rng, side * 3 // 4, region)


def _shared(a: Box, b: Box) -> int:
    """Pixels that two squares share."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[2], b[1] + b[2]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def _cut(photo: Photo, box: Box, size: int | None = None) -> Image.Image:
    """The square at native resolution, or resampled to `size`."""
    x, y, side = box
    cut = _decode(photo).crop((x, y, x + side, y + side))
    return cut if size is None else cut.resize((size, size), Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=1)
def _decode(photo: Photo) -> Image.Image:
    with Image.open(locate(photo)) as picture:
        return picture.convert("RGB")
