"""The baseline source: counts, pools that share nothing, laziness, seeds, and what it refuses."""

import functools
import io
import itertools
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image, ImageDraw, PngImagePlugin

import stand_ins
from redqueen.corpus.handmade.pools import by_lot, for_collages, for_scenes
from redqueen.corpus.handmade.recipe import from_json
from redqueen.corpus.schema import Material, SourcePicture
from redqueen.corpus.sources import baseline
from redqueen.corpus.sources.baseline import Baseline, decoded, make
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import configs

SIDES = (64, 96)
MARK = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def encoded(form: str, number: int, **options: Any) -> bytes:
    """A smooth photograph, or a disc or square with alpha, of a colour of its own."""
    rng = np.random.default_rng([len(form), number])
    if form == "photo":
        cells = rng.integers(0, 256, (5, 5, 3)).astype(np.uint8)
        picture = Image.fromarray(cells).resize((160, 120), Image.Resampling.BICUBIC)
    else:
        picture = Image.new("RGBA", (60, 50))
        colour = (*rng.integers(0, 256, 3).tolist(), 255)
        ImageDraw.Draw(picture).ellipse((10, 5, 49, 44), fill=colour)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


@dataclass
class Lender:
    """A source of photographs that lends materials and notes which of them are read."""

    counts: dict[str, int] = field(default_factory=lambda: {"photo": 12, "cutout": 40, "drawing": 30})
    name: str = "lender"
    read: list[str] = field(default_factory=list)
    own: tuple[SourcePicture, ...] = ()

    def fingerprint(self) -> str:
        return "lender's"

    def pictures(self) -> Iterator[SourcePicture]:
        yield from self.own

    def materials(self) -> Iterator[Material]:
        for form, count in self.counts.items():
            for number in range(count):
                name = f"{form}/{number}"
                yield Material(
                    name, functools.partial(self._read, name, form, number), form,
                    f"lender/{form}/{number // 2 if form == 'drawing' else number}", f"{form}s", f"licence of {form}s",
                )  # fmt: skip

    def _read(self, name: str, form: str, number: int) -> bytes:
        self.read.append(name)
        return encoded(form, number)


def picture(name: str, kind: Any = "photo") -> SourcePicture:
    return SourcePicture(name, lambda: b"", kind, "a group", "a source", "CC0-1.0")


def baseline_of(source: Any = None, **changes: Any) -> Baseline:
    return Baseline(source or Lender(), **{"collages": 60, "scenes": 30, "tracings": 10, "sides": SIDES, **changes})


def components(pictures: list[SourcePicture]) -> dict[str, str]:
    """The set that each group falls into once all groups of a picture are one: what a corpus splits by."""
    parent: dict[str, str] = {}

    def root(group: str) -> str:
        while parent.setdefault(group, group) != group:
            group = parent[group]
        return group

    for one in pictures:
        for other in one.linked:
            parent[root(other)] = root(one.group_id)
        root(one.group_id)
    return {group: root(group) for group in parent}


def sort_of(one: SourcePicture) -> str:
    return one.name.split("/")[1]


def test_counts_kinds_names_and_order():
    own = (picture("first"), picture("second", "drawing"))
    pictures = list(baseline_of(Lender(own=own)).pictures())
    assert tuple(pictures[:2]) == own
    made = pictures[2:]
    assert Counter((sort_of(one), one.kind) for one in made) == {
        ("collages", "collage"): 60,
        ("scenes", "drawing"): 30,
        ("tracings", "drawing"): 10,
    }
    assert len({one.name for one in made}) == 100
    again = list(baseline_of(Lender(own=own)).pictures())[2:]
    assert [(one.name, one.provenance) for one in again] == [(one.name, one.provenance) for one in made]


def test_nothing_is_read_before_a_picture_is():
    source = Lender()
    pictures = list(baseline_of(source).pictures())
    assert source.read == []
    decoded.cache_clear()
    assert pictures[0].read()
    used = from_json(pictures[0].provenance["recipe"]).materials
    assert sorted(source.read) == sorted(used)


def test_provenance_is_enough_to_make_every_picture_again():
    materials = {one.name: one for one in Lender().materials()}
    for one in list(baseline_of().pictures())[::7]:
        recipe = from_json(one.provenance["recipe"])
        data = one.read()
        assert make(recipe, [materials[name] for name in recipe.materials]) == data
        with Image.open(io.BytesIO(data)) as image:
            assert min(image.size) >= SIDES[0]
            assert image.mode == "RGB"


