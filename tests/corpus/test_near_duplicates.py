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

from redqueen.corpus import near_duplicates
from redqueen.corpus.near_duplicates import (
    FINGERPRINT_BYTES,
    MAX_DIFFERENCE,
    MAX_DISTANCE,
    fingerprint,
    first_member,
    join,
    similar,
)

Scene = Callable[..., Image.Image]


def _print(picture: Image.Image) -> bytes:
    return fingerprint(np.asarray(picture))


def _joined(prints: list[bytes], classes: list[int] | None = None) -> list[int]:
    """What each picture is joined to; all of one class unless said otherwise."""
    rows = np.frombuffer(b"".join(prints), np.uint8).reshape(-1, FINGERPRINT_BYTES)
    return similar(rows, np.array(classes or [0] * len(prints))).tolist()


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
    assert _joined([_print(scene(99)), _print(picture), _print(copy(picture))]) == [0, 1, 1]


def test_different_pictures_are_not_found(scene: Scene) -> None:
    assert _joined([_print(scene(number)) for number in range(60)]) == list(range(60))


def _gradient(low: tuple[int, int, int], high: tuple[int, int, int]) -> Image.Image:
    ramp = np.linspace(0, 1, 96)[None, :, None] * np.ones((96, 1, 1))
    return Image.fromarray((np.array(low) + ramp * (np.array(high) - np.array(low))).round().astype(np.uint8))


def test_gradients_of_other_colours_are_not_the_same_picture() -> None:
    """Skies hash alike, since every cell is brighter than its neighbour; the thumbnail tells them apart."""
    colours = ((0, 0, 0), (255, 255, 255)), ((0, 0, 60), (255, 200, 255)), ((0, 60, 0), (120, 255, 90))
    skies = [_gradient(low, high) for low, high in colours]
    assert len({_print(sky)[:32] for sky in skies}) == 1
    assert _joined([_print(sky) for sky in skies]) == [0, 1, 2]
    assert _joined([_print(skies[0]), _print(_saved(skies[0], 90))]) == [0, 0]


def test_a_flat_picture_has_no_fingerprint() -> None:
    assert _print(Image.new("RGB", (64, 64), (90, 20, 30))) == b""
    assert _joined([]) == []


def test_a_fingerprint_has_224_bytes_and_its_bits_are_by_hand() -> None:
    """17 columns that rise except from the 4th to the 5th: 15 ones and one zero a row."""
    row = np.arange(17) * 15
    row[4] = 0
    pixels = np.repeat(np.repeat(row.astype(np.uint8)[None], 16, axis=0)[:, :, None], 3, axis=2)
    found = fingerprint(pixels)
    assert len(found) == 32 + 8 * 8 * 3
    assert found[:32] == bytes([0b11101111, 0b11111111]) * 16


def _brute_force(fingerprints: list[bytes], classes: list[int]) -> list[int]:
    """Every pair by the definition, with integers in place of arrays and bands; then the first that can be reached."""
    near: dict[int, set[int]] = {i: {i} for i in range(len(fingerprints))}
    for (i, a), (j, b) in combinations(enumerate(fingerprints), 2):
        distance = (int.from_bytes(a[:32]) ^ int.from_bytes(b[:32])).bit_count()
        shades = [abs(x - y) for x, y in zip(a[32:], b[32:], strict=True)]
        if classes[i] == classes[j] and distance <= MAX_DISTANCE and sum(shades) / len(shades) <= MAX_DIFFERENCE:
            near[i].add(j)
            near[j].add(i)
    found = []
    for i in near:
        reached, frontier = {i}, {i}
        while frontier:
            frontier = set().union(*(near[k] for k in frontier)) - reached
            reached |= frontier
        found.append(min(reached))
    return found


def _flipped(base: NDArray[np.uint8], flips: int, shade: int, rng: np.random.Generator) -> bytes:
    bits = np.unpackbits(base)
    bits[rng.choice(256, flips, replace=False)] ^= 1
    return np.packbits(bits).tobytes() + bytes([100 + shade] * 192)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    variants=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, MAX_DISTANCE + 2), st.integers(0, 14), st.integers(0, 1)),
        max_size=14,
    ),
    crowd=st.sampled_from([2, 3, 128]),
)
def test_the_search_joins_what_brute_force_joins(
    seed: int, variants: list[tuple[int, int, int, int]], crowd: int
) -> None:
    """Around three hashes, up to two bits and twice the shade over the limits: pairs on both sides of each limit."""
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 256, (3, 32), dtype=np.uint8)
    prints, classes = [_flipped(bases[v[0]], v[1], v[2], rng) for v in variants], [v[3] for v in variants]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "CROWD", crowd)
        assert _joined(prints, classes) == _brute_force(prints, classes)


