"""Deterministic denoising backwards and forwards: a picture to the noise that it would be made from, and back.

Song et al., "Denoising Diffusion Implicit Models", ICLR 2021 (arXiv 2010.02502), equation 12 with sigma = 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from redqueen.errors import UserError

Network = Callable[[Tensor, Tensor], Tensor]  # (pictures (B, C, H, W), time ()) -> prediction (B, C, H, W)


@dataclass(frozen=True)
class Schedule:
    """The noise levels of a pipeline, at `steps` of its times.

    Attributes:
        times: (steps,), rising from 0, in equal steps.
        kept: share of the picture's variance at each of them (the paper's alpha, the literature's cumulative product).
        prediction: what the network predicts: "epsilon", "v_prediction" or "sample".
    """

    times: Tensor
    kept: Tensor
    prediction: str

    @classmethod
    def of(cls, settings: Mapping[str, Any], steps: int) -> "Schedule":
        """From the settings of a scheduler of diffusers; raises UserError where there are fewer times than steps."""
        from diffusers import DDIMScheduler  # noqa: PLC0415

        whole = DDIMScheduler.from_config(dict(settings)).alphas_cumprod.float()
        if not 1 <= steps <= len(whole):
            raise UserError(f"steps={steps}: the pipeline was trained on {len(whole)}; give 1 to {len(whole)}")
        times = torch.arange(steps) * (len(whole) // steps)
        return cls(times, whole[times], str(settings.get("prediction_type", "epsilon")))


def invert(network: Network, pictures: Tensor, schedule: Schedule, clip: bool = True) -> Tensor:
    """The noise of pictures, (B, C, H, W) in [-1, 1] to the same; each level is left by what is predicted at the next.

    With `clip` the picture that is predicted at each step stays in [-1, 1], and its noise follows from it.
    """
    sample, now = pictures, torch.tensor(1.0)
    for time, then in zip(schedule.times, schedule.kept, strict=True):
        output = network(sample, time.to(sample.device))
        sample = move(output, sample, (now, then), schedule.prediction, clip)
        now = then
    return sample


def generate(network: Network, noise: Tensor, schedule: Schedule, clip: bool = True) -> Tensor:
    """The pictures of noise, (B, C, H, W) to the same in [-1, 1]; the way of `invert` back."""
    sample = noise
    levels = [torch.tensor(1.0), *schedule.kept]
    for number in reversed(range(len(schedule.times))):
        output = network(sample, schedule.times[number].to(sample.device))
        sample = move(output, sample, (levels[number + 1], levels[number]), schedule.prediction, clip)
    return sample


def move(output: Tensor, sample: Tensor, levels: tuple[Tensor, Tensor], prediction: str, clip: bool) -> Tensor:
    """The sample at another noise level: the picture and the noise that the network sees in it, mixed anew.

    Args:
        output: of the network.
        sample: at the first level.
        levels: share of the picture's variance before and after.
        prediction: see `Schedule`.
        clip: see `invert`.
    """
    now, then = (level.to(sample) for level in levels)
    signal, noise = now.sqrt(), (1 - now).sqrt()
    if prediction == "epsilon":
        picture, dirt = (sample - noise * output) / signal, output
    elif prediction == "v_prediction":
        picture, dirt = signal * sample - noise * output, signal * output + noise * sample
    elif prediction == "sample":
        picture, dirt = output, (sample - signal * output) / noise.clamp(min=1e-6)
    else:
        raise UserError(f"the pipeline predicts '{prediction}'; known: epsilon, v_prediction, sample")
    if clip:
        picture = picture.clamp(-1, 1)
        dirt = (sample - signal * picture) / noise if noise > 0 else dirt
    return then.sqrt() * picture + (1 - then).sqrt() * dirt