def test_a_picture_names_the_groups_licences_and_sources_of_all_that_it_shows():
    materials = {one.name: one for one in Lender().materials()}
    for one in baseline_of().pictures():
        used = [materials[name] for name in from_json(one.provenance["recipe"]).materials]
        assert {one.group_id, *one.linked} == {material.group_id for material in used}
        assert one.group_id not in one.linked
        assert set(one.licence.split("; ")) == {material.licence for material in used}
        assert set(one.source.split("; ")) == {material.source for material in used}
        assert one.generator is one.released is None
        forms = {material.form for material in used}
        assert forms <= {"collages": {"photo", "cutout"}, "scenes": {"drawing"}, "tracings": {"photo"}}[sort_of(one)]


def test_pools_share_nothing_and_groups_stay_near_the_number_of_photographs():
    pictures = [one for one in baseline_of(tracings=0).pictures() if sort_of(one) == "collages"]
    pools = components(pictures)
    photos = {group for group in pools if "/photo/" in group}
    assert len(photos) == 12
    assert 9 <= len(set(pools.values())) <= 12
    lent = {form: by_lot((m for m in Lender().materials() if m.form == form), 100, 0) for form in ("photo", "cutout")}
    hands = for_collages(lent["photo"], lent["cutout"], 60)
    for one, other in itertools.combinations(hands, 2):
        assert not {m.group_id for m in one.by_name.values()} & {m.group_id for m in other.by_name.values()}
    assert all(hand.photos and len(hand.others) >= 4 for hand in hands)


def test_few_cutouts_or_few_pictures_make_few_pools():
    lent = {form: by_lot((m for m in Lender().materials() if m.form == form), 100, 0) for form in ("photo", "cutout")}
    some = dict(list(lent["cutout"].items())[:9])
    assert len(for_collages(lent["photo"], some, 60)) == 2
    assert len(for_collages(lent["photo"], dict(list(some.items())[:1]), 60)) == 1
    assert len(for_collages(lent["photo"], lent["cutout"], 7)) == 2
    assert len(for_collages(lent["photo"], {}, 1)) == 1
    many = for_collages(lent["photo"], some, 400)
    assert [len(hand.photos) for hand in many] == [4, 4], "many collages of a pool have several backgrounds"


def test_groups_of_drawings_stay_together():
    drawings = by_lot((m for m in Lender().materials() if m.form == "drawing"), 100, 0)
    assert all(len(group) == 2 for group in drawings.values())
    hands = for_scenes({f"{i}": group for i, group in enumerate([*drawings.values()] * 2)}, 40)
    assert [len(hand.others) for hand in hands] == [30, 30]
    assert len(for_scenes(drawings, 1)) == 1


@pytest.mark.parametrize("most", [1, 5, 40])
def test_the_lot_takes_the_same_groups_in_any_order_and_forgets_the_rest(most):
    materials = [
        replace(one, group_id=f"g{number % 50}") for number, one in enumerate(Lender({"photo": 400}).materials())
    ]
    forth, back = by_lot(materials, most, 3), by_lot(reversed(materials), most, 3)
    assert list(forth) == list(back)
    assert len(forth) == most
    assert all({m.name for m in forth[group]} == {m.name for m in back[group]} for group in forth)
    assert all(len(group) == 8 for group in forth.values())
    assert most == 40 or list(by_lot(materials, most, 4)) != list(forth)


def test_another_seed_gives_other_pictures_and_another_fingerprint():
    first, again, other = (list(baseline_of(seed=seed).pictures()) for seed in (0, 0, 1))
    backwards = [one.read() for one in reversed(again)][::-1]
    assert [one.read() for one in first] == backwards
    assert [one.provenance for one in first] == [one.provenance for one in again]
    assert sum(a.provenance == b.provenance for a, b in zip(first, other, strict=True)) == 0
    prints = [
        baseline_of(**changes).fingerprint() for changes in ({}, {"seed": 1}, {"collages": 61}, {"sides": (64, 97)})
    ]
    assert len(set(prints)) == 4
    assert baseline_of().fingerprint() == prints[0]


def test_nothing_added_is_the_source_itself():
    source = Lender(own=(picture("only"),))
    plain = Baseline(source)
    assert (plain.name, plain.fingerprint(), tuple(plain.pictures())) == ("lender", "lender's", source.own)


def test_without_cutouts_there_are_collages_and_without_drawings_no_scenes():
    source = Lender({"photo": 5})
    assert all(one.read() for one in baseline_of(source, collages=12, scenes=0, tracings=0).pictures())
    with pytest.raises(UserError, match=r"^source 'lender' lends no drawing .*baseline=none$"):
        list(baseline_of(source).pictures())
    with pytest.raises(UserError, match="lends no photo"):
        list(baseline_of(Lender({"cutout": 5}), scenes=0).pictures())


