"""Words on pictures: a closed list of neutral lines, in fonts that come in wheels and are the same on every machine."""

import functools
import importlib.util
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from redqueen.corpus.handmade.canvas import pixels_of
from redqueen.corpus.handmade.recipe import Caption, Font
from redqueen.errors import UserError

HEADLINES = (
    "TODAY", "LOCAL NEWS", "SHARE THIS", "MUST SEE", "LOOK AT THIS", "THIS WEEK", "READ MORE", "NEW PHOTOS",
    "LOOK CLOSELY", "MEANWHILE, OUTSIDE", "A NORMAL MONDAY", "WAIT FOR IT", "NOTHING TO SEE HERE", "WEEKEND EDITION",
    "PICTURE OF THE DAY", "FROM OUR READERS", "A DAY OUT", "SPOT THE DIFFERENCE", "EVERY SINGLE TIME", "COMING SOON",
    "WHAT IS GOING ON HERE?", "WHO WOULD HAVE THOUGHT", "ONCE UPON A TIME", "SUCH A VIEW", "ONLY HERE", "LATEST",
    "OUT OF DOORS", "THE WHOLE STORY", "EXPECTATION / REALITY", "THIS HAPPENED TODAY", "SEEN THIS MORNING",
    "WHAT THEY SAW", "IN ONE PICTURE", "JUST A REMINDER", "FACTS AND FIGURES", "NEWS IN PICTURES", "DID YOU KNOW?",
    "Something is different here", "You have to see this", "What a week it was", "Guess where this is",
    "Our town this morning", "A strange visitor", "When the guests arrive", "Just another day", "All in one picture",
)  # fmt: skip
PAIRS = (
    ("BEFORE", "AFTER"), ("THEN", "NOW"), ("1", "2"), ("A", "B"), ("HERE", "THERE"), ("LAST YEAR", "THIS YEAR"),
    ("MORNING", "EVENING"), ("PLAN", "RESULT"), ("YESTERDAY", "TODAY"), ("old", "new"),
)  # fmt: skip
SPOKEN = ("Hello!", "What?", "Look!", "Over here!", "Hm ...", "Wow", "Really?", "Oh no", "Good day!", "Nice place!")
SMALL_PRINT = (
    "photo: archive", "picture for illustration", "read the full story", "see the comments", "more on page 3",
    "more pictures on our page", "montage", "all rights reserved", "source: own picture", "part 2 follows",
)  # fmt: skip
WATERMARKS = ("PREVIEW", "SAMPLE", "STOCK PHOTO", "COPY")
SIGNS = ("?", "!")
WORDS = frozenset((*HEADLINES, *(word for pair in PAIRS for word in pair), *SPOKEN, *SMALL_PRINT, *WATERMARKS, *SIGNS))

_FILES: dict[Font, str] = {
    "sans": "DejaVuSans-Bold.ttf",
    "sans-light": "DejaVuSans.ttf",
    "slanted": "DejaVuSans-BoldOblique.ttf",
    "serif": "DejaVuSerif-Bold.ttf",
    "typewriter": "DejaVuSansMono-Bold.ttf",
    "book": "STIXGeneralBol.ttf",
}
_NARROW = 0.7
_TRIAL = 100  # points at which the words are measured
_LEAST = 7  # points under which letters are specks


