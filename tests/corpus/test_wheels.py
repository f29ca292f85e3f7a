"""The offline source: counts, groups, regions, seeds, laziness, and what it says when a wheel is missing."""

import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from redqueen.corpus.schema import Source, SourcePicture
from redqueen.corpus.sources import wheels
from redqueen.corpus.sources.wheels import PHOTOS, Wheels, bounds, locate
from redqueen.errors import UserError

_SMALL = {"crops": 10, "collages": 3, "drawings": 3}
_DIGEST = """
import hashlib, sys
from redqueen.corpus.sources.wheels import Wheels
total = hashlib.sha256()
for picture in Wheels(crops=1, collages=1, drawings=1).pictures():
    total.update(picture.name.encode() + picture.read())
assert not {"skimage", "sklearn", "matplotlib"} & set(sys.modules)
sys.stdout.write(total.hexdigest())
"""


@pytest.fixture(scope="module")
def pictures() -> list[SourcePicture]:
    """A small corpus, described."""
    source: Source = Wheels(**_SMALL)
    return list(source.pictures())


def _boxes(picture: SourcePicture) -> list[list[int]]:
    return [picture.provenance["box"], *picture.provenance.get("materials", [])]


def _content(picture: SourcePicture) -> float:
    return float(np.asarray(Image.open(io.BytesIO(picture.read())).convert("L")).std())


def test_counts_groups_and_order(pictures: list[SourcePicture]) -> None:
    """Twelve groups, each with its crops, collages and drawings, named uniquely, always in the same order."""
    assert Counter((p.group_id, p.kind) for p in pictures) == {
        (f"wheels/{photo.slug}", kind): count
        for photo in PHOTOS
        for kind, count in {"photo": 10, "collage": 3, "drawing": 3}.items()
    }
    assert len(PHOTOS) == len({locate(photo) for photo in PHOTOS}) == 12
    assert len({p.name for p in pictures}) == len(pictures)
    again = list(Wheels(**_SMALL).pictures())
    assert [(p.name, p.provenance) for p in again] == [(p.name, p.provenance) for p in pictures]


def test_every_picture_is_described_as_human_made(pictures: list[SourcePicture]) -> None:
    """No generator, a licence, a source, a JSON provenance that names the photograph, native resolution."""
    for picture in pictures:
        assert picture.generator is None
        assert picture.released is None
        assert picture.licence
        assert picture.source
        assert picture.resample_factor == 1.0
        assert json.loads(json.dumps(picture.provenance)) == picture.provenance
        assert picture.group_id == f"wheels/{picture.provenance['photo']}"


@pytest.mark.parametrize("size", [64, 96])
def test_every_read_decodes_to_a_square_png(size: int) -> None:
    """Each kind from each photograph gives size x size RGB pixels."""
    for picture in Wheels(size=size, crops=4, collages=1, drawings=1).pictures():
        with Image.open(io.BytesIO(picture.read())) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (size, size)), picture.name


def test_crops_are_the_photographs_own_pixels(pictures: list[SourcePicture]) -> None:
    """Native resolution: a crop equals the box of the decoded file."""
    photos = {photo.slug: photo for photo in PHOTOS}
    for picture in pictures[::7]:
        if picture.kind == "photo":
            x, y, side = picture.provenance["box"]
            with Image.open(locate(photos[picture.provenance["photo"]])) as photo:
                expected = np.asarray(photo.convert("RGB"))[y : y + side, x : x + side]
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture.read()))), expected)


def test_boxes_stay_in_their_region_and_off_name_tags(pictures: list[SourcePicture]) -> None:
    """Fit and held-out share no pixel, and no real person's name tag can be read."""
    photos = {photo.slug: photo for photo in PHOTOS}
    for picture in pictures:
        photo = photos[picture.provenance["photo"]]
        with Image.open(locate(photo)) as image:
            width, height = image.size
        left, right = bounds(width, picture.provenance["region"])
        for x, y, side in _boxes(picture):
            assert left <= x < x + side <= right, picture.name
            assert 0 <= y < y + side <= height, picture.name
            for tag_x, tag_y, tag in photo.tags:
                apart = x + side <= tag_x or tag_x + tag <= x or y + side <= tag_y or tag_y + tag <= y
                assert apart, picture.name


