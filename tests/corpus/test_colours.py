"""What the numbers in a picture mean: inks, sixteen bits, palettes, alpha, frames, orientation; by plain formulas."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from handmade import GREY, GREY_ALPHA, PALETTE, PIXEL, RGB, RGB_ALPHA, chunk, gif, marked, png
from redqueen.corpus.decode import open_picture, pixels, to_rgb
from redqueen.corpus.normalise import Normalise

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]

WHITE = [255, 255, 255]
RED, BLUE = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))


def first(data: bytes) -> list[list[int]]:
    """The colours of the first row."""
    found = pixels(data)
    assert found.dtype == np.uint8
    return found[0].tolist()


# CMYK: a JPEG stores four numbers; Adobe's programs store 255 less each of them, and say so in a segment of their own.
INKS = np.array([[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 64], [10, 20, 30, 40], [0, 0, 0, 255]], dtype=np.uint8)
ADOBE = b"Adobe\0d\0\0\0\0"


def cmyk(transform: int, encode: Encode) -> bytes:
    """Patches of INKS, 8 pixels each, saved as Pillow does: inverted, with Adobe's segment; its last byte replaced."""
    sheet = Image.fromarray(np.tile(INKS.repeat(8, axis=0), (8, 1, 1)), "CMYK")  # (8, 40, 4)
    data = encode(sheet, "JPEG", quality=100, subsampling=0)
    at = data.index(ADOBE) + len(ADOBE)
    return data[:at] + bytes([transform]) + data[at + 1 :]


def paper(inks: np.ndarray) -> np.ndarray:
    """What ink leaves of white paper, by the plain formula."""
    return (255 - inks[:, :3].astype(float)) * (255 - inks[:, 3:].astype(float)) / 255


def middles(data: bytes) -> np.ndarray:
    return pixels(data)[4, 4::8].astype(float)


def test_inverted_cmyk_with_adobes_segment(encode: Encode) -> None:
    np.testing.assert_allclose(middles(cmyk(0, encode)), paper(INKS), atol=3)


def test_cmyk_without_adobes_segment_is_taken_for_adobes_too(encode: Encode) -> None:
    """As Pillow and browsers do: the files that leave the segment out are mostly inverted all the same."""
    data = cmyk(0, encode)
    at = data.index(b"\xff\xee")
    bare = data[:at] + data[at + 16 :]
    assert b"Adobe" not in bare
    np.testing.assert_array_equal(pixels(bare), pixels(data))


def test_ycck_is_turned_back_to_cmyk(encode: Encode) -> None:
    """With transform 2 the first three numbers are Y, Cb and Cr (ITU-T T.871) of the inks' complement."""
    y, cb, cr, k = (255 - INKS.astype(float)).T
    red, green, blue = y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)
    inks = np.stack([red, green, blue, 255 - k], axis=1).clip(0, 255)
    np.testing.assert_allclose(middles(cmyk(2, encode)), paper(inks), atol=4)


