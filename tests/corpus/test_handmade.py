"""Handmade pictures: made again from their recipe, of every layout, with the faults that were asked for."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw
from pydantic import ValidationError

from redqueen.corpus.handmade import flags, layouts, scenes
from redqueen.corpus.handmade.canvas import grown
from redqueen.corpus.handmade.compose import canvas_size, compose, encode
from redqueen.corpus.handmade.dice import Dice
from redqueen.corpus.handmade.lettering import WORDS, font_of
from redqueen.corpus.handmade.recipe import (
    Caption,
    CutOut,
    Flag,
    Ground,
    Mark,
    Panel,
    Recipe,
    Save,
    Shadow,
    Tone,
    from_json,
    to_json,
)
from redqueen.corpus.handmade.styling import Pool, lines

SIDES = (256, 420)
POOL = Pool([f"photo-{i}" for i in range(2)], [f"cutout-{i}" for i in range(6)])
GREY = Ground("flat", ("#808080", "#808080"))


def _photo(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


def _disc(colour: str, side: int = 120) -> Image.Image:
    picture = Image.new("RGBA", (side, side))
    ImageDraw.Draw(picture).ellipse((0, 0, side - 1, side - 1), fill=colour)
    return picture


MATERIALS = {
    **{name: _photo(seed) for seed, name in enumerate(POOL.photos)},
    **dict(zip(POOL.cutouts, map(_disc, ("red", "lime", "blue", "cyan", "pink", "tan")), strict=True)),
}
TEXTS = {line.lower() for words in WORDS for line in (words, *lines(words))}
EVERY = [("collage", name) for name in layouts.LAYOUTS] + [("scene", name) for name in scenes.LAYOUTS]


def _plan(sort: str, layout: str, seed: int, monkeypatch: pytest.MonkeyPatch, pool: Pool = POOL) -> Recipe:
    module = {"collage": layouts, "scene": scenes}[sort]
    monkeypatch.setattr(module, "LAYOUTS", {layout: (1.0, module.LAYOUTS[layout][1])})
    if sort == "collage":
        return layouts.collage(Dice(seed), pool, *SIDES)
    return scenes.scene(Dice(seed), pool.cutouts, *SIDES)


def _pixels(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture.convert("RGB"), dtype=np.int16)


def _plain(*layers: object, size: tuple[int, int] = (300, 300)) -> Recipe:
    return Recipe("test", size, 16, GREY, tuple(layers))


@pytest.mark.parametrize(("sort", "layout"), EVERY)
def test_a_recipe_that_went_through_json_gives_the_same_bytes(sort, layout, monkeypatch) -> None:
    before = {name: picture.tobytes() for name, picture in MATERIALS.items()}
    for seed in range(3):
        recipe = _plan(sort, layout, seed, monkeypatch)
        again = from_json(json.loads(json.dumps(to_json(recipe))))
        assert again == recipe == _plan(sort, layout, seed, monkeypatch)
        data = encode(recipe, MATERIALS)
        assert data == encode(again, {name: MATERIALS[name] for name in recipe.materials})
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.mode == "RGB"
            assert min(picture.size) >= SIDES[0]
            assert picture.format == ("JPEG" if recipe.saves else "PNG")
    assert {name: picture.tobytes() for name, picture in MATERIALS.items()} == before, "a material was painted on"


@pytest.mark.parametrize(("sort", "layout"), EVERY)
def test_layouts_use_enough_material_and_neutral_words(sort, layout, monkeypatch) -> None:
    for seed in range(40):
        recipe = _plan(sort, layout, seed, monkeypatch)
        pieces = [one for one in recipe.layers if isinstance(one, CutOut)]
        assert 2 <= len(pieces) <= (5 if sort == "collage" else 8)
        assert set(recipe.materials) <= {*POOL.photos, *POOL.cutouts}
        assert SIDES[0] <= min(recipe.size) <= SIDES[1]
        for caption in (one for one in recipe.layers if isinstance(one, Caption)):
            assert {line.lower() for line in caption.lines} <= TEXTS
    assert _plan(sort, layout, 0, monkeypatch) != _plan(sort, layout, 1, monkeypatch)


def test_every_collage_layout_has_its_share() -> None:
    recipes = [layouts.collage(Dice("shares", seed), POOL, *SIDES) for seed in range(600)]
    total = sum(share for share, _ in layouts.LAYOUTS.values())
    for name, (share, _) in layouts.LAYOUTS.items():
        assert np.mean([one.layout == name for one in recipes]) == pytest.approx(share / total, abs=0.06)
    saves = [one.saves for one in recipes]
    assert {len(some) for some in saves} == {1, 2, 3}
    assert all(55 <= save.quality <= 95 and save.scale <= 1 for some in saves for save in some)
    assert any(save.scale < 1 for some in saves for save in some)
    assert len({save.subsampling for some in saves for save in some}) == 3


def test_without_cutouts_shapes_are_cut_from_photographs() -> None:
    for seed in range(20):
        recipe = layouts.collage(Dice(seed), Pool(POOL.photos), *SIDES)
        pieces = [one for one in recipe.layers if isinstance(one, CutOut)]
        assert len(pieces) >= 2
        assert all(one.shape and one.material in POOL.photos for one in pieces)
        assert encode(recipe, MATERIALS)


def test_no_slogan_and_nothing_about_elections_in_the_words() -> None:
    told = " ".join(WORDS).lower()
    for word in ("vote", "elect", "ballot", "poll", "party", "president", "candidate", "great", "together", "forward"):
        assert word not in told


@pytest.mark.parametrize("name", flags.DESIGNS)
def test_flags_are_painted_in_colours_of_no_country(name) -> None:
    cloth = flags.design(name)
    ours = {ImageColor.getrgb(colour) for colour in vars(flags).values() if str(colour).startswith("#")}
    found = {pixel for _, pixel in cloth.getcolors()}
    assert found <= ours
    assert len(found) >= 2
    assert found & {ImageColor.getrgb(one) for one in (flags.TEAL, flags.PLUM, flags.OLIVE)}
    waved = np.asarray(flags.waved(cloth, 0.1))
    assert waved.shape[0] > cloth.height
    assert set(np.unique(waved[..., 3])) == {0, 255}
    assert (waved[..., 3] > 0).sum() == cloth.width * cloth.height, "no part of the cloth is lost"


def test_no_flag_is_that_of_another_design() -> None:
    assert len({flags.design(name).tobytes() for name in flags.DESIGNS}) == len(flags.DESIGNS)


def _cut(**changes: object) -> NDArray[np.int16]:
    """A red disc of 150 pixels in the middle of 300 x 300 grey ones."""
    cutout = CutOut("red", (0.5, 0.75), (0.5, 0.5), reach=0.04, fringe="#00ff00")
    return _pixels(compose(_plain(replace(cutout, **changes)), {"red": _disc("red", 300)}))


def _share(pixels: NDArray[np.int16], colour: str) -> float:
    return float((np.abs(pixels - np.array(ImageColor.getrgb(colour))).max(axis=2) < 40).mean())


def test_a_hard_cutout_lies_where_its_recipe_says() -> None:
    pixels = _cut()
    red = (pixels == (255, 0, 0)).all(axis=2)
    assert red.mean() == pytest.approx(np.pi * 75**2 / 300**2, rel=0.02)
    assert (np.flatnonzero(red.any(axis=1))[[0, -1]] == (75, 224)).all()
    assert set(map(tuple, pixels.reshape(-1, 3))) <= {(128, 128, 128), *((r, 0, 0) for r in range(248, 256))}


def test_edges_leave_what_they_are_named_for() -> None:
    red = {edge: _share(_cut(edge=edge), "red") for edge in ("hard", "eroded", "halo", "stroke", "jagged", "feathered")}
    green = {edge: _share(_cut(edge=edge), "#00ff00") for edge in red}
    assert red["eroded"] < 0.93 * red["hard"]
    assert red["jagged"] == pytest.approx(red["hard"], rel=0.1)
    assert green["hard"] == green["eroded"] == green["feathered"] == 0
    ring = np.pi * ((75 + 6) ** 2 - 75**2) / 300**2  # reach 0.04 of 150 pixels
    assert green["stroke"] == pytest.approx(ring, rel=0.35)
    assert green["halo"] > 0.5 * ring
    halo = (_cut(edge="halo") == (0, 255, 0)).all(axis=2)
    assert halo[:, :150].sum() > 1.2 * halo[:, 150:].sum(), "thicker on one side"
    mixed = (_cut(edge="feathered")[150, 60:90] != (128, 128, 128)).any(axis=1).sum()
    assert mixed > (_cut(edge="hard")[150, 60:90] != (128, 128, 128)).any(axis=1).sum()


def test_jagged_edges_are_staircases() -> None:
    """Every step of the outline is a whole block: the mask changes in far fewer columns than a smooth one does."""
    tops = {edge: (_cut(edge=edge) != 128).any(axis=2).argmax(axis=0) for edge in ("hard", "jagged")}
    changes = {edge: np.count_nonzero(np.diff(top[90:210])) for edge, top in tops.items()}
    assert changes["jagged"] < 0.6 * changes["hard"]


@pytest.mark.parametrize("reach", [-6, -3, 3, 6])
def test_a_mask_grows_by_about_its_reach(reach) -> None:
    mask = Image.new("L", (200, 200))
    ImageDraw.Draw(mask).ellipse((50, 50, 149, 149), fill=255)
    area = (np.asarray(grown(mask, reach)) > 127).sum()
    assert np.sqrt(area / np.pi) - 50 == pytest.approx(reach, abs=1.6)


@pytest.mark.parametrize(("angle", "side"), [(0, "right"), (90, "top"), (180, "left"), (270, "bottom")])
def test_a_shadow_falls_to_its_angle(angle, side) -> None:
    dark = _cut(shadow=Shadow(angle, 0.08, 0.01, 0.9)).sum(axis=2) < 300
    dark &= ~(_cut() == (255, 0, 0)).all(axis=2)
    halves = {"right": dark[:, 150:], "left": dark[:, :150], "top": dark[:150], "bottom": dark[150:]}
    assert halves[side].sum() > 0.9 * dark.sum() > 0


def test_tones_do_what_they_say() -> None:
    plain = Panel("photo-0", (0, 0, 1, 1), (0.5, 0.5, 0.8))

    def seen(**tone: object) -> NDArray[np.int16]:
        return _pixels(compose(_plain(replace(plain, tone=Tone(**tone))), MATERIALS))

    assert seen(brightness=0.6).mean() == pytest.approx(0.6 * seen().mean(), rel=0.02)
    assert np.ptp(seen(saturation=0.0), axis=2).max() == 0
    assert seen(contrast=0.5).std() < 0.7 * seen().std()
    red, _, blue = (seen(warmth=0.8) - seen()).mean(axis=(0, 1))
    assert red > 5
    assert blue < -5
    assert np.ptp(seen(tint="#c03030"), axis=2).max() > 100


def test_photographs_are_enlarged_twice_and_cutouts_three_times_at_most() -> None:
    small = {"photo": _photo(0, (150, 150)), "cut": _disc("red", 40)}
    panel = Panel("photo", (0, 0, 1, 1), (0.5, 0.5, 1.0))
    assert canvas_size(_plain(panel, size=(1000, 1000)), small) == (300, 300)
    assert canvas_size(_plain(replace(panel, box=(0, 0, 0.5, 0.5)), size=(1000, 1000)), small) == (600, 600)
    assert canvas_size(_plain(CutOut("cut", (0.5, 1), (0.3, 0.3)), size=(1000, 1000)), small) == (400, 400)
    least = replace(_plain(panel, size=(1000, 500)), least=400)
    assert canvas_size(least, small) == (800, 400), "never under the least side"


def test_a_save_between_changes_the_size_and_the_last_decides_the_file() -> None:
    saves = (Save(90, "4:4:4"), Save(60, "4:2:0", 0.5))
    recipe = replace(_plain(Panel("photo-0", (0, 0, 1, 1), (0.5, 0.5, 1.0))), saves=saves)
    with Image.open(io.BytesIO(encode(recipe, MATERIALS))) as picture:
        assert picture.size == (150, 150)
        expected = io.BytesIO()
        Image.new("RGB", (8, 8)).save(expected, "JPEG", quality=60)
        assert picture.quantization == Image.open(expected).quantization
        assert [layer[1:3] for layer in picture.layer] == [(2, 2), (1, 1), (1, 1)]  # 4:2:0
    with Image.open(io.BytesIO(encode(replace(recipe, least=280), MATERIALS))) as picture:
        assert picture.size == (280, 280)


@pytest.mark.parametrize("narrow", [False, True])
def test_captions_fill_their_box_and_stay_inside(narrow) -> None:
    caption = Caption(("LOOK AT", "THIS"), (0.1, 0.2, 0.9, 0.6), "white", ground="#000080", narrow=narrow)
    pixels = _pixels(compose(_plain(caption), {}))
    changed = (pixels != 128).any(axis=2)
    assert changed[60:180, 30:270].all()
    assert changed.sum() == 120 * 240
    ink = np.argwhere((pixels > 200).all(axis=2))
    assert 0.05 < len(ink) / changed.sum() < 0.5
    assert np.ptp(ink[:, 0]) > 0.6 * 120 or np.ptp(ink[:, 1]) > 0.8 * 240


def test_an_outline_is_painted_around_letters_on_the_picture() -> None:
    pixels = _pixels(compose(_plain(Caption(("WOW",), (0, 0, 1, 0.5), "white", outline="black")), {}))
    assert _share(pixels, "white") > 0.03
    assert _share(pixels, "black") > 0.01
    assert (pixels[160:] == 128).all()


@pytest.mark.parametrize("font", ["sans", "sans-light", "slanted", "serif", "typewriter", "book", "plain"])
def test_fonts_have_every_letter_that_is_written(font) -> None:
    box = font_of(font, 40).getmask("\ufffe").getbbox()
    for letter in sorted({letter for words in WORDS for letter in words if letter != " "}):
        mask = font_of(font, 40).getmask(letter)
        assert mask.getbbox(), letter
        assert mask.getbbox() != box or letter in "0DOI", f"{letter!r} looks like the box for what is missing"


@pytest.mark.parametrize("form", ["arrow", "curved arrow", "ring", "line", "cross", "box"])
def test_marks_touch_the_points_they_are_given(form) -> None:
    mark = Mark(form, ((0.3, 0.3), (0.7, 0.7)), "red", 0.02)
    pixels = _pixels(compose(_plain(mark), {}))
    drawn = np.argwhere(np.abs(pixels - 128).max(axis=2) > 60)
    assert 0.002 < len(drawn) / 300**2 < 0.08
    assert drawn.min() > 70
    assert drawn.max() < 225
    assert np.hypot(*(drawn - 210).T).min() < 30 or form == "ring"


def test_a_flag_over_the_whole_picture_lets_it_through() -> None:
    seen = _pixels(compose(_plain(Flag("quarters", (0, 0, 1, 1), opacity=0.4)), {}))
    teal = np.array(ImageColor.getrgb(flags.TEAL))
    assert np.abs(seen[20, 20] - (0.6 * 128 + 0.4 * teal)).max() <= 2


def test_a_recipe_with_an_unknown_key_or_value_is_refused() -> None:
    good = to_json(_plain(Mark("ring", ((0, 0), (1, 1)), "red", 0.1)))
    assert from_json(good)
    for wrong in ({**good, "extra": 1}, {**good, "layers": [{**good["layers"][0], "form": "star"}]}):
        with pytest.raises(ValidationError):
            from_json(wrong)
    with pytest.raises(KeyError, match="photo-9"):
        compose(_plain(Panel("photo-9", (0, 0, 1, 1), (0.5, 0.5, 1.0))), MATERIALS)


def test_dice_are_the_same_on_every_machine_and_fair() -> None:
    assert [Dice("a", 1).between(0, 1), Dice("a", 1).count(0, 9), Dice("a", 1).one("xyz")] == [
        Dice("a", 1).between(0, 1), Dice("a", 1).count(0, 9), Dice("a", 1).one("xyz"),
    ]  # fmt: skip
    dice = Dice("fair")
    assert np.mean([dice.chance(0.3) for _ in range(2000)]) == pytest.approx(0.3, abs=0.04)
    assert sorted(dice.some("abc", 6)) == list("aabbcc")
    sides = [dice.side(256, 1024) for _ in range(2000)]
    assert 256 <= min(sides) <= max(sides) <= 1024
    assert np.mean([side < 512 for side in sides]) == pytest.approx(0.5, abs=0.05)
    assert all(not 0.8 < dice.off_one(0.5, 1.5) < 1.2 for _ in range(50))
