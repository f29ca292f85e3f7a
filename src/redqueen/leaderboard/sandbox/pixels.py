"""All that a submitted detector is ever given: heights, widths and pixels."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def packed(pictures: Sequence[Pixels]) -> bytes:
    """Pictures as one message: a line of JSON with heights and widths, then their pixels and nothing else."""
    head = json.dumps([picture.shape[:2] for picture in pictures]).encode()
    return b"\n".join([head, b"".join(np.ascontiguousarray(picture).tobytes() for picture in pictures)])


def unpacked(message: bytes) -> list[Pixels]:
    """The pictures of a message, each (height, width, 3) uint8.

    >>> [picture.shape for picture in unpacked(packed([np.zeros((2, 5, 3), np.uint8), np.ones((1, 1, 3), np.uint8)]))]
    [(2, 5, 3), (1, 1, 3)]
    """
    head, _, rest = message.partition(b"\n")
    found, start = [], 0
    for height, width in json.loads(head):
        size = height * width * 3
        found.append(np.frombuffer(rest, np.uint8, size, start).reshape(height, width, 3))
        start += size
    return found
