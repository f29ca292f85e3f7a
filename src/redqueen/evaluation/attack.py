"""The worst case: pictures changed, by little, by somebody who has the detector and follows its gradient.

Projected gradient descent: Madry et al., ICLR 2018, arXiv 1706.06083, in the maximum norm.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from redqueen.detectors.base import Detector, Pixels
from redqueen.errors import UserError
from redqueen.perturbations.functional import check_range

_LEVELS = 255


@dataclass(frozen=True)
class PGD:
    """Steps along the sign of the gradient, each kept within `epsilon` of the picture and within [0, 1].

    Args:
        epsilon: largest change of a value, of a range of 1.
        steps: how many.
        rate: length of a step, of a range of 1; None: 2.5 epsilon / steps, which reaches the boundary from anywhere.
        seed: of the start, which is drawn within `epsilon`.
    """

    epsilon: float = 4 / 255
    steps: int = 20
    rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no attack."""
        check_range("attack.epsilon", self.epsilon, 0, 1)
        check_range("attack.steps", self.steps, 1, 10_000)
        if self.rate is not None:
            check_range("attack.rate", self.rate, 0, 1)

    def __call__(self, score: Callable[[Tensor], Tensor], pictures: Tensor, labels: Tensor) -> Tensor:
        """Pictures that look less like what they are to `score`: of all steps and the picture itself, the worst for it.

        The loss rises wherever the logit of a generated picture falls and that of a human-made one rises: as only the
        gradient's sign is followed, the logit's serves, which unlike the loss's does not vanish far from 0.

        Args:
            score: logits, (B,), of pictures; differentiable.
            pictures: (B, …) in [0, 1].
            labels: (B,), 1 for generated pictures, whose score falls, 0 for human-made ones, whose score rises.
        """
        rate = 2.5 * self.epsilon / self.steps if self.rate is None else self.rate
        away = (1 - 2 * labels.to(pictures)).reshape(-1, *[1] * (pictures.ndim - 1))
        noise = torch.rand(pictures.shape, generator=torch.Generator().manual_seed(self.seed)).to(pictures)
        found = self._within(pictures + self.epsilon * (2 * noise - 1), pictures)
        side = away.flatten()
        with torch.no_grad():
            worst, reached = pictures.clone(), score(pictures) * side
        for step in range(self.steps + 1):
            found.requires_grad_(True)
            scores = score(found)
            better = scores.detach() * side > reached
            worst[better], reached[better] = found.detach()[better], (scores.detach() * side)[better]
            if step < self.steps:
                (slope,) = torch.autograd.grad(scores.sum(), found)
                found = self._within(found.detach() + rate * away * slope.sign(), pictures)
        return worst

    def _within(self, found: Tensor, pictures: Tensor) -> Tensor:
        near = torch.maximum(torch.minimum(found, pictures + self.epsilon), pictures - self.epsilon)
        return near.clamp(0, 1)


def attacked(detector: Detector, pictures: list[Pixels], labels: list[int], how: PGD) -> tuple[list[Pixels], Tensor]:
    """The pictures after the attack, rounded to 8 bits, and their logits, (B,), as the detector reads them then.

    Rounding may cost the attack a little, and is what a file would do: the pictures can be saved without loss and shown
    to any detector.

    Args:
        detector: one that `exposed` accepts; used in evaluation mode, which it is left in.
        pictures: (height, width, 3) uint8, all of one size.
        labels: 1 for generated, 0 for human-made.
        how: the attack.

    Raises:
        UserError: the detector is not open to it, or the pictures are of several sizes.
    """
    shapes = sorted({one.shape for one in pictures})
    if len(shapes) != 1:
        raise UserError(f"attack: pictures of {len(shapes)} sizes; give one size at a time")
    detector.eval()
    view = exposed(detector, shapes[0])
    device = next(detector.parameters(), view.low).device
    low, width = view.low.to(device), (view.high - view.low).to(device)
    inputs = torch.stack([detector.prepare(one) for one in pictures])
    found = how(lambda seen: detector(low + seen * width), view.seen(inputs).to(device), torch.tensor(labels))
    made = [view.put(one, change) for one, change in zip(pictures, found, strict=True)]
    with torch.inference_mode():
        return made, detector(torch.stack([detector.prepare(one) for one in made]).to(device)).float().cpu()