def draw(canvas: Image.Image, caption: Caption) -> None:
    """Paint the caption onto the canvas, its ground first."""
    left, top, right, bottom = pixels_of(canvas, caption.box)
    tile = _tile((right - left, bottom - top), canvas, caption)
    if caption.tail:
        _bubble(canvas, caption, (left, top, right, bottom))
    tile = tile.rotate(caption.angle, Image.Resampling.BICUBIC, expand=True)
    if caption.opacity < 1:
        tile.putalpha(tile.getchannel("A").point(lambda v: round(v * caption.opacity)))
    place = ((left + right - tile.width) // 2, (top + bottom - tile.height) // 2)
    canvas.paste(tile.convert("RGB"), place, tile.getchannel("A"))


def _tile(size: tuple[int, int], canvas: Image.Image, caption: Caption) -> Image.Image:
    """The caption's box with its text, RGBA."""
    filled = caption.ground if caption.ground and not caption.tail else None
    tile = Image.new("RGBA", size, filled or (0, 0, 0, 0))
    short = min(canvas.size)
    room = (min(size[0], short) * 0.92, size[1] * (0.86 if caption.ground else 0.96))
    letters, stroke = _letters(caption, room)
    at = ((size[0] - letters.width) // 2, (size[1] - letters.height) // 2)
    if caption.shadow:
        step = max(1, short // 150)
        soft = stroke.filter(ImageFilter.GaussianBlur(step))
        _lay(tile, "black", soft, (at[0] + step, at[1] + step))
    if caption.outline:
        _lay(tile, caption.outline, stroke, at)
    _lay(tile, caption.ink, letters, at)
    return tile


def _lay(tile: Image.Image, colour: str, mask: Image.Image, at: tuple[int, int]) -> None:
    layer = Image.new("RGBA", tile.size)
    layer.paste(colour, (*at, at[0] + mask.width, at[1] + mask.height), mask)
    tile.alpha_composite(layer)


def _letters(caption: Caption, room: tuple[float, float]) -> tuple[Image.Image, Image.Image]:
    """Masks of the letters and of their stroke, as large as the room allows (mode L)."""
    squeeze = _NARROW if caption.narrow else 1.0
    words = "\n".join(caption.lines)
    blank = ImageDraw.Draw(Image.new("L", (1, 1)))
    box = blank.multiline_textbbox((0, 0), words, font_of(caption.font, _TRIAL), align="center", spacing=_TRIAL // 5)
    scale = min(room[0] / squeeze / (box[2] - box[0] + 10), room[1] / (box[3] - box[1] + 10))
    points = max(_LEAST, int(_TRIAL * scale))
    font, width = font_of(caption.font, points), max(1, points // 14)
    spacing = points // 5
    left, top, right, bottom = blank.multiline_textbbox((0, 0), words, font, align="center", spacing=spacing)
    size = (round(right - left) + 2 * width + 2, round(bottom - top) + 2 * width + 2)
    masks = []
    for stroke in (0, width):
        mask = Image.new("L", size)
        origin = (width + 1 - left, width + 1 - top)
        ImageDraw.Draw(mask).multiline_text(
            origin, words, 255, font, align="center", spacing=spacing, stroke_width=stroke
        )
        if caption.narrow:
            mask = mask.resize((max(1, round(size[0] * squeeze)), size[1]), Image.Resampling.BILINEAR)
        masks.append(mask)
    return masks[0], masks[1]


def _bubble(canvas: Image.Image, caption: Caption, box: tuple[int, int, int, int]) -> None:
    """A speech bubble with a black rim and a tail."""
    assert caption.tail is not None
    rim = max(1, min(canvas.size) // 160)
    left, top, right, bottom = box
    middle, waist = ((left + right) / 2, (top + bottom) / 2), (right - left) / 10
    tip = (caption.tail[0] * canvas.width, caption.tail[1] * canvas.height)
    pen = ImageDraw.Draw(canvas)
    for grow, colour in ((rim, "black"), (0, caption.ground or "white")):
        pen.polygon([(middle[0] - waist - grow, middle[1]), (middle[0] + waist + grow, middle[1]), tip], fill=colour)
        pen.ellipse((left - grow, top - grow, right + grow, bottom + grow), fill=colour)


@functools.cache
def font_of(font: Font, points: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of the closed list at that size, laid out by Pillow itself, whatever layout engine is installed."""
    if font == "plain":
        return ImageFont.load_default(points)
    return ImageFont.truetype(_folder() / _FILES[font], points, layout_engine=ImageFont.Layout.BASIC)


@functools.cache
def _folder() -> Path:
    """Where matplotlib's wheel keeps its fonts, found without importing it."""
    spec = importlib.util.find_spec("matplotlib")
    for root in (spec.submodule_search_locations if spec else None) or []:
        folder = Path(root) / "mpl-data" / "fonts" / "ttf"
        if all((folder / name).is_file() for name in _FILES.values()):
            return folder
    raise UserError("captions need the fonts that matplotlib brings with it: pip install --force-reinstall matplotlib")