def test_a_source_that_lends_nothing_is_told_in_one_line():
    with pytest.raises(UserError, match=r"^source 'stand-in' lends no materials[^\n]*source=debian$"):
        next(baseline_of(stand_ins.Pictures()).pictures())
    assert len(list(Baseline(stand_ins.Pictures(photos=1, others=1, generated=1)).pictures())) == 5


def test_left_out_materials_are_never_used():
    names = set()
    for one in baseline_of(leave_out=["photo/*", "cutouts", "*flag*"], collages=0, tracings=0).pictures():
        names.update(from_json(one.provenance["recipe"]).materials)
    assert names
    with pytest.raises(UserError, match="lends no photo"):
        list(baseline_of(leave_out=["photos"]).pictures())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"collages": -1}, "baseline.collages=-1"),
        ({"sides": (300, 200)}, r"baseline.sides=\[300, 200\]"),
        ({"sides": (8, 200)}, "16 or more"),
    ],
)
def test_numbers_out_of_range_are_refused(changes, said):
    with pytest.raises(UserError, match=said):
        baseline_of(**changes)


def test_a_generated_picture_among_the_materials_is_an_error():
    own = (picture("photo/3", "generated"),)
    with pytest.raises(UserError, match="photo/3 is generated"):
        list(baseline_of(Lender(own=own)).pictures())
    wrong = Lender({"generated": 3})
    with pytest.raises(UserError, match="generated/0: 'generated' is no material; allowed: photo, cutout, drawing"):
        list(baseline_of(wrong).pictures())


@pytest.mark.parametrize("compressed", [False, True])
def test_material_whose_metadata_says_generated_is_an_error(compressed):
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("XML:com.adobe.xmp", f"<x Iptc4xmpExt:DigitalSourceType='{MARK}'/>", zip=compressed)
    material = Material("m", lambda: encoded("photo", 1, pnginfo=notes), "photo", "g", "s", "l")
    with pytest.raises(UserError, match="m is marked as generated"):
        decoded(material)
    assert decoded(replace(material, read=lambda: encoded("photo", 1)))


def test_materials_are_upright_without_margin_and_not_larger_than_needed():
    lent = {one.form: one for one in Lender({"photo": 1, "cutout": 1, "drawing": 1}).materials()}
    assert decoded(lent["photo"]).mode == "RGB"
    assert (decoded(lent["cutout"]).mode, decoded(lent["cutout"]).size) == ("RGBA", (40, 40))
    exif = Image.Exif()
    exif[274] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (3000, 900), "red").save(buffer, "JPEG", exif=exif)
    assert decoded(Material("m", buffer.getvalue, "photo", "g", "s", "l")).size == (720, 2400)


@pytest.mark.parametrize(
    ("form", "colour", "said"),
    [("cutout", (255, 0, 0, 255), "nothing in it is transparent"), ("drawing", (0, 0, 0, 0), "transparent everywhere")],
)
def test_material_that_shows_nothing_is_rejected(form, colour, said):
    data = stand_ins.png(np.full((20, 20, 4), colour, dtype=np.uint8))
    with pytest.raises(RejectedPictureError, match=said):
        decoded(Material("m", lambda: data, form, "g", "s", "l"))
    broken = Material("m", lambda: encoded("photo", 1)[:300], "photo", "g", "s", "l")
    with pytest.raises(RejectedPictureError):
        decoded(broken)


def test_few_materials_stay_in_memory_and_neighbours_share_them():
    source = Lender()
    decoded.cache_clear()
    pictures = [one for one in baseline_of(source, scenes=0, tracings=0).pictures()]
    uses = 0
    for one in pictures:
        one.read()
        uses += len(from_json(one.provenance["recipe"]).materials)
    assert decoded.cache_info().currsize <= 12
    assert len(source.read) < 0.5 * uses


def test_pictures_can_be_sent_to_another_process():
    one = next(baseline_of(scenes=0, tracings=0).pictures())
    assert pickle.loads(pickle.dumps(one)).read() == one.read()


@pytest.mark.parametrize("name", [name for name in stand_ins.names("baseline") if name != "sample"])  # adds nothing
def test_every_yaml_wraps_a_source(name):
    wrap = instantiate(OmegaConf.load(configs() / "baseline" / f"{name}.yaml"))
    made = wrap(Lender())
    wanted = {"none": 0, "collage": 1200, "drawing": 1100, "both": 2300}[name]
    assert sum(made.counts.values()) == wanted
    assert (next(made.pictures(), None) is None) == (wanted == 0)


def test_collages_of_the_layout_version_are_part_of_the_fingerprint(monkeypatch):
    before = baseline_of().fingerprint()
    monkeypatch.setattr(baseline, "_VERSION", 99)
    assert baseline_of().fingerprint() != before