@pytest.mark.parametrize("width", [300, 384, 451, 512, 1411])
def test_regions_part_the_width(width: int) -> None:
    """The held-out region begins where the fit region ends, and is 30 % of the width."""
    assert bounds(width, "fit")[0] == 0
    assert bounds(width, "fit")[1] == bounds(width, "held-out")[0]
    assert bounds(width, "held-out")[0] == pytest.approx(0.7 * width, abs=1)
    assert bounds(width, "held-out")[1] == width


def test_three_in_ten_crops_are_held_out(pictures: list[SourcePicture]) -> None:
    """In every photograph, not only on average."""
    held_out = Counter(p.group_id for p in pictures if p.kind == "photo" and p.provenance["region"] == "held-out")
    assert held_out == {f"wheels/{photo.slug}": 3 for photo in PHOTOS}


def test_crops_avoid_empty_sky() -> None:
    """Most of the rocket photograph is plain sky, and few of its crops are."""
    crops = [p for p in Wheels(crops=20, collages=0, drawings=0).pictures() if p.group_id == "wheels/rocket"]
    assert np.mean([_content(p) > 10 for p in crops]) > 0.9


def test_same_seed_same_bytes_in_any_reading_order(pictures: list[SourcePicture]) -> None:
    """A second source read backwards gives the same pictures; another seed gives others."""
    some = {p.name: p.read() for p in pictures[::5]}
    again = {p.name: p.read() for p in reversed(list(Wheels(**_SMALL).pictures())) if p.name in some}
    other = {p.name: p.read() for p in Wheels(**_SMALL, seed=1).pictures() if p.name in some}
    assert again == some
    assert other.keys() == some.keys()
    assert all(other[name] != some[name] for name in some)
    assert len(set(some.values())) == len(some)


def test_another_process_gives_the_same_bytes_without_importing_the_wheels() -> None:
    """Nothing hangs on Python's hash seed, and the slow packages are only looked up."""
    here = hashlib.sha256()
    for picture in Wheels(crops=1, collages=1, drawings=1).pictures():
        here.update(picture.name.encode() + picture.read())
    path = os.pathsep.join(sys.path)
    run = subprocess.run(
        [sys.executable, "-c", _DIGEST],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == here.hexdigest()


def test_one_photograph_is_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in order opens each file once, and only the last stays in memory."""
    opened: list[Path] = []
    real = Image.open

    def counting(path: Any, *args: Any, **kwargs: Any) -> Image.Image:
        if isinstance(path, Path):
            opened.append(path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Image, "open", counting)
    wheels._decode.cache_clear()
    wheels._make.cache_clear()
    for picture in Wheels(**_SMALL).pictures():
        picture.read()
    assert opened == [locate(photo) for photo in PHOTOS]
    assert wheels._decode.cache_info().currsize == wheels._make.cache_info().currsize == 1


@pytest.mark.parametrize("package", ["skimage", "sklearn", "matplotlib"])
def test_missing_wheel_is_one_line_that_says_what_to_install(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first picture already fails, with the command that mends it."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(UserError, match=r"^[^\n]*pip install redqueen\[quickstart\]$"):
        next(Wheels().pictures())


def test_sizes_that_cannot_be_cut_are_refused() -> None:
    """Too small at construction; too large where the first photograph cannot hold it."""
    with pytest.raises(UserError, match="size 8 is too small"):
        Wheels(size=8)
    with pytest.raises(UserError, match="size 200 is too large: the held-out region of 'astronaut'"):
        list(Wheels(size=200).pictures())


def test_the_portraits_file_name_appears_nowhere(pictures: list[SourcePicture]) -> None:
    """The file is named for a person: no description, and no file of ours, holds a word of it."""
    (portrait,) = (photo for photo in PHOTOS if photo.slug == "portrait")
    name = re.compile("|".join(re.escape(word) for word in locate(portrait).stem.split("_")), re.IGNORECASE)
    texts = [repr(picture) for picture in pictures]
    texts += [Path(file).read_text(encoding="utf-8") for file in (wheels.__file__, __file__)]
    assert not [text for text in texts if name.search(text)]
