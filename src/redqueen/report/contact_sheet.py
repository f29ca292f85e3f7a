"""Contact sheets: pictures of each kind, generator, topic, split or source, to look at a corpus with one's eyes."""

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydantic import Field

from redqueen.corpus.decode import open_picture, to_rgb
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError, unknown
from redqueen.files import seed_from
from redqueen.types import KINDS, SPLITS

BY = ("kind", "generator", "topic", "split", "source")
INK, MUTED, RULE, PAPER = "#1b1f24", "#59636e", "#d5dade", "#ffffff"
HUMAN, MADE = "#0072b2", "#d55e00"  # Okabe & Ito's blue and vermilion, which the colour-blind can tell apart
_DASH = 12, 6  # pixels of a dash, and between dashes
_ORDER: dict[str, int] = {name: at for at, name in enumerate((*KINDS, *SPLITS))}
_NAMES = {"photo": "photographs", "collage": "collages", "drawing": "drawings", "generated": "generated pictures"}
_MARGIN, _LABEL, _GAP, _CAPTION = 28, 232, 10, 56  # pixels: page edge, label column, between pictures, under them


@dataclass(frozen=True)
class Picture:
    """One picture of a strip: its row, whether it is AI-generated, and two lines to put under it."""

    row: int
    generated: bool
    caption: str
    identity: str


@dataclass(frozen=True)
class Strip:
    """Pictures of one group, with its name and what is said under it."""

    name: str
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...]


def strips(corpus: Corpus, by: str, n: int, seed: int = 0) -> list[Strip]:
    """For each value of a column up to `n` of its pictures, drawn by the seed from as many groups as there are.

    Kinds and splits come in their usual order, generators by release month, others by name; rows without a value last.

    Raises:
        UserError: a column that is not one of BY, or no row has a value in it.
    """
    if by not in BY:
        raise unknown("value of by", by, BY)
    values = corpus.column(by)
    found = {str(value) for value in values if value is not None}
    if not found:
        raise UserError(f"nothing to show by={by}: no row of corpus '{corpus.card['name']}' has a {by}")
    rows = {name: np.flatnonzero(values == name) for name in found}
    made = [_strip(corpus, by, name, chosen, n, seed) for name, chosen in _ordered(corpus, by, rows)]
    rest = np.flatnonzero(np.array([value is None for value in values]))
    return made + ([_strip(corpus, by, f"no {by}", rest, n, seed)] if len(rest) else [])


def _ordered(corpus: Corpus, by: str, rows: dict[str, NDArray[np.intp]]) -> list[tuple[str, NDArray[np.intp]]]:
    released = corpus.column("released")
    months = {name: released[some[0]] or "" if by == "generator" else "" for name, some in rows.items()}
    return sorted(rows.items(), key=lambda pair: (_ORDER.get(pair[0], 0), months[pair[0]], pair[0]))


def strip_of(corpus: Corpus, name: str, rows: NDArray[np.intp], n: int, seed: int) -> Strip:
    """A strip of these rows, whatever they have in common."""
    return _strip(corpus, "kind", name, rows, n, seed)


def _strip(corpus: Corpus, by: str, name: str, rows: NDArray[np.intp], n: int, seed: int) -> Strip:
    groups = corpus.column("group_id")[rows]
    chosen = rows[_spread(groups, n, seed_from("contact-sheet", seed, by, name))]
    months = {str(month) for month in corpus.column("released")[rows] if month is not None} if by == "generator" else ()
    dates = [" to ".join(sorted({min(months), max(months)}))] if months else []
    counts = [_counted(len(rows), "picture"), _counted(len(set(groups)), "group")]
    shown = _NAMES.get(name, name) if by == "kind" else name
    return Strip(shown, (*dates, *counts), tuple(_picture(corpus, by, int(row)) for row in np.sort(chosen)))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _spread(groups: NDArray[np.object_], n: int, seed: int) -> NDArray[np.intp]:
    """Places of up to n rows: one a group as long as there are groups left, then a second one, and so on."""
    order = np.random.default_rng(seed).permutation(len(groups))
    seen: dict[str, int] = {}
    turns = np.empty(len(groups), np.int64)
    for place, group in enumerate(groups[order]):
        turns[place] = seen[group] = seen.get(group, -1) + 1
    return order[np.argsort(turns, kind="stable")[:n]]


def _picture(corpus: Corpus, by: str, row: int) -> Picture:
    said = {name: corpus.column(name)[row] for name in ("kind", "generator", "topic", "source", "image_id", "label")}
    order = [said["generator"], said["topic"], said["source"]] if by != "generator" else [said["topic"], said["source"]]
    if by == "kind" and said["kind"] != "generated":
        order = [said["topic"], said["source"]]
    caption = next((str(one) for one in order if one is not None and one != said.get(by)), str(said["kind"]))
    return Picture(row, bool(said["label"] == 1), caption, str(said["image_id"])[:8])


