"""Debian packages: tiny ones built here, and a stand-in for apt-get that knows where they lie."""

import io
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from redqueen.corpus.schema import Material, Materials, Source, SourcePicture
from redqueen.corpus.sources import debian
from redqueen.corpus.sources.boxes import contrast, detail, overlap, spread
from redqueen.corpus.sources.debian import PACKAGES, Debian
from redqueen.corpus.sources.packages import Terms
from redqueen.errors import UserError

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb, which packs packages, is missing")

MATE, STAMPS, CLIPART = "mate-backgrounds", "tuxpaint-stamps-default", "openclipart-png"
THREE = (CLIPART, MATE, STAMPS)
FREE = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020, somebody
License: GPL-2+

Files: nature/Aqua.jpg
       nature/Dune.jpg
Copyright: 2021, somebody else
License: CC-BY-4.0
 You may do what follows.
 .
 With this.
"""
APT = """#!/bin/sh
echo "$@" >> "{log}"
test "$1" = download || exit 7
for deb in "{repository}/$2"_*.deb; do
  test -e "$deb" || {{ echo "N: a note" >&2; echo "E: Unable to locate package $2" >&2; exit 100; }}
  cp "$deb" .
done
"""


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _jpg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    return buffer.getvalue()


def _cut_out(width: int, height: int, margin: int = 20) -> bytes:
    """A red rectangle on a transparent ground."""
    picture = Image.new("RGBA", (width + 2 * margin, height + 2 * margin), (0, 0, 0, 0))
    picture.paste((200, 30, 30, 255), (margin, margin, margin + width, margin + height))
    return _png(picture)


@pytest.fixture(scope="module")
def files(scene: Any) -> dict[str, dict[str, bytes]]:
    """What lies in each package below /usr/share."""
    plain = Image.new("RGB", (400, 300), "navy")
    art, stamps = "openclipart/png", "tuxpaint/stamps"
    return {
        MATE: {
            "backgrounds/mate/nature/Aqua.jpg": _jpg(scene(1, 400, 300)),
            "backgrounds/mate/nature/Wood.jpg": _jpg(scene(2, 130)),
            "backgrounds/mate/nature/Storm.jpg": _jpg(scene(3, 80)),  # too small for crops of 100
            "backgrounds/mate/nature/Dune.jpg": _jpg(plain),  # nothing to see
            "backgrounds/mate/nature/Unseen.jpg": _jpg(scene(4, 400)),
            "backgrounds/mate/abstract/Flow.png": _png(scene(5, 400)),
            "doc/mate-backgrounds/copyright": FREE.encode(),
        },
        STAMPS: {
            f"{stamps}/animals/birds/crow.png": _cut_out(150, 90),
            f"{stamps}/animals/birds/owl.png": _cut_out(40, 30),  # too small to cut with
            f"{stamps}/military/vehicles/bradley.png": _cut_out(120, 60),
            f"{stamps}/military/vehicles/bradley_mirror.png": _cut_out(120, 60),
            f"{stamps}/clothes/hats/sombrero.png": _cut_out(200, 160),
            f"{stamps}/symbols/math/7.png": _cut_out(200, 160),
        },
        CLIPART: {
            f"{art}/animals/cat_somebody_01.png": _cut_out(300, 200),
            f"{art}/animals/cat_somebody_02.png": _cut_out(300, 210),
            f"{art}/food/cat_somebody_01.png": _cut_out(300, 200),  # lies in two folders
            f"{art}/food/pea.png": _cut_out(30, 30),
            f"{art}/food/broken.png": b"no picture",
            f"{art}/logos/company.png": _cut_out(300, 200),
        },
    }


def _build(folder: Path, name: str, files: dict[str, bytes], version: str = "1.2-3") -> None:
    tree = folder / f"tree-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: x\n"
    (tree / "DEBIAN" / "control").write_text(control)
    for file, data in files.items():
        path = tree / "usr" / "share" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    command = [
        "dpkg-deb",
        "--root-owner-group",
        "-Zgzip",
        "--build",
        str(tree),
        str(folder / f"{name}_{version}_all.deb"),
    ]
    subprocess.run(command, check=True, capture_output=True)


class World:
    """A repository of packages, and an apt-get of its own that fetches from it and notes what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.cache, self.bin = folder / "repository", folder / "cache", folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        self.repository.mkdir()
        script = self.bin / "apt-get"
        script.write_text(APT.format(log=self.log, repository=self.repository))
        script.chmod(0o755)
        self.path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def source(self, **changes: Any) -> Debian:
        settings = {"size": 100, "crops": 12, "drawings": 100, "packages": THREE}
        return Debian(str(self.cache), **{**settings, **changes})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, files: dict[str, dict[str, bytes]]) -> World:
    """Three packages, fetched once for all tests that only read."""
    made = World(tmp_path_factory.mktemp("debian"))
    for name, content in files.items():
        _build(made.repository, name, content)
    return made


