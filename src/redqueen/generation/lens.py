"""A start for small autoencoders: a fresh network that shrinks a picture by averaging and enlarges it by repetition.

Group normalisation takes the mean and the contrast out of what passes it, and a narrow network needs many thousand
steps to learn a way around that; a start from noise had not even found a picture's mean colour after a few hundred.
Here each colour travels through the residual stream in a channel of its own and, negated, in the next one, beside
constant channels so large that the mean and the deviation of a group hardly depend on the picture; all that is learned
comes on top.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

PIN = 4.0  # of the constant channels, of either sign; colours lie in [-1, 1]
SHIFT = 4.0  # where the activation before the last convolutions is almost a straight line
QUIET = 0.01  # factor of what residual blocks add at first

_HEIGHT = SHIFT / (1 + math.exp(-SHIFT))  # SiLU at SHIFT
_SLOPE = (1 + SHIFT * (1 - 1 / (1 + math.exp(-SHIFT)))) / (1 + math.exp(-SHIFT))


@torch.no_grad()
def start_as_lens(network: AutoencoderKL) -> None:
    """Set the weights of a fresh autoencoder without attention; the code's first channels are the picture's colours.

    Every level must have as many channels as the first or more, at least four a group.
    """
    code, first = network.config.latent_channels, network.config.block_out_channels[0]
    count = max(3, min(code, first // 4))  # a pair of channels each, and as many constant ones
    carriers = [number * (first // count) // 2 * 2 for number in range(count)]
    _set(network.encoder, carriers[:3], min(3, code))
    _set(network.decoder, carriers[: min(code, count)], min(3, code))
    for level in network.encoder.down_blocks:
        for down in level.downsamplers or ():
            _pass(down.conv, carriers[:3], ((0, 0), (0, 1), (1, 0), (1, 1)))  # it pads at the right and the bottom
    network.encoder.conv_out.weight[code:] *= QUIET  # of the variances
    for mixing in (network.quant_conv, network.post_quant_conv):
        mixing.weight.copy_(torch.eye(len(mixing.weight))[:, :, None, None])
        mixing.bias.zero_()


def _set(coder: Any, carriers: Sequence[int], outputs: int) -> None:
    """What encoder and decoder have in common."""
    for module in coder.modules():
        if type(module).__name__ == "ResnetBlock2D":
            module.conv2.weight.mul_(QUIET)
            module.conv2.bias.zero_()
            if module.conv_shortcut is not None:
                _pass(module.conv_shortcut, carriers)
        elif type(module).__name__ == "Upsample2D":
            _pass(module.conv, carriers)
    _spread(coder.conv_in, carriers)
    _gather(coder.conv_norm_out, coder.conv_out, carriers, outputs)


def pins(count: int, carriers: Iterable[int]) -> Tensor:
    """What the channels hold where the picture is grey, (count,): constants of alternating sign, 0 in the carriers.

    A carrier is an even channel and the one after it.
    """
    held = torch.tensor([PIN, -PIN]).repeat(count // 2)
    for carrier in carriers:
        held[carrier : carrier + 2] = 0
    return held


def _pass(layer: nn.Conv2d, carriers: Sequence[int], taps: Sequence[tuple[int, int]] | None = None) -> None:
    """Each channel goes on as the mean of its taps, the middle by default; channels that are new hold constants."""
    middle = layer.kernel_size[0] // 2
    places = taps or ((middle, middle),)
    same = torch.arange(min(layer.in_channels, layer.out_channels))
    layer.weight.zero_()
    for row, column in places:
        layer.weight[same, same, row, column] = 1 / len(places)
    bias = pins(layer.out_channels, carriers)
    bias[same] = 0
    _bias(layer).copy_(bias)


def _spread(layer: nn.Conv2d, carriers: Sequence[int]) -> None:
    """Input channel n goes to the n-th carrier; the others hold constants, and a little of what they held before."""
    middle = layer.kernel_size[0] // 2
    layer.weight.mul_(QUIET)
    for number, carrier in enumerate(carriers):
        layer.weight[carrier : carrier + 2] = 0
        layer.weight[carrier, number, middle, middle] = 1
        layer.weight[carrier + 1, number, middle, middle] = -1
    _bias(layer).copy_(pins(layer.out_channels, carriers))


def _gather(norm: nn.GroupNorm, layer: nn.Conv2d, carriers: Sequence[int], outputs: int) -> None:
    """The n-th of the first `outputs` is what the n-th carrier holds, through normalisation and SiLU."""
    groups = pins(norm.num_channels, carriers).reshape(norm.num_groups, -1)
    size = groups.shape[1]
    middle = layer.kernel_size[0] // 2
    layer.weight.mul_(QUIET)
    _bias(layer).zero_()
    for output, carrier in enumerate(carriers[:outputs]):
        group = groups[carrier // size]
        norm.weight[carrier] = group.std(correction=0)
        norm.bias[carrier] = SHIFT + group.mean()
        layer.weight[output] = 0
        layer.weight[output, carrier, middle, middle] = 1 / _SLOPE
        _bias(layer)[output] = -_HEIGHT / _SLOPE


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None, "diffusers gives every convolution a bias"
    return layer.bias
