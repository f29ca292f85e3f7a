"""The one treatment: what comes out is the same for every kind of file that goes in, and holds no metadata."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from redqueen.corpus.decode import pixels
from redqueen.corpus.normalise import Facts, Keep, Normalise, Treatment
from redqueen.errors import RejectedPictureError

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]

SIZE, QUALITY = 48, 90
_EXIF = Image.Exif()
_EXIF[0x010E], _EXIF[0x0110] = "a description", "a camera"
_SAYS_MUCH = {"exif": _EXIF, "icc_profile": b"profile" * 50, "comment": b"made by X", "xmp": b"<x:xmpmeta/>"}
_SEGMENT = b"\xff\xeb" + struct.pack(">H", 12) + b"JPC2PA\0\0\0\0"  # APP11, where C2PA lies


@pytest.fixture
def normalise() -> Normalise:
    return Normalise(SIZE, QUALITY)


def _segments(data: bytes) -> list[int]:
    """Second bytes of the markers between the start of a JPEG and its scan."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        assert data[at] == 0xFF
        found.append(data[at + 1])
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return found


def _sampling(data: bytes) -> list[tuple[int, int]]:
    """Horizontal and vertical sampling factors of the components, from the frame header (ITU-T T.81, B.2.2)."""
    at = data.index(b"\xff\xc0")
    return [divmod(data[at + 11 + 3 * i], 16) for i in range(data[at + 9])]


def _assert_normal(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (SIZE, SIZE))
        plain = io.BytesIO()
        Image.new("RGB", (8, 8)).save(plain, "JPEG", quality=QUALITY)
        assert picture.quantization == Image.open(plain).quantization
    applications = [code for code in _segments(data) if 0xE0 <= code <= 0xEF or code == 0xFE]
    assert applications == [0xE0]  # JFIF alone: no EXIF, XMP (APP1), ICC (APP2), C2PA (APP11) or comment
    assert _sampling(data) == [(2, 2), (1, 1), (1, 1)]  # 4:2:0
    assert data.endswith(b"\xff\xd9")
    assert data.count(b"\xff\xd9") == 1