@pytest.fixture
def world(built: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PATH", built.path)
    return built


@pytest.fixture
def pictures(world: World) -> list[SourcePicture]:
    source: Source = world.source()
    return list(source.pictures())


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_photographs_become_crops_and_drawings_stay_whole(pictures: list[SourcePicture]) -> None:
    count = Counter((p.kind, p.group_id) for p in pictures)
    assert count[("photo", "debian/mate-backgrounds/Aqua")] > 4
    assert count[("photo", "debian/mate-backgrounds/Wood")] >= 1
    assert {group for kind, group in count if kind == "photo"} == {f"debian/{MATE}/Aqua", f"debian/{MATE}/Wood"}
    drawings = {group: number for (kind, group), number in count.items() if kind == "drawing"}
    assert drawings == {f"debian/{CLIPART}/cat_somebody": 2, f"debian/{STAMPS}/sombrero": 1}
    assert len({picture.name for picture in pictures}) == len(pictures)


def test_crops_are_the_photographs_own_pixels(pictures: list[SourcePicture], files: Any) -> None:
    photo = _open(files[MATE]["backgrounds/mate/nature/Aqua.jpg"]).convert("RGB")
    crops = [p for p in pictures if p.group_id.endswith("/Aqua")]
    for picture in crops:
        x, y, side = picture.provenance["box"]
        assert side >= 100
        assert _open(picture.read()).tobytes() == photo.crop((x, y, x + side, y + side)).tobytes()
    sides = [picture.provenance["box"][2] for picture in crops]
    assert max(sides) / min(sides) > 1.5


def test_drawings_lie_on_a_flat_light_ground_at_their_own_size(pictures: list[SourcePicture]) -> None:
    found = {p.provenance["file"].rpartition("/")[2]: p for p in pictures if p.kind == "drawing"}
    hat = _open(found["sombrero.png"].read())
    assert (hat.mode, hat.size) == ("RGB", (224, 224))
    ground = found["sombrero.png"].provenance["ground"]
    colours = dict((colour, number) for number, colour in hat.getcolors())
    assert colours == {(200, 30, 30): 200 * 160, Image.new("RGB", (1, 1), ground).getpixel((0, 0)): 224**2 - 200 * 160}


def test_half_of_the_grounds_are_white(world: World) -> None:
    grounds = Counter(
        p.provenance["ground"] for seed in range(60) for p in world.source(seed=seed).pictures() if p.kind == "drawing"
    )
    assert 0.38 < grounds["#ffffff"] / grounds.total() < 0.62
    assert set(grounds) == set(debian.GROUNDS)


def test_materials(world: World) -> None:
    source: Materials = world.source()
    found: list[Material] = list(source.materials())
    assert Counter(one.form for one in found) == {"photo": 4, "cutout": 3, "drawing": 3}
    groups = {one.name.rpartition("/")[2]: one.group_id for one in found}
    assert groups["bradley.png"] == groups["bradley_mirror.png"] == f"debian/{STAMPS}/bradley"
    assert groups["Aqua.jpg"] == f"debian/{MATE}/Aqua"
    assert all(_open(one.read()).has_transparency_data for one in found if one.form == "cutout")


def test_versions_files_and_licences_are_recorded(pictures: list[SourcePicture]) -> None:
    found = {(p.source, p.licence) for p in pictures}
    assert (f"Debian {MATE} 1.2-3: /usr/share/backgrounds/mate/nature/Aqua.jpg", "CC-BY-4.0") in found
    assert (f"Debian {MATE} 1.2-3: /usr/share/backgrounds/mate/nature/Wood.jpg", "GPL-2+") in found
    licences = {p.source.split()[1]: p.licence for p in pictures}
    assert licences[CLIPART] == "public domain (Creative Commons Public Domain Dedication)"
    assert licences[STAMPS] == f"see /usr/share/doc/{STAMPS}/copyright of Debian {STAMPS} 1.2-3"
    assert all(json.loads(json.dumps(p.provenance)) == p.provenance for p in pictures)


def test_what_no_list_names_is_left_out_and_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Unseen, Flow, the numeral, the logo, the second copy of the cat, and what is no picture."""
    found = [p.name for p in world.source().pictures()] + [m.name for m in world.source().materials()]
    assert not [name for name in found if any(word in name for word in ("Unseen", "Flow", "math", "logos", "broken"))]
    assert "6 pictures in the Debian packages are on no list" in capsys.readouterr().err


def test_same_seed_same_pictures(world: World) -> None:
    first, again, other = ({p.name: p.read() for p in world.source(seed=s).pictures()} for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_drawings_are_chosen_by_lot_and_keep_their_order(world: World) -> None:
    every = [p.name for p in world.source().pictures() if p.kind == "drawing"]
    some = [[p.name for p in world.source(drawings=2, seed=s).pictures() if p.kind == "drawing"] for s in range(12)]
    assert all(chosen == [name for name in every if name in chosen] and len(chosen) == 2 for chosen in some)
    assert len({tuple(chosen) for chosen in some}) == 3


def test_one_photograph_is_decoded_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    debian._decode.cache_clear()
    for picture in world.source().pictures():
        picture.read()
    assert debian._decode.cache_info().misses == 2
    assert debian._decode.cache_info().currsize == 1


@pytest.fixture
def fresh(tmp_path: Path, files: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    _build(made.repository, STAMPS, files[STAMPS])
    monkeypatch.setenv("PATH", made.path)
    return made


def test_a_package_is_fetched_once(fresh: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        source = fresh.source(packages=[STAMPS])
        source.fingerprint()
        assert list(source.pictures())
    assert fresh.asked() == [f"download {STAMPS}"]
    assert sorted(path.name for path in fresh.cache.iterdir()) == [STAMPS]
    monkeypatch.setenv("PATH", "")
    assert list(fresh.source(packages=[STAMPS]).pictures()), "what is there needs no apt-get"


def test_the_cache_may_be_a_relative_path(fresh: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(Debian("kept/here", packages=[STAMPS]).materials())
    assert (tmp_path / "kept" / "here" / STAMPS).is_dir()


def test_the_fingerprint_names_the_versions(fresh: World, files: Any) -> None:
    seen = [fresh.source(packages=[STAMPS]).fingerprint() for _ in range(2)]
    shutil.rmtree(fresh.cache)
    seen.append(fresh.source(packages=[STAMPS]).fingerprint())
    assert len(set(seen)) == 1
    for path in fresh.repository.glob("*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _build(fresh.repository, STAMPS, files[STAMPS], "1.2-4")
    shutil.rmtree(fresh.cache)
    seen.append(fresh.source(packages=[STAMPS]).fingerprint())
    assert len(set(seen)) == 2


def _refused(source: Debian) -> str:
    with pytest.raises(UserError) as error:
        source.fingerprint()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_machine_without_apt(fresh: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fresh.repository))
    assert "needs apt-get, which this machine does not have" in _refused(fresh.source(packages=[STAMPS]))
    monkeypatch.setenv("PATH", str(fresh.bin))
    assert "needs dpkg-deb, which this machine does not have" in _refused(fresh.source(packages=[STAMPS]))


def test_a_package_that_cannot_be_fetched_is_named(fresh: World) -> None:
    text = _refused(fresh.source(packages=[STAMPS, MATE]))
    assert f"package '{MATE}' cannot be fetched (Unable to locate package {MATE})" in text
    assert "source.packages=" in text
    assert [path.name for path in fresh.cache.iterdir()] == [STAMPS], "what came before it stays"


def test_a_package_that_cannot_be_unpacked_leaves_nothing(fresh: World) -> None:
    (deb,) = fresh.repository.glob("*.deb")
    deb.write_bytes(deb.read_bytes()[:900])
    assert f"package '{STAMPS}' cannot be unpacked" in _refused(fresh.source(packages=[STAMPS]))
    assert list(fresh.cache.iterdir()) == []


def test_settings_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no picture of 'linux-image' is on the list; allowed: \["):
        Debian(str(tmp_path), packages=["linux-image"])
    with pytest.raises(UserError, match="source.size=8 is too small"):
        Debian(str(tmp_path), size=8)


def test_the_list_is_in_order() -> None:
    """Every default package is on it; no rule stands twice; what is left out stands before what it is taken from."""
    rules = debian._list()
    assert {rule["package"] for rule in rules} == set(PACKAGES)
    assert {rule["form"] for rule in rules} == {"photo", "cutout", "drawing", "leave out"}
    assert len({(rule["package"], rule["file"]) for rule in rules}) == len(rules)
    forms = [rule["form"] for rule in rules if rule["package"] == CLIPART]
    assert forms == sorted(forms, key=lambda form: form != "leave out")
    counts = Counter(rule["form"] for rule in rules if "*" not in rule["file"])
    assert counts["photo"] >= 60 and counts["cutout"] >= 300


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (256, 256), (2560, 1600)])
def test_boxes_differ_and_stay_inside(width: int, height: int) -> None:
    boxes = spread(width, height, 128, 30, np.random.default_rng(0))
    assert boxes == spread(width, height, 128, 30, np.random.default_rng(0))
    assert len(boxes) > 4
    for x, y, side in boxes:
        assert 128 <= side <= min(width, height)
        assert 0 <= x <= width - side and 0 <= y <= height - side
    squares = np.array(boxes)
    shared = overlap(squares[:, None], squares[None])
    assert (shared[~np.eye(len(boxes), dtype=bool)] <= 0.5).all()


def test_sides_are_log_uniform() -> None:
    logs = np.log([side for _, _, side in spread(5000, 5000, 100, 400, np.random.default_rng(1))])
    assert abs(np.mean(logs) - np.log(100 * 5000) / 2) < 0.25 * np.log(50)


def test_photographs_that_are_too_small_give_no_box() -> None:
    assert spread(300, 99, 100, 5, np.random.default_rng(0)) == []
    assert spread(300, 300, 100, 0, np.random.default_rng(0)) == []


def test_overlap_is_counted_in_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        squares = rng.integers(1, 12, (2, 3))
        grids = [np.zeros((30, 30), bool) for _ in squares]
        for grid, (x, y, side) in zip(grids, squares, strict=True):
            grid[y : y + side, x : x + side] = True
        expected = (grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum()
        assert overlap(squares[0], squares[1]) == pytest.approx(expected)


def test_contrast_is_that_of_the_pixels() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (96, 64), dtype=np.uint8)
    cells = detail(grey)
    assert cells.shape == (2, 32, 32)
    for box in ((0, 0, 64), (8, 24, 32), (16, 60, 8)):
        x, y, side = box
        y -= y % 3
        expected = grey[y : y + side + (-side % 3), x : x + side].std()
        assert contrast(cells, 64, 96, (x, y, side)) == pytest.approx(expected, rel=0.05)
    assert contrast(detail(np.full((40, 50), 9, np.uint8)), 50, 40, (3, 3, 20)) == pytest.approx(0)


def test_boxes_avoid_what_is_plain() -> None:
    """A picture whose left half is one colour: most squares lie on the other."""
    grey = np.random.default_rng(0).integers(0, 256, (400, 800), dtype=np.uint8)
    grey[:, :500] = 128
    boxes = spread(800, 400, 80, 30, np.random.default_rng(0), detail(grey))
    assert boxes
    assert all(x + side > 500 for x, _, side in boxes)


def test_the_last_paragraph_that_fits_decides() -> None:
    terms = Terms(FREE + "\nFiles: nature/*\nLicense: MIT\n\nLicense: MIT\n Words.\n")
    assert terms.of("backgrounds/mate/nature/Aqua.jpg") == "MIT"
    assert terms.of("backgrounds/elsewhere/Dune.jpg") == "CC-BY-4.0"  # by its name alone
    assert terms.of("backgrounds/elsewhere/Other.jpg") == "GPL-2+"
