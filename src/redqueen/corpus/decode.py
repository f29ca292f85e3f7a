"""Reading pictures that strangers made: strict formats, hard limits, one clear reason for each refusal.

Limits and habits follow Pillow's security handbook: an allow-list of formats, a bound on pixels before any pixel is
decoded, the first frame only, and never `LOAD_TRUNCATED_IMAGES`. A picture takes at most 1 GiB while it is decoded,
besides its file, and the largest ones a few seconds. Colour profiles are not applied: a picture means what its numbers
say in sRGB, whatever profile comes with it.
"""

import io
import struct
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from redqueen.errors import RejectedPictureError, UserError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_BYTES = 32 * 2**20
MAX_PIXELS = 64 * 10**6
MAX_SIDE = 16_384
MAX_SCANNED = 10**9  # pixels x scans of a JPEG: about two seconds; a progressive one of 32 MiB could ask for hours
TURNS = {  # EXIF orientation -> what sets the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUANTISATION_50 = (  # ITU-T T.81 table K.1, luminance at quality 50, row by row
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


def open_picture(data: bytes) -> Image.Image:
    """Open and fully decode the first frame.

    Raises:
        RejectedPictureError: with the reason.
        UserError: Pillow was told elsewhere to read half pictures.
    """
    if not data:
        raise RejectedPictureError("empty file (0 bytes)")
    if len(data) > MAX_BYTES:
        raise RejectedPictureError(f"{len(data)} bytes; at most {MAX_BYTES} are read")
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise UserError(
            "a library has set PIL.ImageFile.LOAD_TRUNCATED_IMAGES, with which half a picture passes as a whole one: "
            "start this without that library, or set it back"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own bound on pixels, below, is lower than Pillow's warning
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(*picture.size)
            _check_scans(picture, data)
            picture.load()
    except UnidentifiedImageError:
        raise RejectedPictureError(f"not a picture in one of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise RejectedPictureError(f"more than {MAX_PIXELS} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, RejectedPictureError):
            raise
        raise RejectedPictureError(f"cannot be decoded: {error}") from None
    if picture.mode in ("P", "PA") and picture.palette is None:
        raise RejectedPictureError("cannot be decoded: colours by number, but no palette")
    _scale_clear_grey(picture, data)
    return picture


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise RejectedPictureError(f"{width} x {height} pixels; at most {MAX_PIXELS} in all, {MAX_SIDE} a side")


def _check_scans(picture: Image.Image, data: bytes) -> None:
    """Coded pixels never hold the two bytes that start a scan, so that counting them suffices."""
    scans = data.count(b"\xff\xda") if picture.format in ("JPEG", "MPO") else 1
    if picture.width * picture.height * scans > MAX_SCANNED:
        raise RejectedPictureError(f"{scans} scans of {picture.width} x {picture.height} pixels; too many to decode")


def _scale_clear_grey(picture: Image.Image, data: bytes) -> None:
    """PNG names its clear shade in 1, 2 or 4 bits where the pixels have so few; Pillow scales the pixels alone."""
    clear = picture.info.get("transparency")
    if picture.format == "PNG" and picture.mode in ("1", "L") and isinstance(clear, int):
        depth = data[24]  # of IHDR, always the first chunk
        picture.info["transparency"] = clear * 255 // (2**depth - 1)


def to_rgb(picture: Image.Image) -> Image.Image:
    """Upright by its EXIF orientation, alpha laid on white, three channels of eight bits."""
    picture = upright(picture)
    if picture.mode.startswith("I;16"):  # Pillow's convert would clip 16 bits
        picture = _eight_bits(picture)
    if picture.mode in ("La", "RGBa"):  # colours multiplied by alpha, from which Pillow converts to one mode alone
        picture = picture.convert(picture.mode.upper())
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8, divided by 257 and rounded; with alpha where it has a clear shade."""
    values = np.asarray(picture)
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    clear = picture.info.get("transparency")
    if clear is None:
        return Image.fromarray(grey)
    return Image.fromarray(np.stack([grey, np.where(values == clear, 0, 255).astype(np.uint8)], axis=-1))


def upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says; the picture itself if that says nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            turn = TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except (OSError, SyntaxError, ValueError, TypeError, struct.error):  # a broken EXIF block says nothing
        return picture
    return picture if turn is None else picture.transpose(turn)


def pixels(data: bytes) -> NDArray[np.uint8]:
    """The decoded picture, (height, width, 3) uint8 RGB; raises RejectedPictureError."""
    return np.asarray(to_rgb(open_picture(data)))


def jpeg_quality(picture: Image.Image) -> int | None:
    """The libjpeg quality (1-100) whose luminance table a JPEG carries; None for any other table or format."""
    tables: dict[int, Any] = getattr(picture, "quantization", None) or {}
    if 0 not in tables:
        return None
    return _QUALITY_OF_TABLE.get(tuple(tables[0]))


def _table(quality: int) -> tuple[int, ...]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(max((value * scale + 50) // 100, 1), 255) for value in QUANTISATION_50)


_QUALITY_OF_TABLE = {_table(quality): quality for quality in range(1, 101)}
