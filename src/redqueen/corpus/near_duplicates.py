"""Near-duplicate pictures by difference hash and colour thumbnail; what is found joins one group.

The hash finds candidates quickly; the thumbnail confirms them, since smooth gradients of different scenes hash alike.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16  # 16 x 16 comparisons: 256 bits
MAX_DISTANCE = 16  # of 256 bits
THUMBNAIL = 8  # 8 x 8 RGB
MAX_DIFFERENCE = 6.0  # mean absolute difference of thumbnails, of 255
FLAT = 12.0  # standard deviation of grey levels under which a picture has nothing to compare
_BANDS = MAX_DISTANCE + 1  # pigeonhole: 16 differing bits leave at least one of 17 bands untouched
_HASH_BYTES = SIDE * SIDE // 8


def fingerprint(pixels: NDArray[np.uint8]) -> bytes:
    """256-bit dHash and 8 x 8 RGB thumbnail, 224 bytes; empty for a picture too flat to compare.

    Each bit says whether a cell of a 16 x 17 grey thumbnail is brighter than its left neighbour.
    """
    picture = Image.fromarray(pixels)
    values = np.asarray(picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX), dtype=np.int16)
    if values.std() < FLAT:
        return b""
    thumbnail = np.asarray(picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
    return np.packbits(values[:, 1:] > values[:, :-1]).tobytes() + thumbnail.tobytes()


def same_pictures(fingerprints: Sequence[bytes]) -> list[tuple[int, int]]:
    """Pairs of positions whose hashes and thumbnails both agree; empty fingerprints match nothing."""
    known = {i: np.frombuffer(f, np.uint8) for i, f in enumerate(fingerprints) if f}
    bits = {i: np.unpackbits(values[:_HASH_BYTES]) for i, values in known.items()}
    colours = {i: values[_HASH_BYTES:].astype(np.int16) for i, values in known.items()}
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for i, row in bits.items():
        for number, band in enumerate(np.array_split(row, _BANDS)):
            buckets[number, band.tobytes()].append(i)
    pairs: set[tuple[int, int]] = set()
    for members in buckets.values():
        if len(members) > 1:
            pairs.update(_agreeing(members, bits, colours))
    return sorted(pairs)


def _agreeing(
    members: Sequence[int], bits: dict[int, NDArray[np.uint8]], colours: dict[int, NDArray[np.int16]]
) -> list[tuple[int, int]]:
    rows = np.stack([bits[i] for i in members])
    shades = np.stack([colours[i] for i in members])
    found = []
    for here, i in enumerate(members[:-1]):
        near = (rows[here + 1 :] != rows[here]).sum(axis=1) <= MAX_DISTANCE
        alike = np.abs(shades[here + 1 :] - shades[here]).mean(axis=1) <= MAX_DIFFERENCE
        found += [(i, members[here + 1 + int(j)]) for j in np.flatnonzero(near & alike)]
    return found


def merge(
    groups: Sequence[str], pairs: Sequence[tuple[int, int]], linked: Sequence[Sequence[str]] | None = None
) -> list[str]:
    """The group of each row once paired rows share one, and rows share one with all groups that they are linked to.

    A merged group takes the first name in alphabetical order.

    >>> merge(["b", "a", "c"], [(0, 2)])
    ['b', 'a', 'b']
    >>> merge(["b", "c", "d"], [], [["photo"], [], ["photo"]])
    ['b', 'c', 'b']
    """
    named = zip(groups, linked or [()] * len(groups), strict=True)
    links = [(group, other) for group, others in named for other in others]
    parent = {group: group for group in (*groups, *(other for _, other in links))}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for one, other in (*((groups[i], groups[j]) for i, j in pairs), *links):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return [root(group) for group in groups]