@dataclass(frozen=True)
class Exposed:
    """What of a picture a detector reads, where that is a window of its values, each scaled on its own.

    Attributes:
        low: input, (3, h, w), of a black picture.
        high: of a white one.
        top: first row of the picture that is read.
        left: first column.
    """

    low: Tensor
    high: Tensor
    top: int
    left: int

    def seen(self, inputs: Tensor) -> Tensor:
        """The windows in [0, 1], (B, 3, h, w), of prepared pictures."""
        return ((inputs - self.low) / (self.high - self.low)).clamp(0, 1)

    def put(self, pixels: Pixels, window: Tensor) -> Pixels:
        """The picture with another window, (3, h, w) in [0, 1], rounded."""
        made = pixels.copy()
        _, tall, wide = window.shape
        values = (window * _LEVELS).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        made[self.top : self.top + tall, self.left : self.left + wide] = values
        return made


def exposed(detector: Detector, shape: tuple[int, ...]) -> Exposed:
    """How a detector reads pictures of a shape, found by showing it some; UserError for one that is not open to PGD.

    Open is who reads a fixed window of the picture, never resized, and scores it with a gradient. Others resize in
    `prepare`, choose patches by what they show, take a feature or a file's metadata there, or have no gradient: of them
    an attack of this kind would say less than it seems to.
    """
    name = type(detector).__name__
    no = UserError(f"attack: {name} reads no fixed window of a picture of {shape[1]} x {shape[0]} pixels")
    if detector.reads != "pixels":
        raise no
    black, white = (np.full(shape, value, np.uint8) for value in (0, _LEVELS))
    low, high = detector.prepare(black), detector.prepare(white)
    if low.ndim != 3 or low.shape[0] != 3 or low.shape[1] > shape[0] or low.shape[2] > shape[1]:
        raise no
    if not (high > low).all():
        raise no
    _check_window(detector, shape, low, high, no)
    down, across = np.mgrid[0 : shape[0], 0 : shape[1]]
    corner = []
    for places, side in ((down, 0), (across, 1)):
        digits = [_read(detector, places // 256**power % 256, low, high)[0, 0, 0] for power in (0, 1)]
        corner.append(int(digits[0]) + 256 * int(digits[1]))
        if corner[side] + low.shape[side + 1] > shape[side]:
            raise no
    view = Exposed(low, high, *corner)
    probe = _noise(shape, 3)
    if not np.array_equal(view.put(black, view.seen(detector.prepare(probe))), view.put(black, _crop(probe, view))):
        raise no
    _check_gradient(detector, low, name)
    return view


def _check_window(detector: Detector, shape: tuple[int, ...], low: Tensor, high: Tensor, no: UserError) -> None:
    """Of two pictures and of their sum the same values are read: what is read does not depend on what is shown."""
    one, two = (_noise(shape, seed) // 2 for seed in (1, 2))
    first, second, both = (_read(detector, picture, low, high) for picture in (one, two, one + two))
    if not np.array_equal(first + second, both):
        raise no


def _check_gradient(detector: Detector, low: Tensor, name: str) -> None:
    device = next(detector.parameters(), low).device
    trial = low[None].to(device).requires_grad_(True)
    logit = detector(trial).sum()
    if not logit.requires_grad or torch.autograd.grad(logit, trial, allow_unused=True)[0] is None:
        raise UserError(f"attack: the score of {name} has no gradient")


def _read(detector: Detector, pixels: np.ndarray, low: Tensor, high: Tensor) -> np.ndarray:
    """What is read of a picture, (3, h, w), in levels of 0 to 255; a grey one may be (height, width)."""
    whole = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    share = (detector.prepare(whole.astype(np.uint8)) - low) / (high - low)
    return (share * _LEVELS).round(decimals=2).numpy()


def _noise(shape: tuple[int, ...], seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _crop(pixels: Pixels, view: Exposed) -> Tensor:
    _, tall, wide = view.low.shape
    window = pixels[view.top : view.top + tall, view.left : view.left + wide]
    return torch.from_numpy(np.ascontiguousarray(window)).permute(2, 0, 1) / _LEVELS
