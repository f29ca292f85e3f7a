"""One treatment for every picture, whatever its class: same crop rule, size, codec and quality, no metadata.

Without it a detector learns how the classes were saved (DIRE's 100 % came from the file format alone). What the source
itself would have given away is recorded of every picture, whatever its treatment.
"""

import io
from dataclasses import dataclass
from typing import Protocol

from PIL import Image, JpegImagePlugin

from redqueen.corpus.decode import jpeg_quality, open_picture, to_rgb, upright
from redqueen.errors import RejectedPictureError

_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"  # as Pillow writes it
_SCAN, _END = b"\xff\xda", b"\xff\xd9"  # start of the coded pixels, which never hold the two bytes that end them


@dataclass(frozen=True)
class Facts:
    """What a metadata-only cheat could see of a file; `quality` is None where no libjpeg quality made its tables."""

    width: int
    height: int
    format: str
    quality: int | None


@dataclass(frozen=True)
class Treated:
    """A picture after treatment, what is to be seen of it, and what was to be seen of the file that it came from."""

    data: bytes
    facts: Facts
    source: Facts
    resample_factor: float  # source pixels per pixel


class Treatment(Protocol):
    """How every picture of a corpus is brought into one form; a dataclass, whose fields say which form."""

    def __call__(self, data: bytes) -> Treated:
        """Treat one encoded picture; raises RejectedPictureError with the reason."""
        ...


@dataclass(frozen=True)
class Keep:
    """No treatment: the bytes as they are, so that an audit shows all that they give away. Not for measurement.

    Args:
        size: a picture with a shorter side is refused, as `Normalise` refuses it; None refuses none.
    """

    size: int | None = None

    def __call__(self, data: bytes) -> Treated:
        """The picture as it is; raises RejectedPictureError if it cannot be decoded or is too small."""
        found = facts(open_picture(data))
        check_side(found.width, found.height, self.size or 1)
        return Treated(data, found, found, 1.0)


@dataclass(frozen=True)
class Normalise:
    """Centre crop to a square, Lanczos to `size`, JPEG 4:2:0 at `quality`; a picture like that keeps its pixels.

    Args:
        size: side in pixels.
        quality: libjpeg quality, 1-100.
        smallest: a picture with a shorter side than this is refused (enlarging invents pixels); default `size`.
    """

    size: int = 256
    quality: int = 90
    smallest: int | None = None

    def __call__(self, data: bytes) -> Treated:
        """Treat one encoded picture; raises RejectedPictureError with the reason."""
        picture = open_picture(data)
        ours, source = Facts(self.size, self.size, "JPEG", self.quality), facts(picture)
        bare = without_metadata(data) if self._conforms(picture) else None
        if bare is not None:
            return Treated(bare, ours, source, 1.0)
        picture = to_rgb(picture)
        check_side(*picture.size, self.smallest or self.size)
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.crop((left, top, left + side, top + side))
        if side != self.size:
            square = square.resize((self.size, self.size), Image.Resampling.LANCZOS)
        return Treated(self._save(square), ours, source, side / self.size)

    def _save(self, picture: Image.Image) -> bytes:
        picture.info = {}  # Pillow would write the comment that it finds here
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=self.quality, subsampling="4:2:0")
        return buffer.getvalue()

    def _conforms(self, picture: Image.Image) -> bool:
        """Whether the picture in this file is coded as `_save` codes one: saving it again would leave a trace."""
        if not isinstance(picture, JpegImagePlugin.JpegImageFile) or picture.format != "JPEG":
            return False
        if (picture.mode, picture.size, jpeg_quality(picture)) != ("RGB", (self.size, self.size), self.quality):
            return False
        ours = JpegImagePlugin.JpegImageFile(io.BytesIO(self._save(Image.new("RGB", (8, 8)))))
        plain = not {"progressive", "adobe"} & set(picture.info) and upright(picture) is picture
        return plain and (picture.quantization, picture.layer) == (ours.quantization, ours.layer)


def check_side(width: int, height: int, least: int) -> None:
    """Raise RejectedPictureError where the short side has fewer than `least` pixels."""
    if min(width, height) < least:
        raise RejectedPictureError(f"{width} x {height} pixels; the short side must be >= {least}")


def facts(picture: Image.Image) -> Facts:
    """What the header of an opened file says."""
    return Facts(picture.width, picture.height, picture.format or "", jpeg_quality(picture))


def without_metadata(data: bytes) -> bytes | None:
    """The same JPEG without comment, EXIF, XMP, ICC or anything behind its end; None if it is out of order.

    No pixel changes, so that a picture which had a comment is not compressed once more than the others.
    """
    kept, at = [_HEAD], 2
    while data[at : at + 2] != _SCAN:
        if data[at : at + 1] != b"\xff" or not at < len(data) - 4:
            return None
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not (0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE):  # APP0 to APP15, COM
            kept.append(data[at:end])
        at = end
    end = data.find(_END, at)
    return None if end < 0 else b"".join(kept) + data[at : end + len(_END)]
