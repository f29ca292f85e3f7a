"""LGrad: learning on gradients.

Tan et al., "Learning on Gradients: Generalized Artifacts Representation for GAN-Generated Images Detection", CVPR 2023.
A network that is never trained here turns a picture into the gradient of its output by the picture; scaled to [0, 1],
that gradient is what a ResNet-50 classifies. The authors' network is the discriminator of a StyleGAN of bedrooms
(`redqueen.detectors.stylegan.discriminator`, CC BY-NC 4.0, to be given by path); without it this project uses an
ImageNet classifier, EfficientNet-Lite0, and the sum of its features: the same idea, and not the paper's figures.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.published import freeze, load, read
from redqueen.detectors.residual import DEPTHS, IMAGENET_MEAN, IMAGENET_STD, WIDTH, residual_network

FROZEN = "network."
_PLACE = 4  # numbers that follow the pixels of a prepared picture: side, top and left of the crop, mirrored or not


class LGrad(Detector):
    """A residual network on the gradient of a frozen one.

    Args:
        backbone: the frozen network; the gradient is of the sum of its outputs.
        size: side to which a whole picture is scaled, whatever its shape; for a discriminator, its own.
        crop: side of the random crop of the gradient in training; in evaluation it is taken whole.
        depths: blocks of the classifier's four stages; ResNet-50's unless given.
        width: channels of its first stage's bottlenecks.
        imagenet: weights of an ImageNet ResNet-50 to start from, as in the paper; None starts at random.
        weights: the authors' classifier, which needs their discriminator as the backbone.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Tan et al., CVPR 2023, pages 12105-12114 of the proceedings."
    input: ClassVar[str] = "whole picture scaled to 256 px, its gradient"
    weights: ClassVar[str] = "authors': no licence stated; their discriminator: CC BY-NC 4.0"
    mean: Tensor
    std: Tensor

    def __init__(  # noqa: PLR0913, PLR0917  (what the paper varies)
        self,
        backbone: Backbone,
        size: int = 256,
        crop: int = 224,
        depths: Sequence[int] = DEPTHS,
        width: int = WIDTH,
        imagenet: str | None = None,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        self.backbone, self.size, self.crop = backbone, size, min(crop, size)
        self.network = backbone.network.eval().requires_grad_(False)
        self.classifier = residual_network(3, 1, depths, width, imagenet)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)
        if weights is not None:
            load(self.classifier, read(weights, inside="model"), str)
        freeze(self, weights, frozen)

    def train(self, mode: bool = True) -> "LGrad":
        """The frozen network stays in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """The scaled, normalised picture and which part of its gradient to look at, (3 * size * size + 4,)."""
        picture = nn.functional.interpolate(to_tensor(pixels)[None], (self.size,) * 2, mode="bilinear", antialias=True)
        place = [self.size, 0, 0, 0]
        if rng is not None:
            top, left = rng.integers(self.size - self.crop + 1, size=2)
            place = [self.crop, int(top), int(left), int(rng.integers(2))]
        return torch.cat([self.backbone.normalise(picture[0]).flatten(), torch.tensor(place, dtype=torch.float32)])

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of prepared pictures."""
        pictures = batch[:, :-_PLACE].reshape(-1, 3, self.size, self.size)
        with torch.autocast(batch.device.type, enabled=False):  # stretched to [0, 1], rounding would become its content
            gradients = scaled(gradient(self.network, pictures.float()))
        places = batch[:, -_PLACE:].long().tolist()
        seen = torch.stack([_part(one, *place) for one, place in zip(gradients, places, strict=True)])
        return torch.as_tensor(self.classifier((seen - self.mean) / self.std).squeeze(-1))

    def trained_state(self) -> dict[str, Tensor]:
        """The classifier."""
        return {key: tensor for key, tensor in self.state_dict().items() if not key.startswith(FROZEN)}

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up a classifier."""
        frozen = {key: tensor for key, tensor in self.state_dict().items() if key.startswith(FROZEN)}
        self.load_state_dict({**frozen, **state}, strict=True)


def gradient(network: nn.Module, pictures: Tensor) -> Tensor:
    """The gradient of the sum of a network's outputs by each picture, (B, 3, H, W); under inference mode as well."""
    with torch.inference_mode(False), torch.enable_grad():
        inputs = pictures.detach().clone().requires_grad_()
        return torch.autograd.grad(network(inputs).sum(), inputs)[0]


def scaled(gradients: Tensor) -> Tensor:
    """Each picture's gradient, (B, 3, H, W), moved and stretched to [0, 1]; one without any contrast becomes zero.

    The authors round it to 8 bits to store it; here it is not, for rounding would make whole levels of rounding errors.
    """
    from_zero = gradients - gradients.amin(dim=(1, 2, 3), keepdim=True)
    top = from_zero.amax(dim=(1, 2, 3), keepdim=True)
    return from_zero / torch.where(top > 0, top, 1.0)


def _part(picture: Tensor, side: int, top: int, left: int, mirrored: int) -> Tensor:
    part = picture[:, top : top + side, left : left + side]
    return part.flip(-1) if mirrored else part
