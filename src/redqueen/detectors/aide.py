"""AIDE: experts on noise and on meaning.

Yan et al., "A Sanity Check for AI-generated Image Detection", ICLR 2025 (arXiv 2406.19435). A picture's patches are
ranked by their frequencies; the noise (SRM) of the two lowest goes to one ResNet-50, that of the two highest to
another, and what a frozen CLIP ConvNeXt-XXL sees in the whole picture is laid beside it. Any backbone may stand for
CLIP: with EfficientNet-Lite0 the method is the paper's and its figures are not. Where the text is silent the authors'
code is followed, except that it never trains the projection of the embedding, which here is trained.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn.functional import interpolate

from redqueen.detectors.backbones import Backbone, timm_backbone
from redqueen.detectors.backbones.backbone import Triple
from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.patches import padded
from redqueen.detectors.published import freeze, load, read
from redqueen.detectors.residual import DEPTHS, IMAGENET_MEAN, IMAGENET_STD, WIDTH, residual_network
from redqueen.detectors.srm import filtered, filters
from redqueen.perturbations.functional import jpeg

PATCH, STRIDE = 32, 16
BANDS = 6  # of frequency; the score of a patch weighs band k with 2 ** k
PATCHES = 4  # lowest, highest, second lowest, second highest
SEMANTIC, HIDDEN = 256, 1024  # widths of the projected embedding and of the head
BLUR, QUALITY = (0.1, 3.0), (30, 100)  # sigma of a kernel of 3 x 3, and JPEG quality, drawn evenly in training
CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)
FROZEN = "network."


class AIDE(Detector):
    """Two residual networks on noise beside a frozen embedding, under a small head.

    Args:
        backbone: the frozen network.
        size: side to which the patches and the whole picture are scaled (bilinear), whatever its shape.
        depths: blocks of each residual network's four stages; ResNet-50's unless given.
        width: channels of its first stage's bottlenecks.
        distorted: probability of a blur in training, and of a JPEG.
        imagenet: weights of an ImageNet ResNet-50 to start from, as in the paper; None starts at random.
        weights: the authors' checkpoint; it needs `convnext` of this file as the backbone.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Yan et al., ICLR 2025, arXiv 2406.19435"
    input: ClassVar[str] = "4 patches of 32 px enlarged to 256, and the whole picture scaled to 256"
    weights: ClassVar[str] = "authors': MIT"
    filters: Tensor

    def __init__(  # noqa: PLR0913, PLR0917  (what the paper varies)
        self,
        backbone: Backbone,
        size: int = 256,
        depths: Sequence[int] = DEPTHS,
        width: int = WIDTH,
        distorted: float = 0.1,
        imagenet: str | None = None,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        self.backbone, self.size, self.distorted = backbone, size, distorted
        self.network = backbone.network.eval().requires_grad_(False)
        bank = filters()
        self.register_buffer("filters", bank[:, None].repeat(1, 3, 1, 1))  # (30, 3, 5, 5): colours summed
        self.basis, self.bands = dct_basis(PATCH), band_weights(PATCH)  # no buffers: pictures are prepared on the CPU
        self.lowest = residual_network(len(bank), 0, depths, width, imagenet)
        self.highest = residual_network(len(bank), 0, depths, width, imagenet)
        self.project = nn.Linear(backbone.width, SEMANTIC)
        self.fc1 = nn.Linear(SEMANTIC + self.lowest.num_features, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, 2)  # human-made, generated
        if weights is not None:
            unused = [f"model_{part}.fc.{tensor}" for part in ("min", "max") for tensor in ("weight", "bias")]
            load(self, read(weights, inside="model"), their_name, dropped=unused)
        freeze(self, weights, frozen)

    def train(self, mode: bool = True) -> "AIDE":
        """The backbone stays in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """The four patches and the whole picture, each normalised, one after the other in one row of numbers.

        4 * 3 * 32 * 32 numbers of patches as `extremes` orders them, then 3 * size * size. A picture smaller than a
        patch is mirrored at its edges; the authors leave it out.
        """
        seen = pixels if rng is None else distort(pixels, rng, self.distorted)
        patches = extremes(to_tensor(padded(seen, PATCH)), self.basis, self.bands)
        # not antialiased, as the authors' torchvision 0.15 scales tensors
        whole = interpolate(to_tensor(seen)[None], (self.size,) * 2, mode="bilinear")[0]
        mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        return torch.cat([((patches - mean) / std).flatten(), self.backbone.normalise(whole).flatten()])

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of prepared pictures."""
        patches, whole = batch.tensor_split([PATCHES * 3 * PATCH**2], dim=1)
        lowest, highest, second_lowest, second_highest = patches.reshape(-1, PATCHES, 3, PATCH, PATCH).unbind(1)
        noise = [
            *(self.lowest(self._noise(patch)) for patch in (lowest, second_lowest)),
            *(self.highest(self._noise(patch)) for patch in (highest, second_highest)),
        ]
        with torch.no_grad():
            embedding = self.network(whole.reshape(-1, 3, self.size, self.size))
        joined = torch.cat([self.project(embedding), torch.stack(noise).mean(dim=0)], dim=1)
        human, generated = self.fc2(nn.functional.gelu(self.fc1(joined))).unbind(1)
        return torch.as_tensor(generated - human)

    def _noise(self, patches: Tensor) -> Tensor:
        """SRM residuals of patches, (B, 30, size, size)."""
        large = interpolate(patches, (self.size,) * 2, mode="bilinear")
        return filtered(large, self.filters)

    def trained_state(self) -> dict[str, Tensor]:
        """All but the backbone."""
        return {key: tensor for key, tensor in self.state_dict().items() if not key.startswith(FROZEN)}

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up all but the backbone."""
        frozen = {key: tensor for key, tensor in self.state_dict().items() if key.startswith(FROZEN)}
        self.load_state_dict({**frozen, **state}, strict=True)


def extremes(picture: Tensor, basis: Tensor, bands: Tensor) -> Tensor:
    """Four patches, (4, 3, 32, 32), of a picture (3, H, W): of lowest, highest, second lowest and second highest score.

    A picture with one patch gives it four times. `basis` and `bands` are (32, 32), as `dct_basis` and `band_weights`.
    """
    windows = picture.unfold(1, PATCH, STRIDE).unfold(2, PATCH, STRIDE)  # (3, rows, columns, 32, 32), a view
    scores = torch.cat([_score(row, basis, bands) for row in windows.unbind(1)])
    order = scores.argsort(stable=True)
    second = min(1, len(order) - 1)
    chosen = torch.stack([order[0], order[-1], order[second], order[-1 - second]])
    columns = windows.shape[2]
    return windows[:, chosen // columns, chosen % columns].transpose(0, 1)


def _score(patches: Tensor, basis: Tensor, bands: Tensor) -> Tensor:
    """How high the frequencies of patches (3, N, 32, 32) are, (N,): banded log magnitudes of their DCT, summed."""
    spectrum = basis @ patches @ basis.T
    scores: Tensor = (spectrum.abs().log1p() * bands).sum(dim=(0, 2, 3))
    return scores


def dct_basis(size: int) -> Tensor:
    """The orthonormal DCT-II, (size, size): one frequency a row."""
    frequency, place = torch.arange(size)[:, None], torch.arange(size)
    scale = torch.full((size, 1), (2 / size) ** 0.5)
    scale[0] = size**-0.5
    return scale * torch.cos((place + 0.5) * torch.pi * frequency / size)


def band_weights(size: int) -> Tensor:
    """What each coefficient weighs, (size, size): band k, of 6 along i + j, 2 ** k over its number of coefficients."""
    place = torch.arange(size)[:, None] + torch.arange(size)
    width = size * 2 / BANDS
    bands = [((place >= width * band) & (place <= width * (band + 1))).float() for band in range(BANDS)]
    return torch.stack([2**number * band / band.sum() for number, band in enumerate(bands)]).sum(dim=0)


def distort(pixels: Pixels, rng: np.random.Generator, probability: float) -> Pixels:
    """The picture after a slight blur, with the probability, and a JPEG, with the same."""
    if rng.random() < probability:
        blurred = gaussian_filter(pixels.astype(np.float32), rng.uniform(*BLUR), radius=1, mode="mirror", axes=(0, 1))
        pixels = blurred.round().astype(np.uint8)
    if rng.random() < probability:
        pixels = jpeg(pixels, rng, int(rng.integers(QUALITY[0], QUALITY[1] + 1)))
    return pixels


def their_name(ours: str) -> str:
    """What the authors call a tensor of ours.

    >>> their_name("lowest.conv1.weight"), their_name("fc2.bias"), their_name("network.trunk.stem.0.bias")
    ('model_min.conv1.weight', 'fc.fc2.bias', 'openclip_convnext_xxl.stem.0.bias')
    """
    names = {
        "filters": "hpf.hpf.weight",
        "lowest.": "model_min.",
        "highest.": "model_max.",
        "project.": "convnext_proj.0.",
        "fc": "fc.fc",
        "network.trunk.": "openclip_convnext_xxl.",
    }
    start = next((start for start in names if ours.startswith(start)), "")
    return names.get(start, "") + ours.removeprefix(start)


def convnext(
    weights: str | None = None, model: str = "convnext_xxlarge.clip_laion2b_soup", size: int = 256
) -> Backbone:
    """The backbone of the paper: CLIP's ConvNeXt-XXL, normalised at every place before it is averaged.

    Args:
        weights: of timm's model, "hub:timm/convnext_xxlarge.clip_laion2b_soup@COMMIT" or a path; None leaves them
            random, for a detector whose own `weights` have them: the authors' checkpoint does.
        model: a ConvNeXt of timm.
        size: side of its pictures.
    """
    import timm  # noqa: PLC0415

    if weights is None:
        trunk, digest = timm.create_model(model, pretrained=False, num_classes=0), "random"
    else:
        found = timm_backbone(model, weights)
        trunk, digest = found.network, found.digest
    return Backbone(_Unpooled(trunk), int(trunk.num_features), CLIP_MEAN, CLIP_STD, f"{digest}-unpooled", model, size)


class _Unpooled(nn.Module):
    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        head = trunk.get_submodule("head")
        head.global_pool, head.flatten = nn.Identity(), nn.Identity()
        self.trunk = trunk

    def forward(self, batch: Tensor) -> Tensor:
        return torch.as_tensor(self.trunk(batch).mean(dim=(2, 3)))
