"""Photographs, cut-outs and drawings out of Debian packages, sorted by hand in `debian.csv`.

Photographs become square crops at their own resolution; drawings lie on a flat light ground, half of them on white.
What the list does not name, rendered wallpapers above all, is left out.
"""

import csv
import functools
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from PIL import Image

from redqueen.console import say, track
from redqueen.corpus.decode import MAX_PIXELS, open_picture, to_rgb
from redqueen.corpus.schema import Material, SourcePicture
from redqueen.corpus.sources import walk
from redqueen.corpus.sources.boxes import Box, detail, spread
from redqueen.corpus.sources.packages import Package, fetch
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import digest_of, seed_from, write_json

PACKAGES = (
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "openclipart-png",
    "palapeli-data",
    "plasma-workspace-wallpapers",
    "tuxpaint-data",
    "tuxpaint-stamps-default",
)
GROUNDS = ("#ffffff", "#f4ecd8", "#e3eef9", "#e6f4e1", "#fbe4e4", "#f3e6fa", "#fff6c9", "#e8e8e8")
LEAVE_OUT = "leave out"

_INDEX = 2  # version of what is looked up in a package
_LIST = Path(__file__).with_suffix(".csv")
_SMALLEST = 96  # pixels of a cut-out's or drawing's long side, below which it is no material
_MARGIN = 1.12  # side of a drawing's ground over the drawing's long side
_LARGEST = 16 * 10**6  # pixels of a drawing
_MIN_SIZE = 16

Form = Literal["photo", "cutout", "drawing"]


@dataclass(frozen=True)
class Found:
    """A picture of the list in a package.

    Attributes:
        file: below /usr/share.
        form: what material it is.
        group: of all its variants.
        box: left, top, right and bottom of what is not transparent.
        detail: of a photograph, as `boxes.detail` has it: (2, 32, 32), rounded.
    """

    file: str
    form: Form
    group: str
    box: tuple[int, int, int, int]
    detail: Any = None

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height of that rectangle."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]


class Debian:
    """Crops of photographs and clip-art; also materials for collages: photographs, cut-outs, drawings.

    Args:
        cache: folder of the unpacked packages; what is there is not fetched again.
        size: the least side of a crop in pixels, that of the finished pictures, so that none is enlarged.
        crops: crops per photograph at most; small photographs give fewer.
        drawings: drawings at most, chosen by the seed.
        packages: which packages to take.
        seed: another seed chooses other boxes, drawings and grounds.

    Raises:
        UserError: `size` is too small, or a package is not on the list. `fingerprint`, `pictures` and `materials` raise
            it where a package cannot be fetched.
    """

    name = "debian"

    def __init__(
        self,
        cache: str,
        size: int = 256,
        crops: int = 40,
        drawings: int = 1200,
        packages: Sequence[str] = PACKAGES,
        seed: int = 0,
    ) -> None:
        if size < _MIN_SIZE:
            raise UserError(f"source.size={size} is too small; at least {_MIN_SIZE} pixels")
        known = {row["package"] for row in _list()}
        for package in packages:
            if package not in known:
                raise UserError(f"source.packages: no picture of '{package}' is on the list; allowed: {sorted(known)}")
        self.cache, self.size, self.crops = Path(cache).expanduser(), size, crops
        self.drawings, self.packages, self.seed = drawings, tuple(packages), seed

    def fingerprint(self) -> str:
        """Digest of the packages' versions and bytes, and of the list."""
        found = [(package.name, package.version, package.sha256) for package in fetch(self.packages, self.cache)]
        return digest_of([found, _list(), vars(self) | {"cache": None}])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield each photograph's crops, package by package, then the drawings; says how many files are left out."""
        left_out = 0
        chosen = self._chosen()
        for package in fetch(self.packages, self.cache):
            found, others = _index(package)
            left_out += others
            for picture in found:
                if picture.form == "photo":
                    yield from self._crops(package, picture)
        yield from (self._drawing(package, picture) for package, picture in chosen)
        if left_out:
            say(f"{left_out} pictures in the Debian packages are on no list of photographs, cut-outs and drawings")

    def materials(self) -> Iterator[Material]:
        """Yield every photograph, cut-out and drawing as it is, package by package."""
        for package in fetch(self.packages, self.cache):
            for picture in _index(package)[0]:
                if picture.form == "photo" or max(picture.sides) >= _SMALLEST:
                    yield Material(
                        name=f"{package.name}/{picture.file}",
                        read=(package.share / picture.file).read_bytes,
                        form=picture.form,
                        group_id=self._group(package, picture),
                        source=_source(package, picture),
                        licence=package.licence(picture.file),
                    )

    def _group(self, package: Package, picture: Found) -> str:
        return f"{self.name}/{package.name}/{picture.group}"

    def _crops(self, package: Package, picture: Found) -> Iterator[SourcePicture]:
        rng = np.random.default_rng(seed_from(self.seed, package.name, picture.file))
        cells = np.array(picture.detail)
        for number, box in enumerate(spread(*picture.sides, self.size, self.crops, rng, cells)):
            read = functools.partial(_crop, package.share / picture.file, box)
            name = f"{package.name}/{picture.file}#{number:03d}"
            yield self._picture(name, package, picture, read, {"box": list(box)})

    def _chosen(self) -> list[tuple[Package, Found]]:
        """The drawings that are made: large enough, and first by a number that the seed gives each."""
        every = [
            (package, picture)
            for package in fetch(self.packages, self.cache)
            for picture in _index(package)[0]
            if picture.form == "drawing" and max(picture.sides) >= self.size
        ]
        by_lot = sorted(every, key=lambda pair: seed_from(self.seed, pair[0].name, pair[1].file))
        wanted = {(package.name, picture.file) for package, picture in by_lot[: self.drawings]}
        return [(package, picture) for package, picture in every if (package.name, picture.file) in wanted]

    def _drawing(self, package: Package, picture: Found) -> SourcePicture:
        rng = np.random.default_rng(seed_from(self.seed, "ground", package.name, picture.file))
        ground = GROUNDS[0] if rng.random() < 0.5 else str(rng.choice(GROUNDS[1:]))
        read = functools.partial(_lay, package.share / picture.file, picture.box, ground, self.size)
        return self._picture(f"{package.name}/{picture.file}", package, picture, read, {"ground": ground})

    def _picture(
        self, name: str, package: Package, picture: Found, read: Callable[[], bytes], recipe: Mapping[str, Any]
    ) -> SourcePicture:
        return SourcePicture(
            name=name,
            read=read,
            kind="photo" if picture.form == "photo" else "drawing",
            group_id=self._group(package, picture),
            source=_source(package, picture),
            licence=package.licence(picture.file),
            provenance={"file": picture.file, **recipe},
        )