@dataclass(frozen=True)
class Sheet:
    """How contact sheets look.

    Args:
        side: of the square that a picture is fitted into, in pixels.
        strips: on a page at most.
    """

    side: Annotated[int, Field(ge=16)] = 144
    strips: Annotated[int, Field(ge=1)] = 16

    def pages(self, corpus: Corpus, found: Sequence[Strip], by: str) -> Iterator[Image.Image]:
        """One page after the other, only one in memory."""
        count = -(-len(found) // self.strips)
        columns = max((len(strip.pictures) for strip in found), default=1)
        for number in range(count):
            part = found[number * self.strips : (number + 1) * self.strips]
            yield self._page(corpus, part, columns, _heading(corpus, by, len(found), number, count))

    def _page(self, corpus: Corpus, found: Sequence[Strip], columns: int, heading: tuple[str, str]) -> Image.Image:
        top, stride = 96, self.side + _CAPTION + 18
        width = max(2 * _MARGIN + _LABEL + columns * (self.side + _GAP) - _GAP, 760)
        page = Image.new("RGB", (width, top + len(found) * stride + 12), PAPER)
        draw = ImageDraw.Draw(page)
        draw.text((_MARGIN, 22), _fit(heading[0], _font(24, True), width - 2 * _MARGIN), INK, _font(24, True))
        draw.text((_MARGIN, 57), heading[1], MUTED, _font(14))
        self._legend(draw, width)
        for at, strip in enumerate(found):
            self._draw(page, draw, corpus, strip, top + at * stride)
        return page

    def _legend(self, draw: ImageDraw.ImageDraw, width: int) -> None:
        right: float = width - _MARGIN
        for name, made in (("AI-generated", True), ("human-made", False)):
            left = right - _font(14).getlength(name)
            draw.text((left, 57), name, MUTED, _font(14))
            _bar(draw, round(left) - 38, 64, 30, made)
            right = left - 58

    def _draw(self, page: Image.Image, draw: ImageDraw.ImageDraw, corpus: Corpus, strip: Strip, top: int) -> None:
        draw.line((_MARGIN, top - 9, page.width - _MARGIN, top - 9), RULE)
        bold, plain = _font(16, True), _font(13)
        for number, line in enumerate(_wrapped(strip.name, bold, _LABEL - 20, 3)):
            draw.text((_MARGIN, top + 21 * number), line, INK, bold)
        below = top + 21 * len(_wrapped(strip.name, bold, _LABEL - 20, 3)) + 5
        for number, note in enumerate(strip.notes):
            draw.text((_MARGIN, below + 18 * number), note, MUTED, plain)
        for number, picture in enumerate(strip.pictures):
            left = _MARGIN + _LABEL + number * (self.side + _GAP)
            page.paste(thumbnail(corpus, picture.row, self.side), (left, top))
            _bar(draw, left, top + self.side, self.side, picture.generated)
            lines = _wrapped(picture.caption, _font(12), self.side, 2)
            for below, line in enumerate(lines):
                draw.text((left, top + self.side + 8 + 15 * below), line, INK, _font(12))
            draw.text((left, top + self.side + 9 + 15 * len(lines)), picture.identity, MUTED, _font(11))


def thumbnail(corpus: Corpus, row: int, side: int) -> Image.Image:
    """A picture of the corpus, whole, in the middle of a square of `side` pixels."""
    picture = to_rgb(open_picture(corpus.encoded(row)))
    square = Image.new("RGB", (side, side), RULE)
    scale = side / max(picture.size)
    whole = picture.resize([max(1, round(length * scale)) for length in picture.size], _filter(scale))
    square.paste(whole, ((side - whole.width) // 2, (side - whole.height) // 2))
    return square


def png(page: Image.Image) -> bytes:
    """The page without loss; the same bytes for the same page."""
    buffer = io.BytesIO()
    page.save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


def jpeg(page: Image.Image, quality: int = 90) -> bytes:
    """The page at a fraction of the size; the same bytes for the same page."""
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()


def _heading(corpus: Corpus, by: str, groups: int, number: int, count: int) -> tuple[str, str]:
    rows = len(corpus.column("label"))
    title = f"{_plain(str(corpus.card['name']))} by {by}"
    page = f", page {number + 1} of {count}" if count > 1 else ""
    return title, f"{_counted(rows, 'picture')} in {_counted(groups, 'row')}{page}, digest {corpus.digest[:12]}"


def _filter(scale: float) -> Image.Resampling:
    return Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC


def _bar(draw: ImageDraw.ImageDraw, left: int, top: int, width: int, made: bool) -> None:
    """A line in the colour of the class: dashed for AI-generated, whole for human-made."""
    for start in range(0, width, _DASH[0] + _DASH[1]) if made else (0,):
        end = min(width, start + _DASH[0]) if made else width
        draw.rectangle((left + start, top, left + end - 1, top + 3), MADE if made else HUMAN)


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def _plain(text: str) -> str:
    """The text on one line, without control and formatting characters."""
    return "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)


def _fit(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text on one line, cut with an ellipsis where it is too wide."""
    line = _plain(text)[:400]
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line.rstrip()}…"


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """The text on at most so many lines, broken at spaces, hyphens and slashes where it can be."""
    lines: list[str] = []
    rest = _plain(text)[:400]
    while rest and len(lines) < most - 1 and font.getlength(rest) > width:
        end = next(end for end in range(len(rest), 0, -1) if font.getlength(rest[:end]) <= width or end == 1)
        breaks = [at + 1 for at, one in enumerate(rest[:end]) if one in " -/_"]
        cut = breaks[-1] if breaks else end
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*lines, _fit(rest, font, width)] if rest else lines
