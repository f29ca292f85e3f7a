"""Pictures and encodings that the tests of the corpus share; nothing is read from disk."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

Scene = Callable[..., Image.Image]
Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Makes a picture with shapes and colours of its own from a number, as one photograph differs from the next."""

    def make(number: int, width: int = 96, height: int | None = None) -> Image.Image:
        coarse = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((width, height or width), Image.Resampling.BICUBIC)

    return make


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Saves a picture into bytes with Pillow."""

    def save(picture: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
        buffer = io.BytesIO()
        picture.save(buffer, format, **options)
        return buffer.getvalue()

    return save
