"""Files made to mislead: each ends as a picture whose colours can be told, or in one short reason, in little memory."""

import io
import os
import resource
import struct
import subprocess
import sys
import textwrap
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageFile, WebPImagePlugin

from handmade import PALETTE, PIXEL, RGB, RGB_ALPHA, bmp, chunk, gif, png
from redqueen.corpus.decode import MAX_SCANNED, pixels
from redqueen.errors import RejectedPictureError

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]

RED, BLUE = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))


def reason(data: bytes) -> str:
    """Why a picture is refused; at no cost in time or memory worth the name."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(RejectedPictureError) as caught:
        pixels(data)
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024  # KiB
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 120
    return str(caught.value)


def first(data: bytes) -> list[list[int]]:
    """The colours of the first row."""
    found = pixels(data)
    assert found.dtype == np.uint8
    return found[0].tolist()


def webp(width: int, height: int, encode: Encode, **options: object) -> bytes:
    """A small WebP that says of itself that it is large."""
    small = encode(Image.new("RGBA", (8, 8), (255, 0, 0, 9)), "WEBP", **options)
    at = small.index(b"VP8X") + 12
    return small[:at] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + small[at + 6 :]


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) run\n%%EOF\n"
NOT_PICTURES = {
    "EPS": EPS,
    "EPS with a preview": b"\xc5\xd0\xd3\xc6" + struct.pack("<IIIIIIH", 30, len(EPS), 0, 0, 0, 0, 0xFFFF) + EPS,
    "PDF": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n",
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "HTML": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "TIFF": b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0",
    "PSD": b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 1, 1, 8, 3) + bytes(14),
    "PPM": b"P6 1 1 255 abc",
    "ZIP": b"PK\x03\x04" + bytes(60),
    "pickle": b"\x80\x04\x95" + bytes(60),
}


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_another_format_renamed_is_refused_and_starts_no_program(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would run Ghostscript on EPS."""

    def started(*words: object, **options: object) -> None:
        pytest.fail(f"started {words}")

    for module, call in ((subprocess, "Popen"), (os, "system"), (os, "popen"), (EpsImagePlugin, "Ghostscript")):
        monkeypatch.setattr(module, call, started)
    assert reason(NOT_PICTURES[name]) == "not a picture in one of JPEG, PNG, WEBP, GIF, BMP"


def test_pillow_by_itself_would_open_the_eps() -> None:
    """Without which the test before this one could not fail."""
    assert Image.open(io.BytesIO(EPS)).format == "EPS"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    ("format", "mode", "options"),
    [
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {}),
        ("PNG", "P", {}),
        ("WEBP", "RGBA", {"lossless": True}),
    ],
)
def test_a_truncated_picture_of_any_sort(
    share: float, format: str, mode: str, options: dict[str, bool], scene: Scene, encode: Encode
) -> None:
    data = encode(scene(0).convert(mode), format, **options)
    assert reason(data[: int(share * len(data))])
    assert pixels(data).shape == (96, 96, 3)