def _rgba(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    picture.putalpha(128)
    return picture


def _sixteen_bits(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("format", "change", "options"),
    [
        pytest.param("JPEG", None, {"quality": 70}, id="jpeg"),
        pytest.param("JPEG", None, {"quality": 95, "subsampling": 0, **_SAYS_MUCH}, id="jpeg-metadata"),
        pytest.param("JPEG", None, {"progressive": True}, id="jpeg-progressive"),
        pytest.param("JPEG", lambda p: p.convert("CMYK"), {}, id="jpeg-cmyk"),
        pytest.param("JPEG", lambda p: p.convert("L"), {"quality": 90}, id="jpeg-grey"),
        pytest.param("PNG", None, {"exif": _EXIF, "icc_profile": b"profile"}, id="png-metadata"),
        pytest.param("PNG", _rgba, {}, id="png-rgba"),
        pytest.param("PNG", lambda p: p.quantize(16), {"transparency": 0}, id="png-palette-alpha"),
        pytest.param("PNG", _sixteen_bits, {}, id="png-16"),
        pytest.param("GIF", None, {"comment": b"made by X"}, id="gif-comment"),
        pytest.param("WEBP", None, {"exif": _EXIF, "xmp": b"<x:xmpmeta/>"}, id="webp-metadata"),
        pytest.param("BMP", None, {}, id="bmp"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [(96, 96), (100, 61), (SIZE, SIZE)])
def test_everything_comes_out_alike(
    format: str,
    change: Callable[[Image.Image], Image.Image] | None,
    options: dict[str, Any],
    size: tuple[int, int],
    normalise: Normalise,
    scene: Scene,
    encode: Encode,
) -> None:
    picture = scene(1, *size)
    treated = normalise(encode(change(picture) if change else picture, format, **options))
    _assert_normal(treated.data)
    assert treated.facts == Facts(SIZE, SIZE, "JPEG", QUALITY)
    assert (treated.source.width, treated.source.height, treated.source.format) == (*size, format)
    assert treated.resample_factor == min(size) / SIZE


def test_the_pixels_are_the_central_square_by_lanczos(normalise: Normalise, scene: Scene, encode: Encode) -> None:
    picture = scene(2, 120, 80)
    square = picture.crop((20, 0, 100, 80)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    assert normalise(encode(picture, "PNG")).data == encode(square, "JPEG", quality=QUALITY, subsampling="4:2:0")


def test_a_picture_of_the_right_size_is_not_resampled(normalise: Normalise, scene: Scene, encode: Encode) -> None:
    picture = scene(3, SIZE)
    treated = normalise(encode(picture, "PNG"))
    assert treated.data == encode(picture, "JPEG", quality=QUALITY, subsampling="4:2:0")
    assert treated.resample_factor == 1.0


def test_the_side_that_counts_is_the_upright_one(normalise: Normalise, encode: Encode) -> None:
    """Orientation 6 of a picture that is red on its left: red on top."""
    exif = Image.Exif()
    exif[0x0112] = 6
    left_red = Image.new("RGB", (SIZE, SIZE), "blue")
    left_red.paste("red", (0, 0, SIZE // 2, SIZE))
    data = encode(left_red, "JPEG", quality=QUALITY, subsampling="4:2:0", exif=exif)  # its size, codec, quality conform
    treated = normalise(data)
    _assert_normal(treated.data)
    top, bottom = pixels(treated.data)[4, SIZE // 2], pixels(treated.data)[-4, SIZE // 2]
    assert top[0] > bottom[0] + 150
    assert bottom[2] > top[2] + 150


def test_a_conforming_picture_stays_byte_identical(normalise: Normalise, scene: Scene, encode: Encode) -> None:
    """Saving it again would leave the trace of a second compression; so treatment twice is treatment once."""
    data = encode(scene(4, SIZE), "JPEG", quality=QUALITY, subsampling="4:2:0")
    assert normalise(data).data == data
    once = normalise(encode(scene(4, 200, 150), "WEBP")).data
    assert normalise(once).data == once


@pytest.mark.parametrize(
    "metadata",
    [
        {"comment": b"made by X"},
        {"exif": _EXIF},
        {"icc_profile": b"profile" * 50},
        {"xmp": b"<x:xmpmeta/>"},
        {"dpi": (72, 72)},
        _SAYS_MUCH,
    ],
    ids="+".join,
)
def test_metadata_is_cut_off_a_conforming_picture_without_a_second_compression(
    metadata: dict[str, Any], normalise: Normalise, scene: Scene, encode: Encode
) -> None:
    """In field one photograph in thirteen has a comment and hardly any generated picture has."""
    options = {"quality": QUALITY, "subsampling": "4:2:0"}
    treated = normalise(encode(scene(4, SIZE), "JPEG", **options, **metadata))
    assert treated.data == encode(scene(4, SIZE), "JPEG", **options)


@pytest.mark.parametrize("where", ["front", "behind"])
def test_what_pillow_overlooks_is_cut_off_too(where: str, normalise: Normalise, scene: Scene, encode: Encode) -> None:
    data = encode(scene(4, SIZE), "JPEG", quality=QUALITY, subsampling="4:2:0")
    longer = data[:20] + _SEGMENT + data[20:] if where == "front" else data + b"a second picture"
    assert normalise(longer).data == data


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"quality": QUALITY, "subsampling": "4:4:4"}, id="4:4:4"),
        pytest.param({"quality": QUALITY, "subsampling": "4:2:2"}, id="4:2:2"),
        pytest.param({"quality": QUALITY + 1}, id="quality"),
        pytest.param({"quality": QUALITY, "progressive": True}, id="progressive"),
        pytest.param({"quality": QUALITY, "keep_rgb": True}, id="rgb-coded"),
        pytest.param({"qtables": [[3] * 64, [3] * 64]}, id="tables"),
    ],
)
def test_what_does_not_conform_is_saved_again(
    options: dict[str, Any], normalise: Normalise, scene: Scene, encode: Encode
) -> None:
    data = encode(scene(5, SIZE), "JPEG", **options)
    treated = normalise(data)
    _assert_normal(treated.data)
    difference = np.abs(pixels(treated.data).astype(int) - pixels(data).astype(int))
    assert difference.mean() < 4  # the same scene still


def test_chroma_tables_count(normalise: Normalise, scene: Scene, encode: Encode) -> None:
    """Luminance as at our quality, chrominance finer: one of the classes could be known by it."""
    ours = Image.open(io.BytesIO(encode(scene(5, SIZE), "JPEG", quality=QUALITY))).quantization
    data = encode(scene(5, SIZE), "JPEG", qtables=[ours[0], [1] * 64], subsampling="4:2:0")
    _assert_normal(normalise(data).data)


@pytest.mark.parametrize("size", [(1, 1), (SIZE - 1, 500), (500, SIZE - 1)])
def test_a_small_picture_is_rejected_and_not_enlarged(
    size: tuple[int, int], normalise: Normalise, scene: Scene, encode: Encode
) -> None:
    with pytest.raises(RejectedPictureError, match=rf"{size[0]} x {size[1]} pixels; the short side must be >= {SIZE}"):
        normalise(encode(scene(6, *size), "PNG"))


def test_a_lower_limit_allows_enlarging(scene: Scene, encode: Encode) -> None:
    treated = Normalise(SIZE, QUALITY, smallest=12)(encode(scene(6, 24), "PNG"))
    _assert_normal(treated.data)
    assert treated.resample_factor == 0.5


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_rejections_come_through(data: bytes, normalise: Normalise) -> None:
    with pytest.raises(RejectedPictureError):
        normalise(data)


def test_treatment_leaves_no_state(scene: Scene, encode: Encode) -> None:
    """The digest of a corpus is over `vars(normalise)`: treating a picture must not change it."""
    normalise = Normalise(SIZE, QUALITY)
    before = dict(vars(normalise))
    first, second = (normalise(encode(scene(7), "PNG")).data for _ in range(2))
    assert first == second
    assert vars(normalise) == before


@pytest.mark.parametrize(
    ("format", "options", "quality"),
    [("JPEG", {"quality": 63}, 63), ("JPEG", {"qtables": [[3] * 64] * 2}, None), ("PNG", {}, None), ("WEBP", {}, None)],
)
@pytest.mark.parametrize("treatment", [Keep(), Normalise(SIZE)], ids=lambda treatment: type(treatment).__name__)
def test_what_the_file_gave_away_is_recorded(
    treatment: Treatment, format: str, options: dict[str, Any], quality: int | None, scene: Scene, encode: Encode
) -> None:
    assert treatment(encode(scene(1, 60, 90), format, **options)).source == Facts(60, 90, format, quality)


def test_keeping_leaves_every_byte(scene: Scene, encode: Encode) -> None:
    data = encode(scene(1, 60, 90), "JPEG", quality=70, **_SAYS_MUCH)
    treated = Keep()(data)
    assert treated.data == data
    assert treated.facts == treated.source == Facts(60, 90, "JPEG", 70)
    assert treated.resample_factor == 1


def test_keeping_refuses_what_cannot_be_decoded_and_what_is_too_small(scene: Scene, encode: Encode) -> None:
    small = encode(scene(1, 30, 90), "PNG")
    Keep()(small)
    with pytest.raises(RejectedPictureError, match="30 x 90 pixels; the short side must be >= 31"):
        Keep(size=31)(small)
    with pytest.raises(RejectedPictureError, match="not a picture"):
        Keep()(b"text")
