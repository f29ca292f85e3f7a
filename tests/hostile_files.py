"""Sixty files that nobody should have to fear: each with a name, what makes it, and how it must end."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

JUDGED = "judged"
Made = Callable[[Path], None]


def scene(mode: str = "RGB", size: tuple[int, int] = (96, 80)) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(format: str, picture: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (picture or scene()).save(buffer, format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, packed: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def oriented(turn: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = turn
    return encoded("JPEG", exif=exif)


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 65536, (80, 96), dtype=np.uint16))


def animated(format: str) -> bytes:
    return encoded(format, scene(), save_all=True, append_images=[scene("L").convert("RGB")] * 3, duration=50)


JPEG, PNG, WEBP, GIF, BMP = (encoded(name) for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP"))
ZEROS = zlib.compress(bytes(3_000_000))

CONTENTS: dict[str, tuple[bytes, str]] = {  # name of the file -> its bytes, and its end or the words of its reason
    "plain.jpg": (JPEG, JUDGED),
    "plain.png": (PNG, JUDGED),
    "plain.webp": (WEBP, JUDGED),
    "plain.gif": (GIF, JUDGED),
    "plain.bmp": (BMP, JUDGED),
    "wrong-extension.png": (JPEG, JUDGED),
    "no-extension": (PNG, JUDGED),
    "progressive.jpg": (encoded("JPEG", progressive=True), JUDGED),
    "grey.jpg": (encoded("JPEG", scene("L")), JUDGED),
    "cmyk.jpg": (encoded("JPEG", scene("CMYK")), JUDGED),
    "palette.png": (encoded("PNG", scene("P")), JUDGED),
    "one-bit.png": (encoded("PNG", scene("1")), JUDGED),
    "sixteen-bit.png": (encoded("PNG", sixteen_bits()), JUDGED),
    "alpha.png": (encoded("PNG", scene("RGBA")), JUDGED),
    "grey-alpha.png": (encoded("PNG", scene("LA")), JUDGED),
    "lossless.webp": (encoded("WEBP", lossless=True), JUDGED),
    "animated.gif": (animated("GIF"), JUDGED),
    "animated.webp": (animated("WEBP"), JUDGED),
    "animated.png": (animated("PNG"), JUDGED),
    "turned.jpg": (oriented(6), JUDGED),
    "turned-beyond.jpg": (oriented(99), JUDGED),
    "more-behind-it.jpg": (JPEG + b"PK\x03\x04" + bytes(1000), JUDGED),
    "text-before-pixels.png": (encoded("PNG", pnginfo=None) + b"<script>alert(1)</script>", JUDGED),
    "one-pixel.png": (encoded("PNG", scene(size=(8, 8)).resize((1, 1))), "pixels"),
    "narrow.png": (encoded("PNG", scene(size=(2000, 8))), "pixels"),
    "empty.jpg": (b"", "empty file"),
    "zeros.jpg": (bytes(4096), "not a picture"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "cannot be decoded"),
    "header-alone.jpg": (JPEG[:20], "not a picture"),
    "half.png": (PNG[: len(PNG) // 2], "cannot be decoded"),
    "half.webp": (WEBP[: len(WEBP) // 2], "not a picture|cannot be decoded"),
    "half.gif": (GIF[: len(GIF) // 2], "cannot be decoded"),
    "half.bmp": (BMP[: len(BMP) // 2], "cannot be decoded"),
    "flipped.png": (PNG[:60] + bytes([PNG[60] ^ 255]) + PNG[61:], "cannot be decoded"),
    "bomb.png": (png(50_000, 50_000, ZEROS), "pixels"),
    "bomb-below-the-bound.png": (png(16_000, 3_900, ZEROS), "cannot be decoded"),
    "promise.jpg": (JPEG[:163] + JPEG[163:].replace(struct.pack(">HH", 80, 96), b"\xff\xf0\xff\xf0", 1), "pixels"),
    "no-pixels.png": (png(0, 0, zlib.compress(b"")), "not a picture|cannot be decoded"),
    "too-little.png": (png(96, 80, zlib.compress(bytes(10))), "cannot be decoded"),
    "no-palette.png": (png(96, 80, zlib.compress(bytes(97 * 80)), colour=3), "palette"),
    "many-scans.jpg": (JPEG + b"\xff\xda" * 200_000, "scans"),
    "large.bmp": (BMP + bytes(33 * 2**20), "at most"),
    "svg.jpg": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "not a picture"),
    "html.jpg": (b"<!DOCTYPE html><script>alert(1)</script>", "not a picture"),
    "zip.jpg": (b"PK\x03\x04" + bytes(2000), "not a picture"),
    "pdf.png": (b"%PDF-1.7\n%%EOF", "not a picture"),
    "eps.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n%%EOF\n", "not a picture"),
    "pickle.png": (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "not a picture"),
    "program.jpg": (b"#!/bin/sh\ntouch owned\n", "not a picture"),
    "floats.tif": (encoded("TIFF", Image.fromarray(np.full((80, 96), np.nan, np.float32))), "not a picture"),
    "noise.jpg": (np.random.default_rng(2).bytes(5000), "not a picture"),
    "new\nline.jpg": (JPEG, JUDGED),
    "escape\x1b[2J\x1b]0;owned\x07.jpg": (JPEG, JUDGED),
    "right-to-left\u202egpj.exe.png": (b"MZ" + bytes(100), "not a picture"),
    "${oc.env:HOME}.jpg": (JPEG, JUDGED),
    "-looks=like,an'option\".png": (PNG, JUDGED),
}


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _unreadable_name(path: Path) -> None:
    path.parent.joinpath(os.fsdecode(b"not-utf8-\xff\xfe.jpg")).write_bytes(JPEG)


PLACES: dict[str, tuple[Made, str]] = {
    "loop.jpg": (_loop, "circle"),
    "folder.jpg": (lambda path: path.mkdir(), "without pictures"),
    "pipe.jpg": (os.mkfifo, "no regular file"),
    "missing.jpg": (lambda path: None, "no such file"),
}


def write(folder: Path) -> dict[Path, str]:
    """Make them all; each path with its end."""
    found = {}
    for name, (data, end) in CONTENTS.items():
        (folder / name).write_bytes(data)
        found[folder / name] = end
    for name, (make, end) in PLACES.items():
        make(folder / name)
        found[folder / name] = end
    return found
