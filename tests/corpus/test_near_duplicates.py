"""Near-duplicates: copies are found, other pictures are not, and the banded search misses nothing."""

import io
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from redqueen.corpus.near_duplicates import MAX_DIFFERENCE, MAX_DISTANCE, fingerprint, merge, same_pictures

Scene = Callable[..., Image.Image]


def _print(picture: Image.Image) -> bytes:
    return fingerprint(np.asarray(picture))


def _saved(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(lambda p: _saved(p, 40), id="jpeg 40"),
        pytest.param(lambda p: _saved(p, 90), id="jpeg 90"),
        pytest.param(lambda p: p.resize((88, 88), Image.Resampling.LANCZOS), id="smaller"),
        pytest.param(lambda p: p.resize((200, 200), Image.Resampling.BICUBIC), id="larger"),
        pytest.param(lambda p: ImageEnhance.Brightness(p).enhance(1.04), id="brighter"),
        pytest.param(lambda p: p.crop((1, 1, 95, 95)), id="one pixel cut off"),
    ],
)
def test_a_copy_is_found(copy: Callable[[Image.Image], Image.Image], number: int, scene: Scene) -> None:
    picture = scene(number)
    assert same_pictures([_print(scene(99)), _print(picture), _print(copy(picture))]) == [(1, 2)]


def test_different_pictures_are_not_found(scene: Scene) -> None:
    assert same_pictures([_print(scene(number)) for number in range(60)]) == []


def _gradient(low: tuple[int, int, int], high: tuple[int, int, int]) -> Image.Image:
    ramp = np.linspace(0, 1, 96)[None, :, None] * np.ones((96, 1, 1))
    return Image.fromarray((np.array(low) + ramp * (np.array(high) - np.array(low))).round().astype(np.uint8))


def test_gradients_of_other_colours_are_not_the_same_picture() -> None:
    """Skies hash alike, since every cell is brighter than its neighbour; the thumbnail tells them apart."""
    colours = ((0, 0, 0), (255, 255, 255)), ((0, 0, 60), (255, 200, 255)), ((0, 60, 0), (120, 255, 90))
    skies = [_gradient(low, high) for low, high in colours]
    assert len({_print(sky)[:32] for sky in skies}) == 1
    assert same_pictures([_print(sky) for sky in skies]) == []
    assert same_pictures([_print(skies[0]), _print(_saved(skies[0], 90))]) == [(0, 1)]


def test_a_flat_picture_has_no_fingerprint_and_matches_nothing() -> None:
    blank = Image.new("RGB", (64, 64), (90, 20, 30))
    assert _print(blank) == b""
    assert same_pictures([b"", b"", _print(blank)]) == []
    assert same_pictures([]) == []


def test_a_fingerprint_has_224_bytes_and_its_bits_are_by_hand() -> None:
    """17 columns that rise except from the 4th to the 5th: 15 ones and one zero a row."""
    row = np.arange(17) * 15
    row[4] = 0
    pixels = np.repeat(np.repeat(row.astype(np.uint8)[None], 16, axis=0)[:, :, None], 3, axis=2)
    found = fingerprint(pixels)
    assert len(found) == 32 + 8 * 8 * 3
    assert found[:32] == bytes([0b11101111, 0b11111111]) * 16


def _brute_force(fingerprints: list[bytes]) -> list[tuple[int, int]]:
    """Every pair, by the definition: integers and bit_count in place of arrays and bands."""
    found = []
    for (i, a), (j, b) in combinations(enumerate(fingerprints), 2):
        if a and b:
            distance = (int.from_bytes(a[:32]) ^ int.from_bytes(b[:32])).bit_count()
            shades = [abs(x - y) for x, y in zip(a[32:], b[32:], strict=True)]
            if distance <= MAX_DISTANCE and sum(shades) / len(shades) <= MAX_DIFFERENCE:
                found.append((i, j))
    return found


def _flipped(base: NDArray[np.uint8], flips: int, shade: int, rng: np.random.Generator) -> bytes:
    bits = np.unpackbits(base)
    bits[rng.choice(256, flips, replace=False)] ^= 1
    return np.packbits(bits).tobytes() + bytes([100 + shade] * 192)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    variants=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, MAX_DISTANCE + 2), st.integers(0, 14)) | st.none(), max_size=14
    ),
)
def test_the_banded_search_finds_what_brute_force_finds(seed: int, variants: list[tuple[int, int, int] | None]) -> None:
    """Around three hashes, up to two bits and twice the shade over the limits: pairs on both sides of each limit."""
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 256, (3, 32), dtype=np.uint8)
    prints = [b"" if v is None else _flipped(bases[v[0]], v[1], v[2], rng) for v in variants]
    assert same_pictures(prints) == _brute_force(prints)


@pytest.mark.parametrize("spread", range(5))
def test_the_limit_itself_is_found_however_the_bits_are_spread(spread: int) -> None:
    rng = np.random.default_rng(spread)
    base = rng.integers(0, 256, 32, dtype=np.uint8)
    limit, over = _flipped(base, MAX_DISTANCE, 6, rng), _flipped(base, MAX_DISTANCE + 1, 0, rng)
    own = base.tobytes() + bytes([100] * 192)
    assert same_pictures([own, limit]) == [(0, 1)]
    assert same_pictures([own, over]) == []
    assert same_pictures([own, _flipped(base, 0, 7, rng)]) == []


@pytest.mark.parametrize("first", range(16))
def test_bits_that_differ_evenly_leave_one_band_to_be_found_by(first: int) -> None:
    """Every 16th bit differs: the hardest spread for a search by bands, since no longer stretch agrees."""
    base = np.random.default_rng(first).integers(0, 256, 32, dtype=np.uint8)
    bits = np.unpackbits(base)
    bits[first::16] ^= 1
    shades = bytes([100] * 192)
    assert same_pictures([base.tobytes() + shades, np.packbits(bits).tobytes() + shades]) == [(0, 1)]


def test_merging_is_transitive_and_keeps_the_first_name() -> None:
    """Rows of "d" meet "c", another row of "c" meets "b": one group; "a" stays alone."""
    groups = ["d", "c", "c", "b", "a", "d"]
    assert merge(groups, [(0, 1), (2, 3)]) == ["b", "b", "b", "b", "a", "b"]
    assert merge(groups, []) == groups


@settings(max_examples=80, deadline=None)
@given(
    groups=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=12),
    picks=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=8),
)
def test_merging_against_repeated_relabelling(groups: list[str], picks: list[tuple[int, int]]) -> None:
    pairs = [(i % len(groups), j % len(groups)) for i, j in picks]
    expected = list(groups)
    for _ in range(len(groups)):
        for i, j in pairs:
            low, high = sorted((expected[i], expected[j]))
            expected = [low if name == high else name for name in expected]
    assert merge(groups, pairs) == expected
    assert merge(groups, pairs[::-1]) == expected
