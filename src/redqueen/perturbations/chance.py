"""Operations whose severity, or whether they happen at all, is drawn: what pipelines of distortions are built from."""

import math
from collections.abc import Sequence

import numpy as np

from redqueen.errors import UserError
from redqueen.perturbations.functional import Operation, Pixels, check_range, jpeg
from redqueen.perturbations.geometry import resize
from redqueen.perturbations.signal import noise

_TRIES = 10  # crops that are drawn before the central one is taken


def sometimes(pixels: Pixels, rng: np.random.Generator, operation: Operation, p: float) -> Pixels:
    """An operation with probability `p`, 0-1; else the picture as it is: (height, width, 3) uint8."""
    check_range("probability", p, 0, 1)
    return operation(pixels, rng) if rng.random() < p else pixels


def one_of(pixels: Pixels, rng: np.random.Generator, operations: Sequence[Operation]) -> Pixels:
    """One of the operations, each as likely as the others: (height, width, 3) uint8."""
    if not operations:
        raise UserError("operations [] is not allowed: give at least one")
    return operations[int(rng.integers(len(operations)))](pixels, rng)


def jpeg_between(pixels: Pixels, rng: np.random.Generator, low: int, high: int) -> Pixels:
    """JPEG, 4:2:0, of a whole quality from `low` to `high`, both included: (height, width, 3) uint8."""
    return jpeg(pixels, rng, int(rng.integers(low, max(low, high) + 1)))


def noise_between(pixels: Pixels, rng: np.random.Generator, low: float, high: float) -> Pixels:
    """Gaussian noise of a deviation drawn from `low` to `high`, shares of 255: (height, width, 3) uint8."""
    return noise(pixels, rng, rng.uniform(low, high))


def crop_if_large(pixels: Pixels, rng: np.random.Generator, side: int, central: bool = True) -> Pixels:
    """At most `side` pixels of each side, a window in the middle or anywhere: (height, width, 3) uint8."""
    check_range("side", side, 16, 65_535)
    spare = [max(0, length - side) for length in pixels.shape[:2]]
    top, left = (less // 2 if central or not less else int(rng.integers(less + 1)) for less in spare)
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def square_crop(
    pixels: Pixels,
    rng: np.random.Generator,
    sides: tuple[int, int],
    least: float,
    ratio: float,
    kernels: Sequence[str] = ("bilinear",),
) -> Pixels:
    """A random window, scaled to a square whose side is drawn: (side, side, 3) uint8, of another size than it had.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        rng: draws the side, the kernel and the window.
        sides: smallest and largest side of the square, both included.
        least: of the area that the window keeps, 0.01-1.
        ratio: largest aspect of the window, 1-4; its inverse is the smallest.
        kernels: names of `geometry.KERNELS`, each as likely as the others.
    """
    check_range("least", least, 0.01, 1)
    check_range("ratio", ratio, 1, 4)
    side, kernel = int(rng.integers(sides[0], sides[1] + 1)), kernels[int(rng.integers(len(kernels)))]
    top, left, tall, wide = window(pixels.shape[0], pixels.shape[1], rng, least, ratio)
    return resize(np.ascontiguousarray(pixels[top : top + tall, left : left + wide]), side, side, kernel)


def window(height: int, width: int, rng: np.random.Generator, least: float, ratio: float) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random window of at least `least` of the area, its aspect 1 / ratio to ratio.

    Drawn as torchvision's RandomResizedCrop draws: ten tries, then the largest central one of an allowed aspect.
    """
    for _ in range(_TRIES):
        area = height * width * rng.uniform(least, 1.0)
        aspect = math.exp(rng.uniform(-math.log(ratio), math.log(ratio)))
        wide, tall = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            return int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1)), tall, wide
    wide, tall = max(1, min(width, round(height * ratio))), max(1, min(height, round(width * ratio)))
    return (height - tall) // 2, (width - wide) // 2, tall, wide
