"""The 30 high-pass filters of the spatial rich model (SRM): they remove what a picture shows and leave its noise.

Fridrich and Kodovsky, "Rich Models for Steganalysis of Digital Images", IEEE TIFS 7(3), 2012, figure 2: residuals of
first, second and third order along a line, EDGE and SQUARE of 3 x 3 and 5 x 5 pixels. The 30 linear ones start the
network of Ye et al., "Deep Learning Hierarchical Representations for Image Steganalysis", IEEE TIFS 12(11), 2017;
divided so that every centre weighs -1, and in this order, PatchCraft and AIDE took them over.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_Place = tuple[int, int]  # row and column, as seen from the centre

_RASTER: tuple[_Place, ...] = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_CLOCKWISE: tuple[_Place, ...] = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_EDGES: tuple[_Place, ...] = ((-1, 0), (0, 1), (1, 0), (0, -1))  # the half of the square that is kept
_SQUARE_3 = ((0, 0, 0, 0, 0), (0, -1, 2, -1, 0), (0, 2, -4, 2, 0), (0, -1, 2, -1, 0), (0, 0, 0, 0, 0))
_SQUARE_5 = ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1))


def filtered(pictures: Tensor, bank: Tensor) -> Tensor:
    """Pictures, (B, C, H, W), under filters of 5 x 5, same size; in float32 whatever the precision of what follows.

    What is left of a smooth surface is smaller than a step of bfloat16.
    """
    with torch.autocast(pictures.device.type, enabled=False):
        return nn.functional.conv2d(pictures.float(), bank, padding=2)


def filters() -> Tensor:
    """The filters, (30, 5, 5) float32, a smaller one in the middle.

    In order: 8 of first order (raster order of the neighbour), 4 of second, 8 of third (clockwise from top left),
    4 EDGE 3 x 3 (top, right, bottom, left), 4 EDGE 5 x 5, SQUARE 3 x 3, SQUARE 5 x 5.
    """
    square_3, square_5 = torch.tensor(_SQUARE_3) / 4, torch.tensor(_SQUARE_5) / 12
    first = [_line(towards, {1: 1, 0: -1}) for towards in _RASTER]
    second = [_line(towards, {1: 0.5, 0: -1, -1: 0.5}) for towards in _RASTER[:4]]
    third = [_line(towards, {2: -1 / 3, 1: 1, 0: -1, -1: 1 / 3}) for towards in _CLOCKWISE]
    edges = [_half(square, towards) for square in (square_3, square_5) for towards in _EDGES]
    return torch.stack([*first, *second, *third, *edges, square_3, square_5])


def _line(towards: _Place, weights: Mapping[int, float]) -> Tensor:
    """A filter with a weight at each of some steps from the centre."""
    kernel = torch.zeros(5, 5)
    for step, weight in weights.items():
        kernel[2 + step * towards[0], 2 + step * towards[1]] = weight
    return kernel


def _half(square: Tensor, towards: _Place) -> Tensor:
    """A square filter without the pixels beyond its centre."""
    row, column = torch.meshgrid(torch.arange(-2, 3), torch.arange(-2, 3), indexing="ij")
    return torch.where(row * towards[0] + column * towards[1] >= 0, square, 0.0)