def test_a_grey_jpeg_has_three_equal_channels(scene: Scene, encode: Encode) -> None:
    data = encode(scene(0).convert("L"), "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(pixels(data), np.repeat(expected[:, :, None], 3, axis=2))


@pytest.mark.parametrize("value", [0, 128, 129, 257, 20_000, 32_767, 65_406, 65_407, 65_535])
def test_sixteen_bits_of_grey_are_rounded(value: int) -> None:
    assert first(png((1, 1), 16, GREY, b"\0" + struct.pack(">H", value))) == [[round(value / 257)] * 3]


def test_sixteen_bits_of_colour() -> None:
    """Pillow keeps the upper eight bits: at most one step off."""
    row = struct.pack(">6H", 257 * 10, 257 * 20, 257 * 30, 65_535, 300, 0)
    assert first(png((2, 1), 16, RGB, b"\0" + row)) == [[10, 20, 30], [255, 1, 0]]


def test_sixteen_bits_with_alpha() -> None:
    rgba = struct.pack(">8H", 257 * 10, 257 * 20, 257 * 30, 65_535, 65_535, 0, 0, 0)
    assert first(png((2, 1), 16, RGB_ALPHA, b"\0" + rgba)) == [[10, 20, 30], WHITE]
    la = struct.pack(">4H", 257 * 10, 65_535, 257 * 10, 0)
    assert first(png((2, 1), 16, GREY_ALPHA, b"\0" + la)) == [[10] * 3, WHITE]


@pytest.mark.parametrize(
    ("bits", "row", "clear", "expected"),
    [
        (1, b"\x40", 0, [255, 255]),
        (1, b"\x40", 1, [0, 255]),
        (2, b"\x40", 1, [255, 0]),  # the pixels 1 and 0, of which the first is clear
        (2, b"\x90", 1, [170, 255]),
        (2, b"\x90", 0, [170, 85]),
        (4, b"\x57", 5, [255, 119]),
        (4, b"\x57", 7, [85, 255]),
        (8, b"\x05\x07", 5, [255, 7]),
        (16, struct.pack(">HH", 257 * 90, 257 * 91), 257 * 91, [90, 255]),
        (16, struct.pack(">HH", 257 * 90, 257 * 91), 257 * 91 + 1, [90, 91]),  # another shade that rounds to the same
    ],
)
def test_grey_with_a_clear_shade_at_every_depth(bits: int, row: bytes, clear: int, expected: list[int]) -> None:
    data = png((2, 1), bits, GREY, b"\0" + row, chunk(b"tRNS", struct.pack(">H", clear)))
    assert first(data) == [[shade] * 3 for shade in expected]


@pytest.mark.parametrize("bits", [8, 16])
def test_colour_with_a_clear_one(bits: int) -> None:
    """The clear colour is named in 16 bits; the pixel beside it differs in one step of one channel."""
    step = 257 if bits == 16 else 1
    code = ">3H" if bits == 16 else ">3B"
    row = b"".join(struct.pack(code, *(step * value for value in colour)) for colour in ((1, 2, 3), (1, 2, 4)))
    data = png((2, 1), bits, RGB, b"\0" + row, chunk(b"tRNS", struct.pack(">3H", step, 2 * step, 3 * step)))
    assert first(data) == [WHITE, [1, 2, 4]]


def test_a_palette_with_alpha_for_each_colour() -> None:
    """A colour without an entry is opaque."""
    palette = chunk(b"PLTE", bytes([200, 100, 0] * 4))
    found = first(png((4, 1), 8, PALETTE, bytes([0, 0, 1, 2, 3]), palette, chunk(b"tRNS", bytes([255, 0, 51]))))
    assert found[0] == found[3] == [200, 100, 0]
    assert found[1] == WHITE
    np.testing.assert_allclose(found[2], [0.2 * value + 0.8 * 255 for value in (200, 100, 0)], atol=1)


def test_a_number_that_the_palette_does_not_have_is_black() -> None:
    assert first(png((2, 1), 8, PALETTE, b"\0\0\x05", chunk(b"PLTE", b"\x01\x02\x03"))) == [[1, 2, 3], [0, 0, 0]]


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_colours_multiplied_by_alpha(mode: str) -> None:
    plain = Image.new(mode.upper(), (2, 1), (200, 128) if mode == "La" else (200, 100, 0, 128))
    np.testing.assert_allclose(np.asarray(to_rgb(plain.convert(mode))), np.asarray(to_rgb(plain)), atol=2)


def test_a_gif_whose_first_frame_is_a_part_of_its_screen() -> None:
    """The rest of the screen has the background's colour, here number 0 of the palette, or is clear."""
    found = pixels(gif((3, 2), (1, 1), (1, 1)))
    assert found.shape == (2, 3, 3)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 2


def test_an_animation_gives_its_first_frame_whatever_it_says_of_their_number(encode: Encode) -> None:
    data = encode(RED, "PNG", save_all=True, append_images=[BLUE])
    at = data.index(b"acTL") + 4
    lie = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    for changed in (data, data[: at - 8] + lie + data[at + 12 :]):
        assert first(changed)[0] == [255, 0, 0]


def test_an_apng_shows_the_picture_that_stands_for_it(encode: Encode) -> None:
    """Its first picture need not be a frame of the animation: programs that know none show that one, and so do we."""
    data = encode(RED, "PNG", save_all=True, append_images=[BLUE, RED], default_image=True)
    assert first(data)[0] == [255, 0, 0]


def test_an_animation_whose_second_frame_is_damaged(encode: Encode) -> None:
    """Nobody looks at it."""
    data = encode(RED, "GIF", save_all=True, append_images=[BLUE])
    np.testing.assert_array_equal(pixels(data[:-20]), pixels(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_every_orientation_in_the_formats_of_cameras(
    format: str, orientation: int, scene: Scene, encode: Encode
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene(0, 64, 32), format, exif=exif)
    np.testing.assert_array_equal(pixels(data), np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))
    assert pixels(data).shape == ((64, 32, 3) if orientation > 4 else (32, 64, 3))


XMP = {
    "unclosed": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF",
    "no text": bytes(range(256)),
    "UTF-16": "<x:xmpmeta/>".encode("utf-16"),
    "entities that multiply": b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><x:xmpmeta>&b;</x:xmpmeta>",
    "a file of the machine": b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x:xmpmeta>&a;</x:xmpmeta>",
    "no such orientation": b"<rdf:Description tiff:Orientation='9'/>",
    "orientation in words": b'<rdf:Description tiff:Orientation="upright"/>',
}


@pytest.mark.parametrize("name", XMP)
def test_invalid_xmp_changes_nothing(name: str, scene: Scene, encode: Encode) -> None:
    data = encode(scene(0), "JPEG")
    with_xmp = marked(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP[name])
    np.testing.assert_array_equal(pixels(with_xmp), pixels(data))
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP[name])
    assert first(png((1, 1), 8, RGB, PIXEL, text)) == [[1, 2, 3]]
    np.testing.assert_array_equal(pixels(encode(scene(0), "WEBP", xmp=XMP[name])), pixels(encode(scene(0), "WEBP")))


def test_xmp_turns_a_picture_that_has_no_exif(scene: Scene, encode: Encode) -> None:
    data = marked(encode(scene(0, 64, 32), "JPEG"), 0xE1, b'http://ns.adobe.com/xap/1.0/\0<a tiff:Orientation="6"></a>')
    assert pixels(data).shape == (64, 32, 3)


@pytest.mark.parametrize("profile", [b"", b"garbage", bytes(200), b"\xff" * 4000])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_broken_colour_profile_changes_nothing(format: str, profile: bytes, scene: Scene, encode: Encode) -> None:
    with_profile = encode(scene(0), format, icc_profile=profile)
    assert profile in with_profile or format == "PNG"
    np.testing.assert_array_equal(pixels(with_profile), pixels(encode(scene(0), format)))


def test_a_profile_that_is_not_even_packed() -> None:
    assert first(png((1, 1), 8, RGB, PIXEL, chunk(b"iCCP", b"a\0\0garbage"))) == [[1, 2, 3]]


def test_of_several_pictures_in_one_file_the_first_counts(encode: Encode) -> None:
    """As phones and stereo cameras write them; a JPEG without its neighbour is the same picture."""
    data = encode(RED.resize((64, 64)), "MPO", save_all=True, append_images=[BLUE.resize((64, 64))])
    assert open_picture(data).format == "MPO"
    np.testing.assert_allclose(pixels(data)[32, 32], (255, 0, 0), atol=4)
    treated = Normalise(size=32)(data)
    assert Image.open(io.BytesIO(treated.data)).format == "JPEG"
    np.testing.assert_allclose(pixels(treated.data)[16, 16], (255, 0, 0), atol=4)