def _around(bases: int, count: int, flips: float, smooth: bool, seed: int) -> list[bytes]:
    """Noisy copies of some hashes; of smooth ones, whose hashes are all alike and only the shades differ."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 256, (bases, 32), dtype=np.uint8) * (not smooth)
    shades = rng.integers(60, 190, bases)
    found = []
    for number in rng.integers(0, bases, count):
        bits = np.unpackbits(hashes[number]) ^ (rng.random(256) < flips / 256)
        noise = shades[number] + rng.integers(-3, 4, 192)
        found.append(np.packbits(bits.astype(np.uint8)).tobytes() + noise.astype(np.uint8).tobytes())
    return found


@pytest.mark.parametrize("crowd", [2, 16, 1000])
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize(("bases", "flips"), [(1, 7), (3, 7), (12, 4), (150, 0)])
def test_crowds_are_searched_as_thoroughly_as_pairs(
    bases: int, flips: float, smooth: bool, crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clusters so wide that only some of their pairs agree, of which several share bands."""
    prints = _around(bases, 150, flips, smooth, seed=bases)
    monkeypatch.setattr(near_duplicates, "CROWD", crowd)
    monkeypatch.setattr(near_duplicates, "_CHUNK", 64)
    classes = [number % 2 for number in range(150)]
    assert _joined(prints, classes) == _brute_force(prints, classes)


@pytest.mark.parametrize("spread", [0.0, 8.0])
def test_pictures_that_are_all_alike_are_not_compared_pair_by_pair(
    spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 of one cluster, exact copies or wide apart: 200 million pairs, of which under a tenth are looked at."""
    rng = np.random.default_rng(0)
    bits = np.unpackbits(rng.integers(0, 256, 32, dtype=np.uint8)) ^ (rng.random((20_000, 256)) < spread / 256)
    prints = np.concatenate([np.packbits(bits, axis=1), rng.integers(100, 104, (20_000, 192), dtype=np.uint8)], axis=1)
    looked_at = []
    bits_between = near_duplicates._Search._bits
    monkeypatch.setattr(
        near_duplicates._Search, "_bits", lambda self, a, b: (looked_at.append(len(a)), bits_between(self, a, b))[1]
    )
    found = similar(prints, np.zeros(20_000, np.int64))
    assert (found == 0).mean() > 0.99
    assert sum(looked_at) < 20e6


def test_classes_are_not_mixed() -> None:
    own = bytes(range(32)) + bytes([100] * 192)
    assert _joined([own, own, own, own], [0, 1, 0, 1]) == [0, 1, 0, 1]


@pytest.mark.parametrize("spread", range(5))
def test_the_limit_itself_is_found_however_the_bits_are_spread(spread: int) -> None:
    rng = np.random.default_rng(spread)
    base = rng.integers(0, 256, 32, dtype=np.uint8)
    limit, over = _flipped(base, MAX_DISTANCE, 6, rng), _flipped(base, MAX_DISTANCE + 1, 0, rng)
    own = base.tobytes() + bytes([100] * 192)
    assert _joined([own, limit]) == [0, 0]
    assert _joined([own, over]) == [0, 1]
    assert _joined([own, _flipped(base, 0, 7, rng)]) == [0, 1]


@pytest.mark.parametrize("first", range(16))
def test_bits_that_differ_evenly_leave_one_band_to_be_found_by(first: int) -> None:
    """Every 16th bit differs: the hardest spread for a search by bands, since no longer stretch agrees."""
    base = np.random.default_rng(first).integers(0, 256, 32, dtype=np.uint8)
    bits = np.unpackbits(base)
    bits[first::16] ^= 1
    shades = bytes([100] * 192)
    assert _joined([base.tobytes() + shades, np.packbits(bits).tobytes() + shades]) == [0, 0]


@settings(max_examples=80, deadline=None)
@given(
    labels=st.lists(st.integers(0, 7), min_size=8, max_size=8),
    picks=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=8),
)
def test_joining_against_repeated_relabelling(labels: list[int], picks: list[tuple[int, int]]) -> None:
    expected = list(labels)
    for i, j in picks:
        low, high = expected[i], expected[j]
        expected = [low if label == high else label for label in expected]
    left, right = (np.array([pair[side] for pair in picks], np.int64) for side in (0, 1))
    found = first_member(join(np.array(labels), left, right))
    assert found.tolist() == [expected.index(label) for label in expected]
