"""The discriminator of StyleGAN, whose gradients are LGrad's pictures.

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", CVPR 2019 (arXiv 1812.04948),
under the names of the PyTorch conversion that LGrad's authors load (genforce's `stylegan_discriminator.py`).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, leaky_relu, linear

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.published import load, read
from redqueen.detectors.weights import locate, title, weight_file
from redqueen.errors import UserError
from redqueen.files import digest_file

SLOPE, GAIN = 0.2, 2**0.5
ALONE = 1e-4  # the deviation within a group of one picture: the root of their epsilon, 1e-8
BLUR = ((1, 2, 1), (2, 4, 2), (1, 2, 1))  # in sixteenths


def discriminator(weights: str, size: int = 256, base: int = 16384) -> Backbone:
    """A published discriminator as what LGrad derives; its output is one number a picture.

    Args:
        weights: a file of one, such as karras2019stylegan-bedrooms-256x256_discriminator.pth (CC BY-NC 4.0).
        size: side of its pictures in pixels, a power of two.
        base: channels times side, at most 512 channels a layer.

    Raises:
        UserError: weights that are not there or do not fit, or that stopped before the full resolution.
    """
    network = Discriminator(size, base)
    state = read(weights)
    if state.pop("lod", torch.zeros(())).any():
        raise UserError(f"weights '{weights}': a discriminator that has not grown to its full resolution")
    blocks = size.bit_length() - 2
    unused = [f"input{number}.{part}" for number in range(1, blocks) for part in ("weight", "bias")]  # of growing
    load(network, state, str, dropped=unused)
    network.eval().requires_grad_(False)
    path = locate(weights)
    digest = digest_file(weight_file(path, weights) if path.is_dir() else path)
    half = (0.5, 0.5, 0.5)
    return Backbone(network, 1, half, half, digest, title(weights), size)


class Discriminator(nn.Module):
    """Scores, (B, 1), of pictures (B, 3, size, size) in [-1, 1], each as if it were alone in its batch.

    The deviation within a batch, which the last convolution is given, is that of a single picture: so a picture's
    gradient does not depend on its batch mates.
    """

    def __init__(self, size: int, base: int = 16384) -> None:
        super().__init__()
        self.blocks = size.bit_length() - 3  # that halve the resolution, down to 4 x 4
        widths = [min(base // (size >> number), 512) for number in range(self.blocks + 2)]
        self.input0 = _Weighted(widths[0], 3, 1)
        for number in range(self.blocks):
            self.add_module(f"layer{2 * number}", _Weighted(widths[number], widths[number], 3))
            self.add_module(f"layer{2 * number + 1}", _Weighted(widths[number + 1], widths[number], 3, blur=True))
        last, width = 2 * self.blocks, widths[self.blocks]
        self.add_module(f"layer{last}", _Weighted(width, width + 1, 3))
        self.add_module(f"layer{last + 1}", _Dense(widths[-1], width * 16, GAIN))
        self.add_module(f"layer{last + 2}", _Dense(1, widths[-1], 1.0))

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores, (B, 1)."""
        hidden = leaky_relu(self.input0(pictures), SLOPE)
        for number in range(self.blocks):
            hidden = leaky_relu(self.get_submodule(f"layer{2 * number}")(hidden), SLOPE)
            # their kernel of 4 x 4 with stride 2 is this convolution and average in one
            hidden = leaky_relu(avg_pool2d(self.get_submodule(f"layer{2 * number + 1}")(hidden), 2), SLOPE)
        last = 2 * self.blocks
        hidden = torch.cat([hidden, torch.full_like(hidden[:, :1], ALONE)], dim=1)
        hidden = leaky_relu(self.get_submodule(f"layer{last}")(hidden), SLOPE)
        hidden = leaky_relu(self.get_submodule(f"layer{last + 1}")(hidden.flatten(1)), SLOPE)
        return torch.as_tensor(self.get_submodule(f"layer{last + 2}")(hidden))


class _Blur(nn.Module):
    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.tensor(BLUR).div(16).expand(channels, 1, 3, 3).clone())


class _Weighted(nn.Module):
    """A convolution whose weights are scaled as it runs, after a blur of each channel if asked for."""

    def __init__(self, outputs: int, inputs: int, kernel: int, blur: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = GAIN / (inputs * kernel**2) ** 0.5
        self.blur = _Blur(inputs) if blur else None

    def forward(self, hidden: Tensor) -> Tensor:
        if self.blur is not None:
            hidden = conv2d(hidden, self.blur.kernel, padding=1, groups=hidden.shape[1])
        return conv2d(hidden, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


class _Dense(nn.Module):
    def __init__(self, outputs: int, inputs: int, gain: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / inputs**0.5

    def forward(self, hidden: Tensor) -> Tensor:
        return linear(hidden, self.weight * self.scale, self.bias)
