"""FreqNet: learning in the frequency domain.

Tan et al., "Frequency-Aware Deepfake Detection: Improving Generalizability through Frequency Space Domain Learning",
AAAI 2024 (arXiv 2403.07240). The lower half of the frequencies is cut out of the picture, and again out of feature maps
over space and over channels; between a Fourier transform and its inverse, 1 x 1 convolutions mix the channels of the
spectrum. About 1.9 M parameters. The text convolves amplitude and phase; the authors' code, which their figures and
weights come from, the real and the imaginary part, and so does this: the phase of a negative real coefficient is pi or
minus pi by rounding error, so that the text's layer gives a picture no certain score. Crop, never resize: the code
scales to 256 px before the crop of 224, which for the pictures of the training set changes nothing.
"""

from typing import ClassVar

import numpy as np
import torch
from timm.models.resnet import Bottleneck
from torch import Tensor, nn

from redqueen.detectors import published
from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.crops import reflected_crop

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's
CUT = 4  # a quarter of the frequencies to each side of the lowest is removed
BLOCK = {  # ours: theirs
    "conv": "{name}{number}",
    "real": "realconv{number}.{name}",
    "imaginary": "imagconv{number}.{name}",
}


class FreqNet(Detector):
    """Four frequency blocks around the first two stages of a ResNet-50.

    Args:
        size: side of the crop in evaluation; a smaller picture is continued by reflection.
        train_size: side of the random crop in training; the network pools globally.
        depths: bottleneck blocks in the two stages (ResNet-50: 3 and 4).
        width: channels of the first stage's bottlenecks (ResNet-50: 64).
        weights: the authors' file.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Tan et al., AAAI 2024, arXiv 2403.07240"
    input: ClassVar[str] = "224 px crop, never resized"
    weights: ClassVar[str] = "authors': no licence given"

    def __init__(
        self,
        size: int = 224,
        train_size: int = 224,
        depths: tuple[int, int] = (3, 4),
        width: int = 64,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.train_size = size, train_size
        wide = width * Bottleneck.expansion
        self.blocks = nn.ModuleList(
            [
                _Block(3, width, stride=1, channels=True),
                _Block(width, width, stride=2, channels=True),
                _Block(wide, wide, stride=1, channels=False),
                _Block(wide, wide, stride=2, channels=False),
            ]
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        first, second = _stage(width, width, depths[0], stride=1), _stage(wide, width * 2, depths[1], stride=2)
        self.stages = nn.ModuleList([first, second])
        self.head = nn.Linear(width * 2 * Bottleneck.expansion, 1)
        if weights is not None:
            published.load(self, published.read(weights, inside="model"), their_name)
        published.freeze(self, weights, frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, size, size): central, or in training random and mirrored at random."""
        crop = to_tensor(reflected_crop(pixels, self.train_size if rng else self.size, rng))
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        picture = (crop - mean) / std
        return picture.flip(-1) if rng is not None and rng.random() < 0.5 else picture

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 3, H, W)."""
        hidden = self.blocks[1](self.blocks[0](batch))  # (B, 64, H / 2, W / 2)
        hidden = self.stages[0](self.pool(hidden))  # (B, 256, H / 4, W / 4)
        hidden = self.blocks[3](self.blocks[2](hidden))  # (B, 256, H / 8, W / 8)
        hidden = self.stages[1](hidden)  # (B, 512, H / 16, W / 16)
        return torch.as_tensor(self.head(hidden.mean(dim=(2, 3))).squeeze(-1))


class _Block(nn.Module):
    """High frequencies over space, a convolution, high frequencies over channels, a convolution of the spectrum."""

    def __init__(self, inputs: int, outputs: int, stride: int, channels: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, stride=stride)
        for parameter in self.conv.parameters():
            nn.init.normal_(parameter)  # as the authors' code
        self.real, self.imaginary = (nn.Conv2d(outputs, outputs, 1, bias=False) for _ in range(2))
        for part in (self.real, self.imaginary):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        self.channels = channels

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = self.conv(high_frequencies(hidden, (-2, -1)).relu()).relu()
        if self.channels:
            hidden = high_frequencies(hidden, (1,)).relu()
        with torch.autocast(hidden.device.type, enabled=False):  # no spectrum is complex in bfloat16
            spectrum = torch.fft.rfft2(hidden.float(), norm="ortho")  # the other half of it follows, before and after
            mixed = torch.complex(self.real(spectrum.real), self.imaginary(spectrum.imag))
            return torch.as_tensor(torch.fft.irfft2(mixed, s=hidden.shape[-2:], norm="ortho").relu())


def high_frequencies(batch: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`batch` without the frequencies under a quarter of the sampling rate in every one of `axes`.

    The authors' code removes -N / 4 and keeps N / 4, then takes the real part: half of that frequency is left.
    """
    low = mirrored = torch.ones((), device=batch.device)
    for axis in axes:
        length = batch.shape[axis]
        ordered = torch.fft.rfftfreq if axis == axes[-1] else torch.fft.fftfreq
        shape = [-1 if at == axis % batch.ndim else 1 for at in range(batch.ndim)]
        frequency = ordered(length, 1 / length, device=batch.device).reshape(shape)
        low = low * ((frequency >= -(length // CUT)) & (frequency < length // CUT))
        mirrored = mirrored * ((frequency > -(length // CUT)) & (frequency <= length // CUT))
    spectrum = torch.fft.rfftn(batch, dim=axes, norm="ortho") * (1 - (low + mirrored) / 2)
    sides = [batch.shape[axis] for axis in axes]
    return torch.as_tensor(torch.fft.irfftn(spectrum, s=sides, dim=axes, norm="ortho"))


def their_name(key: str) -> str:
    """The authors' name of a tensor of ours."""
    group, _, rest = key.partition(".")
    if group == "head":
        return f"fc1.{rest}"
    number, _, rest = rest.partition(".")
    if group == "stages":
        return f"layer{int(number) + 1}.{rest}"
    layer, last = rest.split(".")
    return BLOCK[layer].format(name=last, number=int(number) + 1)


def _stage(inputs: int, planes: int, depth: int, stride: int) -> nn.Sequential:
    """Bottleneck blocks; the first one changes width and resolution."""
    outputs = planes * Bottleneck.expansion
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    blocks = [Bottleneck(inputs, planes, stride=stride, downsample=shortcut)]
    blocks += [Bottleneck(outputs, planes) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
