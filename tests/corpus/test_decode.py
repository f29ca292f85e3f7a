"""Reading pictures of strangers: what is refused and why, and what the pixels of the rest are."""

import io
import resource
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from redqueen.corpus import decode
from redqueen.corpus.decode import jpeg_quality, open_picture, pixels, to_rgb
from redqueen.errors import RejectedPictureError, UserError

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]


def _png(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (b"A list of names, saved as photo.jpg.\n" * 50, "not a picture in one of JPEG, PNG, WEBP, GIF, BMP"),
        (b"\xff\xd8\xff\xe0", "not a picture"),
        (b"%PDF-1.7\n", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "not a picture"),
    ],
)
def test_what_is_no_picture_is_rejected(data: bytes, reason: str) -> None:
    with pytest.raises(RejectedPictureError, match=reason):
        pixels(data)


@pytest.mark.parametrize("format", ["TIFF", "PPM", "ICO", "PCX"])
def test_formats_outside_the_list_are_rejected(format: str, scene: Scene, encode: Encode) -> None:
    with pytest.raises(RejectedPictureError, match="not a picture in one of"):
        pixels(encode(scene(0), format))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_truncated_picture_is_rejected(format: str, share: float, scene: Scene, encode: Encode) -> None:
    data = encode(scene(0), format)
    with pytest.raises(RejectedPictureError):
        pixels(data[: int(share * len(data))])


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((50_000, 50_000), "more than 64000000 pixels"),
        ((9_000, 9_000), "9000 x 9000 pixels; at most 64000000 in all"),
        ((20_000, 1), "20000 x 1 pixels; at most .* 16384 a side"),
    ],
)
def test_a_huge_picture_is_rejected_before_it_is_decoded(size: tuple[int, int], reason: str) -> None:
    """In less than half a second, and without the memory that its pixels would take."""
    data = _png(*size)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(RejectedPictureError, match=reason):
        open_picture(data)
    assert time.perf_counter() - start < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024  # KiB


def test_a_huge_file_is_rejected_unread(monkeypatch: pytest.MonkeyPatch, scene: Scene, encode: Encode) -> None:
    data = encode(scene(0), "PNG")
    monkeypatch.setattr(decode, "MAX_BYTES", len(data))
    assert open_picture(data).size == (96, 96)
    monkeypatch.setattr(decode, "MAX_BYTES", len(data) - 1)
    with pytest.raises(RejectedPictureError, match=f"{len(data)} bytes; at most {len(data) - 1} are read"):
        open_picture(data)


def test_half_read_pictures_never_pass(monkeypatch: pytest.MonkeyPatch, scene: Scene, encode: Encode) -> None:
    """Where another library has set Pillow's switch for them, nothing is read at all."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(UserError, match="LOAD_TRUNCATED_IMAGES"):
        open_picture(encode(scene(0), "PNG"))


_EXIF = Image.Exif()
_EXIF[0x0112], _EXIF[0x010E] = 6, "a description"
_SMALL = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8))
_SEEDS = [("JPEG", {"exif": _EXIF}), ("PNG", {"exif": _EXIF}), ("WEBP", {"exif": _EXIF}), ("GIF", {}), ("BMP", {})]


@pytest.mark.parametrize(("format", "options"), _SEEDS, ids=[name for name, _ in _SEEDS])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5),
    cut=st.none() | st.integers(0, 10**6),
)
def test_damaged_bytes_are_read_or_rejected(
    format: str, options: dict[str, Image.Exif], changes: list[tuple[int, int]], cut: int | None
) -> None:
    """Whatever is wrong with a file, in its header, its EXIF block or its pixels: no other exception, no warning."""
    buffer = io.BytesIO()
    _SMALL.save(buffer, format, **options)
    data = bytearray(buffer.getvalue())
    for place, value in changes:
        data[place % len(data)] = value
    try:
        found = pixels(bytes(data if cut is None else data[: cut % len(data)]))
    except RejectedPictureError:
        return
    assert found.dtype == np.uint8
    assert found.shape[2] == 3


def _block(orientation_type: int, count: int, value: bytes) -> bytes:
    """An EXIF block with one entry, the orientation, by hand."""
    entry = struct.pack("<HHHI", 1, 0x0112, orientation_type, count) + value.ljust(4, b"\0")
    return b"Exif\0\0II*\0\x08\0\0\0" + entry + b"\0\0\0\0"


@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        _block(2, 2, b"A"),  # text where a number belongs
        _block(5, 1, b"\xff\xff\xff\xff"),  # a fraction that lies outside of the file
        _block(3, 1, b"\x63\0"),  # 99: no such orientation
    ],
)
def test_a_broken_exif_block_turns_nothing(block: bytes, scene: Scene, encode: Encode) -> None:
    data = encode(scene(0), "JPEG")
    with_block = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    np.testing.assert_array_equal(pixels(with_block), pixels(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_against_pillows_own(orientation: int, scene: Scene, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene(0, 64, 32), "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(pixels(data), np.asarray(expected))


def test_orientation_6_by_hand(encode: Encode) -> None:
    """A camera held on its side: the first row of the file is the right-hand column of the scene."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = pixels(encode(Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)), "PNG", exif=exif))
    assert upright[:, :, 0].tolist() == [[3, 0], [4, 1], [5, 2]]


