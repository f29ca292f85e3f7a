"""A source with the human-made baselines beside its own pictures: collages, clip-art scenes and traced photographs.

They are composed of what the source lends, and only when they are read. What meets in a picture is a pool of its own,
and the picture names the groups of all that it shows, so that they end in one split.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import cast, get_args, get_type_hints

from PIL import Image

from redqueen.corpus.decode import open_picture, to_rgb, upright
from redqueen.corpus.handmade.compose import encode
from redqueen.corpus.handmade.dice import Dice
from redqueen.corpus.handmade.layouts import collage
from redqueen.corpus.handmade.pools import Groups, Hand, by_lot, for_collages, for_scenes
from redqueen.corpus.handmade.recipe import Recipe, to_json
from redqueen.corpus.handmade.scenes import scene, tracing
from redqueen.corpus.handmade.styling import Pool
from redqueen.corpus.schema import Material, Materials, Source, SourcePicture
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import digest_of
from redqueen.types import Kind

Sides = tuple[int, int]

FLAGS = ("*flag*",)  # countries' flags among the drawings: ours are of no country

_LEAST = 16  # pixels of a short side
_VERSION = 1  # of the layouts: with another one, stored corpora are made anew
_FORMS = get_args(get_type_hints(Material)["form"])
_GENERATED = "rainedAlgorithmicMedia"  # how IPTC's digitalSourceType marks generated pictures, and parts of them
_LONGEST = {"photo": 2400, "cutout": 1000, "drawing": 1000}  # pixels of a long side that are kept: memory stays flat


class Baseline:
    """A source's own pictures, then collages, scenes and tracings made of its materials.

    Args:
        source: where pictures and materials come from.
        collages: how many collages to make.
        scenes: how many clip-art scenes to make.
        tracings: how many photographs to posterise or trace.
        sides: least and greatest short side in pixels; the least is that of the finished pictures, or more.
        leave_out: patterns of the names or sources of materials that are not used.
        seed: another seed makes other pictures.

    Raises:
        UserError: a number is out of range; in `pictures`, the source lends nothing, or something generated.
    """

    def __init__(
        self,
        source: Source,
        collages: int = 0,
        scenes: int = 0,
        tracings: int = 0,
        sides: Sides = (256, 1600),
        leave_out: Sequence[str] = FLAGS,
        seed: int = 0,
    ) -> None:
        self.source, self.name = source, source.name
        self.counts = {"collages": collages, "scenes": scenes, "tracings": tracings}
        self.sides, self.leave_out, self.seed = (sides[0], sides[1]), tuple(leave_out), seed
        for what, count in self.counts.items():
            if count < 0:
                raise UserError(f"baseline.{what}={count}: give 0 or more")
        if not _LEAST <= sides[0] <= sides[1]:
            raise UserError(f"baseline.sides={list(sides)}: give the least, {_LEAST} or more, and the greatest")

    def fingerprint(self) -> str:
        """Digest of the source's fingerprint and of how many pictures are made how; the source's own if none are."""
        if not any(self.counts.values()):
            return self.source.fingerprint()
        settings = [self.counts, self.sides, self.leave_out, self.seed]
        return digest_of([self.source.fingerprint(), settings, _VERSION])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the source's pictures, then the collages, scenes and tracings, pool by pool."""
        hands = list(self._hands()) if any(self.counts.values()) else []
        made_of = {name for _, hand, _ in hands for name in hand.by_name}
        for picture in self.source.pictures():
            if picture.kind == "generated" and picture.name in made_of:
                raise UserError(
                    f"{picture.name} is generated, and source '{self.name}' lends it for human-made pictures"
                )
            yield picture
        numbers = dict.fromkeys(self.counts, 0)
        for what, hand, count in hands:
            for number in range(count):
                yield self._picture(what, hand, number, numbers[what])
                numbers[what] += 1

    def _hands(self) -> Iterator[tuple[str, Hand, int]]:
        """What is made, of which pool, how often."""
        most = 4 * max(self.counts.values())
        photos = self._lent("photo", most) if self.counts["collages"] or self.counts["tracings"] else {}
        if number := self.counts["collages"]:
            cutouts = self._lent("cutout", most, needed=False)
            yield from _shared("collages", for_collages(photos, cutouts, number), number)
        if number := self.counts["scenes"]:
            yield from _shared("scenes", for_scenes(self._lent("drawing", most), number), number)
        if number := self.counts["tracings"]:
            each = [Hand(group, tuple(some)) for group, some in photos.items()]
            yield from _shared("tracings", each[:number], number)

    def _lent(self, form: str, most: int, needed: bool = True) -> Groups:
        """The source's materials of one form; UserError if some are needed and there are none."""
        if not hasattr(self.source, "materials"):
            raise UserError(
                f"source '{self.name}' lends no materials to make pictures of; choose baseline=none, or a source with "
                "photographs, cut-outs and drawings, such as source=debian"
            )
        found = by_lot((one for one in self._usable() if one.form == form), most, self.seed)
        if needed and not found:
            raise UserError(f"source '{self.name}' lends no {form} to make pictures of; choose baseline=none")
        return found

    def _usable(self) -> Iterator[Material]:
        for material in cast(Materials, self.source).materials():
            if material.form not in _FORMS:
                raise UserError(f"{material.name}: '{material.form}' is no material; allowed: {', '.join(_FORMS)}")
            about = (material.name, material.source)
            if not any(fnmatchcase(text, pattern) for text in about for pattern in self.leave_out):
                yield material

    def _picture(self, what: str, hand: Hand, number: int, place: int) -> SourcePicture:
        recipe = _PLANS[what](Dice(self.seed, what, hand.key, number), hand, self.sides)
        used = tuple(hand.by_name[name] for name in recipe.materials)
        groups = list(dict.fromkeys(material.group_id for material in used))
        return SourcePicture(
            name=f"baseline/{what}/{place:05d}",
            read=functools.partial(make, recipe, used),
            kind=_KINDS[what],
            group_id=groups[0],
            linked=tuple(groups[1:]),
            source="; ".join(dict.fromkeys(material.source for material in used)),
            licence="; ".join(dict.fromkeys(material.licence for material in used)),
            provenance={"recipe": to_json(recipe)},
        )


