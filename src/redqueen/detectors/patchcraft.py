"""PatchCraft: the contrast between the richest and the poorest textures of a picture.

Zhong et al., "PatchCraft: Exploring Texture Patch for Efficient AI-generated Image Detection" (first "Rich and Poor
Texture Contrast"), arXiv 2311.12397. Smash and reconstruction: a picture is cut into patches at random, and its poorest
and its richest third are put together to two pictures without any meaning. Generators render poor textures well and
rich ones badly; what the same noise filters say of the two is subtracted and classified by a plain network. The layers
are those of the authors' test code, which gives more detail than the text; they have published no code for training.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.patches import random_patches, texture
from redqueen.detectors.published import freeze, load, read
from redqueen.detectors.srm import filtered, filters

SHARES = 3  # as many patches are drawn as would fill three pictures: poor, middling, rich


class PatchCraft(Detector):
    """Noise of poor textures minus noise of rich ones, under a network of plain convolutions.

    Args:
        patch: side of a patch in pixels.
        grid: patches along a side of each of the two pictures: 8 x 8 of 32 pixels make 256.
        width: channels of every layer.
        depths: convolutions in each group; the resolution halves between groups.
        limit: the fingerprint of either picture is cut at ± this.
        weights: the authors' RPTC.pth; None starts at random.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Zhong et al., arXiv 2311.12397"
    input: ClassVar[str] = "192 patches of 32 px, never resized; a smaller picture is mirrored at its edges"
    weights: ClassVar[str] = "authors': no licence stated"
    filters: Tensor

    def __init__(
        self,
        patch: int = 32,
        grid: int = 8,
        width: int = 32,
        depths: Sequence[int] = (4, 2, 2, 2),
        limit: float = 5.0,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        self.patch, self.grid = patch, grid
        bank = filters()
        self.register_buffer("filters", bank[:, None])  # (30, 1, 5, 5)
        self.fingerprint = nn.Sequential(
            nn.Conv2d(3 * len(bank), width, 3, padding=1), nn.BatchNorm2d(width), nn.Hardtanh(-limit, limit)
        )
        last = len(depths) - 1
        self.groups = nn.Sequential(*(_group(width, depth, halve=number < last) for number, depth in enumerate(depths)))
        self.head = nn.Linear(width, 1)
        self.apply(_initialise)
        if weights is not None:
            state = {key.removeprefix("module."): tensor for key, tensor in read(weights, inside="netC").items()}
            load(self, state, their_name)
        freeze(self, weights, frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """The poor and the rich picture, (2, 3, S, S) in [0, 1] with S = patch * grid; at random places in training."""
        needed = self.grid**2
        patches = random_patches(pixels, self.patch, SHARES * needed, rng)
        order = np.argsort(texture(patches), kind="stable")
        poor, rich = order[:needed], order[::-1][:needed]
        return torch.stack([to_tensor(self._joined(patches[chosen])) for chosen in (poor, rich)])

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 2, 3, S, S)."""
        poor, rich = (self.fingerprint(self._noise(pictures)) for pictures in batch.unbind(1))
        hidden = self.groups(poor - rich)
        return torch.as_tensor(self.head(hidden.mean(dim=(2, 3))).squeeze(-1))

    def _noise(self, pictures: Tensor) -> Tensor:
        """Every filter of every colour: (B, 3, S, S) to (B, 90, S, S), colour by colour."""
        colours, side = 3 * len(pictures), pictures.shape[-1]
        noise = filtered(pictures.reshape(colours, 1, side, side), self.filters)
        return noise.reshape(len(pictures), -1, side, side)

    def _joined(self, patches: Pixels) -> Pixels:
        """Patches, (grid * grid, patch, patch, 3), row by row as one picture."""
        rows = patches.reshape(self.grid, self.grid, self.patch, self.patch, 3).swapaxes(1, 2)
        return rows.reshape(self.grid * self.patch, self.grid * self.patch, 3)


def their_name(ours: str) -> str:
    """What the authors call a tensor of ours.

    >>> their_name("filters"), their_name("fingerprint.0.weight"), their_name("groups.3.1.bias")
    ('group1.hpf.weight', 'group1_b.0.weight', 'group5.1.bias')
    """
    part, _, rest = ours.partition(".")
    if part == "groups":
        number, _, rest = rest.partition(".")
        return f"group{int(number) + 2}.{rest}"
    return {"filters": "group1.hpf.weight", "fingerprint": f"group1_b.{rest}", "head": f"fc2.{rest}"}[part]


def _group(width: int, depth: int, halve: bool) -> nn.Sequential:
    """Convolutions of one resolution, each with its norm; at the end the resolution may be halved."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.AvgPool2d(3, stride=2, padding=1)] if halve else []))


def _initialise(module: nn.Module) -> None:
    """As the authors' code does."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