def test_sixteen_bits_are_scaled_and_not_clipped_or_stretched(encode: Encode) -> None:
    values = np.array([[0, 257, 128 * 257, 200 * 257]], dtype=np.uint16)
    assert pixels(encode(Image.fromarray(values), "PNG"))[0].tolist() == [[v] * 3 for v in (0, 1, 128, 200)]


@pytest.mark.parametrize("mode", ["L", "1"])
def test_one_channel_becomes_three_equal_ones(mode: str, scene: Scene, encode: Encode) -> None:
    grey = scene(0).convert(mode)
    found = pixels(encode(grey, "PNG"))
    np.testing.assert_array_equal(found, np.repeat(np.asarray(grey.convert("L"))[:, :, None], 3, axis=2))


def test_alpha_is_laid_on_white(encode: Encode) -> None:
    """By the formula: colour * alpha + 255 * (1 - alpha); a hidden colour under alpha 0 stays hidden."""
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 128], [200, 100, 0, 0]]], dtype=np.uint8)
    alpha = rgba[:, :, 3:] / 255
    expected = rgba[:, :, :3] * alpha + 255 * (1 - alpha)
    np.testing.assert_allclose(pixels(encode(Image.fromarray(rgba), "PNG")), expected, atol=1)


def test_a_palette_with_a_clear_colour_is_laid_on_white(encode: Encode) -> None:
    indexed = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    assert pixels(encode(indexed, "PNG", transparency=0))[0].tolist() == [[255, 255, 255], [40, 50, 60]]
    assert pixels(encode(indexed, "PNG"))[0].tolist() == [[10, 20, 30], [40, 50, 60]]


def test_grey_with_alpha_and_grey_with_a_clear_shade(encode: Encode) -> None:
    la = Image.fromarray(np.array([[[90, 255], [90, 0]]], dtype=np.uint8), mode="LA")
    assert pixels(encode(la, "PNG"))[0].tolist() == [[90] * 3, [255] * 3]
    grey = Image.fromarray(np.array([[90, 91]], dtype=np.uint8))
    assert pixels(encode(grey, "PNG", transparency=91))[0].tolist() == [[90] * 3, [255] * 3]


def test_cmyk_keeps_its_colours(scene: Scene, encode: Encode) -> None:
    cmyk = scene(0).convert("CMYK")
    found = pixels(encode(cmyk, "JPEG", quality=100, subsampling=0)).astype(int)
    assert np.abs(found - np.asarray(scene(0)).astype(int)).mean() < 2


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(format: str, encode: Encode) -> None:
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    found = pixels(encode(red, format, save_all=True, append_images=[blue]))
    assert found.shape == (32, 32, 3)
    np.testing.assert_allclose(found[16, 16], (255, 0, 0), atol=4)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_one_pixel_is_a_picture(format: str, encode: Encode) -> None:
    assert pixels(encode(Image.new("RGB", (1, 1), "white"), format)).shape == (1, 1, 3)


def test_to_rgb_leaves_its_argument_alone(scene: Scene) -> None:
    picture = scene(0)
    before = np.asarray(picture).copy()
    to_rgb(picture).putpixel((0, 0), (1, 2, 3))
    np.testing.assert_array_equal(np.asarray(picture), before)


@pytest.mark.parametrize("quality", [*range(1, 100, 7), 24, 49, 50, 51, 75, 90, 95, 99, 100])
def test_jpeg_quality_is_the_one_it_was_saved_with(quality: int, scene: Scene, encode: Encode) -> None:
    assert jpeg_quality(open_picture(encode(scene(0, 16), "JPEG", quality=quality))) == quality


def test_jpeg_quality_is_unknown_elsewhere(scene: Scene, encode: Encode) -> None:
    assert jpeg_quality(open_picture(encode(scene(0), "PNG"))) is None
    assert jpeg_quality(scene(0)) is None
    tables = [list(range(1, 65)), list(range(1, 65))]
    assert jpeg_quality(open_picture(encode(scene(0), "JPEG", qtables=tables))) is None