def _shared(what: str, hands: Sequence[Hand], number: int) -> Iterator[tuple[str, Hand, int]]:
    """The pools, each with its share of the number."""
    for i, hand in enumerate(hands):
        yield what, hand, number // len(hands) + (i < number % len(hands))


def _collage(dice: Dice, hand: Hand, sides: Sides) -> Recipe:
    pool = Pool([one.name for one in hand.photos], [one.name for one in hand.others])
    return collage(dice, pool, *sides)


def _scene(dice: Dice, hand: Hand, sides: Sides) -> Recipe:
    return scene(dice, [one.name for one in hand.others], *sides)


def _tracing(dice: Dice, hand: Hand, sides: Sides) -> Recipe:
    return tracing(dice, dice.one(hand.photos).name, *sides)


_PLANS: dict[str, Callable[[Dice, Hand, Sides], Recipe]] = {
    "collages": _collage,
    "scenes": _scene,
    "tracings": _tracing,
}
_KINDS: dict[str, Kind] = {"collages": "collage", "scenes": "drawing", "tracings": "drawing"}


def make(recipe: Recipe, materials: Sequence[Material]) -> bytes:
    """Compose a picture.

    Raises:
        OSError: a material cannot be read.
        RejectedPictureError: a material cannot be decoded, or a cut-out shows nothing.
        UserError: a material is marked as generated.
    """
    return encode(recipe, {material.name: decoded(material) for material in materials})


@functools.lru_cache(maxsize=12)  # pictures of one pool come one after the other
def decoded(material: Material) -> Image.Image:
    """A photograph as RGB, a cut-out or a drawing as RGBA without its transparent margin; see `make` for the errors."""
    data = material.read()
    picture = open_picture(data)
    if _GENERATED.encode() in data or any(_GENERATED in str(value) for value in picture.info.values()):
        raise UserError(f"{material.name} is marked as generated: human-made pictures are made of human-made material")
    picture = to_rgb(picture) if material.form == "photo" else _cut(upright(picture).convert("RGBA"), material)
    longest = _LONGEST[material.form]
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _cut(picture: Image.Image, material: Material) -> Image.Image:
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise RejectedPictureError(f"{material.name} is transparent everywhere")
    if material.form == "cutout" and picture.getchannel("A").getextrema()[0] == 255:
        raise RejectedPictureError(f"{material.name} is no cut-out: nothing in it is transparent")
    return picture.crop(box)