def _source(package: Package, picture: Found) -> str:
    return f"Debian {package.name} {package.version}: /usr/share/{picture.file}"


@functools.cache
def _list() -> tuple[dict[str, str], ...]:
    with _LIST.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def _index(package: Package) -> tuple[list[Found], int]:
    """The pictures of the list in a package, and how many others it has; looked up once, then read from a file."""
    rules = [row for row in _list() if row["package"] == package.name]
    path = package.folder / f"index-{digest_of([rules, _INDEX])[:12]}.json"
    if not path.is_file():
        tops = sorted({PurePosixPath(rule["file"]).parts[0] for rule in rules})
        files = [f"{top}/{below}" for top in tops for below in walk.pictures(package.share / top)]
        found = [_look(package, file, rules) for file in track(files, f"looking through {package.name}")]
        names = {_once(one): one for one in reversed(found) if one}
        kept = sorted(names.values(), key=lambda one: one.file)
        listed = [asdict(one) for one in kept]
        write_json(path, {"found": listed, "others": len(files) - len(listed)})
    index = json.loads(path.read_text())
    return [Found(**{**one, "box": tuple(one["box"])}) for one in index["found"]], index["others"]


def _once(picture: Found) -> str:
    """What a picture is kept once by: some drawings lie in several folders under one name."""
    return PurePosixPath(picture.file).name if picture.form == "drawing" else picture.file


def _look(package: Package, file: str, rules: Sequence[dict[str, str]]) -> Found | None:
    """A picture of the list that can be decoded."""
    form = next((rule["form"] for rule in rules if fnmatchcase(file, rule["file"])), LEAVE_OUT)
    path = package.share / file
    if form == LEAVE_OUT or path.is_symlink():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the bounds below are lower than Pillow's
            with Image.open(path) as picture:
                width, height = picture.size
        if width * height > (MAX_PIXELS if form == "photo" else _LARGEST):
            return None
        if form == "photo":
            photo = _decode(path)
            cells = np.rint(detail(np.asarray(photo.convert("L")))).astype(int).tolist()
            return Found(file, "photo", group_of(file, form), (0, 0, *photo.size), cells)
        box = open_picture(path.read_bytes()).convert("RGBA").getchannel("A").getbbox()
    except (OSError, RejectedPictureError, Image.DecompressionBombError):
        return None
    return Found(file, "cutout" if form == "cutout" else "drawing", group_of(file, form), box) if box else None


def group_of(file: str, form: str) -> str:
    """The group of a file: the sizes and colours of one wallpaper, the mirrored and numbered variants of one drawing.

    >>> group_of("wallpapers/Kite/contents/images/2560x1600.jpg", "photo"), group_of("a/gift_02.png", "drawing")
    ('Kite', 'gift')
    """
    path = PurePosixPath(file)
    if path.parts[0] == "wallpapers":
        return path.parts[1]
    if form == "photo":
        return path.stem
    stem = re.sub(r"(_mirror(ed)?|_bw|[-_ ]?\d+[a-z]?)+$", "", path.stem)
    return stem or path.parent.name


def _crop(path: Path, box: Box) -> bytes:
    x, y, side = box
    return _png(_decode(path).crop((x, y, x + side, y + side)))


@functools.lru_cache(maxsize=1)  # whose crops come one after the other
def _decode(path: Path) -> Image.Image:
    return to_rgb(open_picture(path.read_bytes()))


def _lay(path: Path, box: tuple[int, int, int, int], ground: str, size: int) -> bytes:
    """A drawing without its transparent margin, at its own size, in the middle of a square ground."""
    drawing = open_picture(path.read_bytes()).convert("RGBA").crop(box)
    side = max(size, round(_MARGIN * max(drawing.size)))
    canvas = Image.new("RGBA", (side, side), ground)
    canvas.alpha_composite(drawing, ((side - drawing.width) // 2, (side - drawing.height) // 2))
    return _png(canvas.convert("RGB"))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
