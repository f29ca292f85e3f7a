"""One treatment for every picture, whatever its class: same crop rule, size, codec and quality, no metadata.

Without it a detector learns how the classes were saved (DIRE's 100 % came from the file format alone).
"""

import io
from dataclasses import dataclass

from PIL import Image

from redqueen.corpus.decode import jpeg_quality, open_picture, to_rgb
from redqueen.errors import RejectedPictureError


@dataclass(frozen=True)
class Treated:
    """A picture after treatment, with all that a metadata-only cheat could see of it."""

    data: bytes
    width: int
    height: int
    format: str
    quality: int
    resample_factor: float  # source pixels per pixel


@dataclass(frozen=True)
class Normalise:
    """Centre crop to a square, Lanczos to `size`, JPEG 4:2:0 at `quality`; a picture that is so already stays as it is.

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
        if self._conforms(picture):
            return Treated(data, self.size, self.size, "JPEG", self.quality, 1.0)
        picture = to_rgb(picture)
        side = min(picture.size)
        if side < (self.smallest or self.size):
            least = self.smallest or self.size
            raise RejectedPictureError(f"{picture.width} x {picture.height} pixels; the short side must be >= {least}")
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.crop((left, top, left + side, top + side))
        if side != self.size:
            square = square.resize((self.size, self.size), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        square.save(buffer, "JPEG", quality=self.quality, subsampling="4:2:0")
        return Treated(buffer.getvalue(), self.size, self.size, "JPEG", self.quality, side / self.size)

    def _conforms(self, picture: Image.Image) -> bool:
        bare = not (set(picture.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"})
        shape = (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (self.size, self.size))
        return bare and shape and jpeg_quality(picture) == self.quality
