"""Near-duplicate pictures by difference hash and colour thumbnail; what is found joins one group.

The hash finds candidates quickly; the thumbnail confirms them, since smooth gradients of different scenes hash alike.

Every pair that agrees is found or already joined, without comparing all pairs: two hashes that differ in at most 16
bits agree in at least one of 17 bands (pigeonhole), and two thumbnails of which the mean grey differs by more than the
limit differ by more than the limit. Many pictures that share a band are compared by way of one of them: by the
triangle inequality most pairs need no look at all. A million pictures that are all alike cost as little as a million
that are not.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SIDE = 16  # 16 x 16 comparisons: 256 bits
MAX_DISTANCE = 16  # of 256 bits
THUMBNAIL = 8  # 8 x 8 RGB
MAX_DIFFERENCE = 6.0  # mean absolute difference of thumbnails, of 255
FLAT = 12.0  # standard deviation of grey levels under which a picture has nothing to compare
HASH_BYTES = SIDE * SIDE // 8
SHADES = THUMBNAIL * THUMBNAIL * 3
FINGERPRINT_BYTES = HASH_BYTES + SHADES
CROWD = 128  # pictures that share a band and are still compared pair by pair
_BANDS = MAX_DISTANCE + 1
_REACH = int(MAX_DIFFERENCE * SHADES)  # the limit as a sum over the thumbnail, in whole numbers
_CHUNK = 1 << 16

Rows = NDArray[np.int64]


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


def similar(prints: NDArray[np.uint8], classes: NDArray[np.integer]) -> Rows:
    """The first of the pictures that each picture is joined to, (n,): itself where it has no near-duplicate.

    Two pictures are joined if hashes and thumbnails both agree and their classes are the same, or by way of others.

    Args:
        prints: (n, 224), one fingerprint a row.
        classes: (n,), small whole numbers from 0 on.
    """
    if not len(prints):
        return np.empty(0, np.int64)
    first, inverse = _distinct(prints, classes)  # the same print is compared once
    search = _Search(prints, classes, first)
    for band in range(_BANDS):
        search.band(band)
    return first_member(search.joined[inverse])


def _distinct(prints: NDArray[np.uint8], classes: NDArray[np.integer]) -> tuple[Rows, Rows]:
    """The rows that differ in print or class, each by its first position, and which of them every row equals."""
    order = np.argsort(np.ascontiguousarray(prints).view(f"V{prints.shape[1]}").ravel(), kind="stable")
    order = order[np.argsort(classes[order], kind="stable")]
    new = np.ones(len(order), bool)
    for start in range(1, len(order), _CHUNK):
        here, before = order[start : start + _CHUNK], order[start - 1 : start - 1 + _CHUNK][: len(order) - start]
        new[start : start + _CHUNK] = (prints[here] != prints[before]).any(axis=1) | (classes[here] != classes[before])
    inverse = np.empty(len(order), np.int64)
    inverse[order] = np.cumsum(new) - 1
    return order[new], inverse


def join(labels: Rows, left: Rows, right: Rows) -> Rows:
    """Labels, (n,) in 0..n-1, after each `left[k]` was joined with `right[k]`: equal where connected.

    >>> join(np.arange(4), np.array([0, 2]), np.array([2, 3])).tolist()
    [0, 1, 0, 0]
    """
    if not len(left):
        return labels
    graph = coo_array((np.ones(len(left), bool), (labels[left], labels[right])), shape=(len(labels), len(labels)))
    found: Rows = connected_components(graph, directed=False)[1][labels].astype(np.int64)
    return found


def first_member(labels: Rows) -> Rows:
    """Each label replaced by the first position at which it stands."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    found: Rows = first[inverse].astype(np.int64)
    return found


