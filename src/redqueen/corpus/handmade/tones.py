"""Light, colour and resolution of a piece, changed as its maker's program did it: all of it mismatched on purpose."""

import io
from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from redqueen.corpus.handmade.recipe import Grain, Tone


def toned(picture: Image.Image, tone: Tone) -> Image.Image:
    """The picture (RGB) in that light."""
    if tone.tint is not None:
        picture = ImageOps.colorize(ImageOps.autocontrast(picture.convert("L"), 1), "black", "white", tone.tint)
    for enhance, factor in (
        (ImageEnhance.Brightness, tone.brightness),
        (ImageEnhance.Contrast, tone.contrast),
        (ImageEnhance.Color, tone.saturation),
    ):
        if factor != 1:
            picture = enhance(picture).enhance(factor)
    if tone.warmth:
        gains = (1 + 0.3 * tone.warmth, 1.0, 1 - 0.3 * tone.warmth)
        picture = picture.point([min(255, round(v * gain)) for gain in gains for v in range(256)])
    return picture


def grained(picture: Image.Image, grain: Grain) -> Image.Image:
    """The picture (RGB or RGBA) with the resolution of another source, at the same size."""
    if grain in ("upscaled", "pixelated"):
        small = tuple(max(4, round(side * (0.3 if grain == "upscaled" else 0.22))) for side in picture.size)
        back = Image.Resampling.BILINEAR if grain == "upscaled" else Image.Resampling.NEAREST
        return picture.resize((small[0], small[1]), Image.Resampling.BOX).resize(picture.size, back)
    if grain == "sharpened":
        return _opaque(picture, lambda rgb: rgb.filter(ImageFilter.UnsharpMask(2.0, 260, 2)))
    if grain == "soft":
        return picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 150))
    if grain == "blocky":
        return _opaque(picture, lambda rgb: saved(rgb, 14))
    return picture


def _opaque(picture: Image.Image, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The picture with its colours changed and its alpha kept."""
    changed = change(picture.convert("RGB"))
    if picture.mode == "RGBA":
        changed.putalpha(picture.getchannel("A"))
    return changed


def saved(picture: Image.Image, quality: int, subsampling: str = "4:2:0") -> Image.Image:
    """The picture (RGB) after it was saved as JPEG."""
    with Image.open(io.BytesIO(jpeg(picture, quality, subsampling))) as again:
        return again.convert("RGB")


def jpeg(picture: Image.Image, quality: int, subsampling: str) -> bytes:
    """The picture (RGB) as a JPEG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()
