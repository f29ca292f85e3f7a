"""SSP: a single simple patch.

Chen, Yao and Niu, "A Single Simple Patch is All You Need for AI-generated Image Detection", arXiv 2402.01123. A camera
leaves noise where there is nothing to see; a generator does not. Of many random patches the one with the least texture
is enlarged, filtered by three SRM filters and classified by a ResNet-50. This is the plain SSP; the "enhanced" one,
which estimates blur and compression first, has no published code.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.patches import random_patches, texture
from redqueen.detectors.published import freeze, load, read
from redqueen.detectors.residual import DEPTHS, IMAGENET_MEAN, IMAGENET_STD, WIDTH, residual_network
from redqueen.detectors.srm import filtered, filters

CHOSEN = (28, 29, 11)  # SQUARE 3 x 3, SQUARE 5 x 5, second order across: the three of the authors' code
LIMIT = 3.0  # the noise is cut at ± this


class SSP(Detector):
    """Noise of the simplest patch under a residual network.

    Args:
        patch: side of a patch in pixels.
        draws: patches of which the simplest is taken; the authors draw as many as fill 256 x 256.
        size: side to which it is enlarged (bilinear).
        depths: blocks of the network's four stages; ResNet-50's unless given.
        width: channels of its first stage's bottlenecks.
        imagenet: weights of an ImageNet ResNet-50 to start from, as in the paper; None starts at random.
        weights: the authors' weights, trained on Stable Diffusion 1.4 of GenImage.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Chen et al., arXiv 2402.01123"
    input: ClassVar[str] = "the simplest of 64 patches of 32 px, enlarged to 256; a smaller picture is mirrored"
    weights: ClassVar[str] = "authors': MIT"
    kernel: Tensor

    def __init__(  # noqa: PLR0913, PLR0917  (what the paper varies)
        self,
        patch: int = 32,
        draws: int = 64,
        size: int = 256,
        depths: Sequence[int] = DEPTHS,
        width: int = WIDTH,
        imagenet: str | None = None,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        self.patch, self.draws, self.size = patch, draws, size
        self.register_buffer("kernel", filters()[list(CHOSEN), None].repeat(1, 3, 1, 1))  # (3, 3, 5, 5): colours summed
        self.network = residual_network(3, 1, depths, width, imagenet)
        if weights is not None:
            load(self, ours_is_generated(read(weights)), their_name)
        freeze(self, weights, frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """The patch with the least texture, (3, patch, patch), normalised; of other places in every training step."""
        patches = random_patches(pixels, self.patch, self.draws, rng)
        mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        return (to_tensor(patches[int(texture(patches).argmin())]) - mean) / std

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of patches (B, 3, patch, patch)."""
        large = nn.functional.interpolate(batch, (self.size,) * 2, mode="bilinear")
        noise = filtered(large, self.kernel).clamp(-LIMIT, LIMIT)
        return torch.as_tensor(self.network(noise).squeeze(-1))


def their_name(ours: str) -> str:
    """What the authors call a tensor of ours.

    >>> their_name("kernel"), their_name("network.conv1.weight")
    ('srm.kernel', 'disc.conv1.weight')
    """
    return "srm.kernel" if ours == "kernel" else f"disc.{ours.removeprefix('network.')}"


def ours_is_generated(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' tensors with the last layer turned round: their label 1 is a natural picture."""
    return {key: -tensor if key.startswith("disc.fc.") else tensor for key, tensor in state.items()}