class _Search:
    """Distinct fingerprints, and what has been joined of them so far: `joined`, (n,), equal where connected."""

    def __init__(self, prints: NDArray[np.uint8], classes: NDArray[np.integer], rows: Rows) -> None:
        self.bytes = np.zeros((len(rows), HASH_BYTES + 1), np.uint8)  # one more, for the last band
        self.bytes[:, :HASH_BYTES] = prints[rows, :HASH_BYTES]
        self.words = np.ascontiguousarray(self.bytes[:, :HASH_BYTES]).view(np.uint64)  # (n, 4)
        self.shades = np.ascontiguousarray(prints[rows, HASH_BYTES:])  # (n, 192)
        self.bright = self.shades.sum(axis=1, dtype=np.int64)
        self.classes = classes[rows].astype(np.int64)
        self.joined = np.arange(len(rows), dtype=np.int64)
        self._found: list[tuple[Rows, Rows]] = []

    def band(self, number: int) -> None:
        """Join what agrees among the pictures that share this band."""
        keys = self._keys(number)
        order = np.lexsort((self.bright, keys))
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        sizes = np.diff(starts, append=len(order))
        joined = self.joined[order]
        open_ = np.maximum.reduceat(joined, starts) != np.minimum.reduceat(joined, starts)
        crowded = open_ & (sizes > CROWD)
        few = np.repeat(open_ & ~crowded, sizes)
        self._each_pair(order[few], keys[order[few]])
        for start, size in zip(starts[crowded], sizes[crowded], strict=True):
            self._crowd(order[start : start + size])
        self._fold()

    def _keys(self, number: int) -> Rows:
        """The bits of one band and the class, as one number a picture."""
        width, more = divmod(SIDE * SIDE, _BANDS)
        start = number * width + min(number, more)
        width += number < more
        first, offset = divmod(start, 8)
        three = self.bytes[:, first : first + 3].astype(np.int64)
        value = (three[:, 0] << 16 | three[:, 1] << 8 | three[:, 2]) >> (24 - offset - width) & ((1 << width) - 1)
        keys: Rows = value << 8 | self.classes
        return keys

    def _each_pair(self, rows: Rows, keys: Rows) -> None:
        """Compare each picture with the next of its bucket, then with the one after that, as far as grey allows."""
        left = np.arange(len(rows))
        for step in range(1, CROWD):
            left = left[left + step < len(rows)]
            right = left + step
            near = (keys[left] == keys[right]) & (self.bright[rows[right]] - self.bright[rows[left]] <= _REACH)
            left, right = left[near], right[near]
            if not len(left):
                return
            one, other = rows[left], rows[right]
            apart = self.joined[one] != self.joined[other]
            one, other = one[apart], other[apart]
            agree = self._agree(one, other)
            self._add(one[agree], other[agree])

    def _crowd(self, rows: Rows) -> None:
        """The same for a large bucket, sorted by grey: picture by picture, each with all that are joined to it."""
        left = rows
        while len(left) > 1:
            seed, rest = left[0], left[1:]
            reach = np.searchsorted(self.bright[rest], self.bright[seed] + _REACH, side="right")
            inside = self.joined[rest] == self.joined[seed]
            if inside.all():
                return
            there = np.flatnonzero(~inside[:reach])
            near = there[self._agree(np.full(len(there), seed), rest[there])]
            self._add(np.full(len(near), seed), rest[near])
            inside[near] = True
            left = self._spread(seed, rest, inside) if inside.any() else rest

    def _spread(self, seed: np.int64, rest: Rows, inside: NDArray[np.bool_]) -> Rows:
        """Join to the seed's pictures what agrees with any of them; returns what is left, in its order.

        A picture at distance a from the seed agrees with none whose distance from the seed is over a + 16.
        """
        far, tint = self._distances(np.full(len(rest), seed), rest)
        out, queue = np.flatnonzero(~inside), np.flatnonzero(inside)
        while len(queue) and len(out):
            queue = queue[far[queue] + MAX_DISTANCE >= far[out].min()]
            some, queue = np.split(queue, [max(1, _CHUNK // len(out))])
            near = np.abs(far[some, np.newaxis] - far[out]) <= MAX_DISTANCE
            near &= np.abs(tint[some, np.newaxis] - tint[out]) <= _REACH
            here, there = np.nonzero(near)
            agree = self._agree(rest[some[here]], rest[out[there]])
            new, first = np.unique(there[agree], return_index=True)
            self._add(rest[some[here[agree][first]]], rest[out[new]])
            inside[out[new]] = True
            out, queue = np.delete(out, new), np.concatenate([queue, out[new]])
        return rest[~inside]

    def _agree(self, left: Rows, right: Rows) -> NDArray[np.bool_]:
        found = np.zeros(len(left), bool)
        for start in range(0, len(left), _CHUNK):
            one, other = left[start : start + _CHUNK], right[start : start + _CHUNK]
            close = np.flatnonzero(self._bits(one, other) <= MAX_DISTANCE)
            found[start + close] = self._tints(one[close], other[close]) <= _REACH
        return found

    def _distances(self, left: Rows, right: Rows) -> tuple[Rows, Rows]:
        """Hamming distance of hashes and sum of differences of thumbnails."""
        pieces = [slice(start, start + _CHUNK) for start in range(0, len(left), _CHUNK)]
        bits = np.concatenate([self._bits(left[piece], right[piece]) for piece in pieces])
        return bits, np.concatenate([self._tints(left[piece], right[piece]) for piece in pieces])

    def _bits(self, left: Rows, right: Rows) -> Rows:
        found: Rows = np.bitwise_count(self.words[left] ^ self.words[right]).sum(axis=1, dtype=np.int64)
        return found

    def _tints(self, left: Rows, right: Rows) -> Rows:
        one, other = self.shades[left], self.shades[right]
        found: Rows = (np.maximum(one, other) - np.minimum(one, other)).sum(axis=1, dtype=np.int64)
        return found

    def _add(self, left: Rows, right: Rows) -> None:
        if len(left):
            self._found.append((left, right))
            if sum(len(one) for one, _ in self._found[-64:]) > _CHUNK * 16:
                self._fold()

    def _fold(self) -> None:
        if self._found:
            left, right = (np.concatenate(side) for side in zip(*self._found, strict=True))
            self.joined, self._found = join(self.joined, left, right), []