SIZES = {
    "PNG": lambda encode: png((60_000, 60_000), 8, RGB, b""),
    "PNG in 16 bits": lambda encode: png((9_000, 9_000), 16, RGB_ALPHA, b""),
    "GIF, its screen": lambda encode: gif((65_535, 65_535), (1, 1)),
    "GIF, its frame": lambda encode: gif((1, 1), (65_535, 65_535)),
    "GIF, its frame between two bounds": lambda encode: gif((1, 1), (9_000, 9_000)),
    "GIF, where its frame lies": lambda encode: gif((1, 1), (1, 1), (65_000, 65_000)),
    "WebP": lambda encode: webp(16_384, 16_384, encode),
    "animated WebP": lambda encode: webp(16_383, 16_383, encode, save_all=True, append_images=[BLUE.resize((8, 8))]),
    "WebP between two bounds": lambda encode: webp(
        9_000, 9_000, encode, save_all=True, append_images=[BLUE.resize((8, 8))]
    ),
    "BMP": lambda encode: bmp(60_000, 60_000, 24, 0, b""),
    "BMP, run lengths": lambda encode: bmp(9_000, 9_000, 8, 1, bytes(1024) + b"\xff\x01"),
    "JPEG": lambda encode: encode(RED, "JPEG").replace(b"\0\x10\0\x10\x03", b"\xff\xdc\xff\xdc\x03"),
    "JPEG between two bounds": lambda encode: encode(RED, "JPEG").replace(b"\0\x10\0\x10\x03", b"\x23\x28\x23\x28\x03"),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_header_that_promises_too_much_is_refused_before_anything_is_decoded(
    name: str, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = SIZES[name](encode)
    for plugin in (ImageFile.ImageFile, WebPImagePlugin.WebPImageFile):
        monkeypatch.setattr(plugin, "load", lambda self: pytest.fail(f"decodes {self.size}"))
    assert "64000000" in reason(data)


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_a_text_or_profile_that_unpacks_to_a_hundred_megabytes(name: bytes) -> None:
    packed = zlib.compress(bytes(10**8))
    assert "too large" in reason(png((1, 1), 8, RGB, PIXEL, chunk(name, b"a\0\0" + packed)))


def test_pixels_that_unpack_to_more_than_the_picture_are_left_packed() -> None:
    packed = zlib.compress(PIXEL + bytes(10**8))
    data = png((1, 1), 8, RGB, b"").replace(chunk(b"IDAT", zlib.compress(b"")), chunk(b"IDAT", packed))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    assert first(data) == [[1, 2, 3]]
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_a_jpeg_of_very_many_scans_is_refused(encode: Encode) -> None:
    """In 14 bytes a scan: 32 MiB of them would keep a processor busy for an hour or more."""
    data = encode(Image.new("RGB", (2000, 2000), "grey"), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    enough = MAX_SCANNED // (2000 * 2000)
    assert reason(data[:-2] + enough * scan + data[-2:]) == "260 scans of 2000 x 2000 pixels; too many to decode"
    assert pixels(data[:-2] + 10 * scan + data[-2:]).shape == (2000, 2000, 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_what_stands_behind_the_end_of_a_picture_is_ignored(format: str, scene: Scene, encode: Encode) -> None:
    data = encode(scene(0), format)
    np.testing.assert_array_equal(pixels(data + b"PK\x03\x04" + bytes(1000)), pixels(data))


@pytest.mark.parametrize("size", [(0, 0), (1, 0), (0, 1)])
def test_no_pixels_at_all(size: tuple[int, int], encode: Encode) -> None:
    assert reason(png(size, 8, RGB, b""))
    assert reason(bmp(*size, 24, 0, b""))
    assert reason(gif((1, 1), (size[0], size[1])))


@pytest.mark.parametrize("extra", [(), (chunk(b"tRNS", b"\0"),)])
def test_a_palette_picture_without_a_palette(extra: tuple[bytes, ...]) -> None:
    assert (
        reason(png((2, 1), 8, PALETTE, b"\0\0\x01", *extra)) == "cannot be decoded: colours by number, but no palette"
    )


def test_a_frame_larger_than_its_picture() -> None:
    control = struct.pack(">IIIIIHHBB", 0, 60_000, 60_000, 0, 0, 1, 1, 0, 0)
    frames = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", control)
    assert "not a picture" in reason(png((1, 1), 8, RGB, PIXEL, frames))


LARGEST = {  # the two that take most
    "16 bits": "Image.new('I;16', (8000, 8000), 999), 'PNG', compress_level=1",
    "WebP": "Image.new('RGBA', (8000, 8000), (1, 9, 8, 4)), 'WEBP', method=0",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_picture_takes_less_than_a_gibibyte(name: str, tmp_path) -> None:
    make = textwrap.dedent(f"""
        import sys
        from PIL import Image
        def save(picture, format, **options):
            picture.save(sys.argv[1], format, **options)
        save({LARGEST[name]})
        """)
    read = textwrap.dedent("""
        import pathlib, resource, sys
        from redqueen.corpus.decode import pixels
        data = pathlib.Path(sys.argv[1]).read_bytes()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert pixels(data).shape == (8000, 8000, 3)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        """)
    for script in (make, read):
        command = [sys.executable, "-c", script, str(tmp_path / "picture")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 2**20  # KiB
