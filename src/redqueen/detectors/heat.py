"""Where in a picture a detector's logit comes from, for methods in which that has an exact answer.

Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016 (arXiv 1512.04150): where the logit is
linear in the plain mean of a map of features, it is the mean of the logits of the map's places.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Box = tuple[int, int, int, int]  # top, left, bottom, right, in pixels


@dataclass(frozen=True)
class HeatMap:
    """The logit of each place.

    Attributes:
        values: (h, w) float32; their mean is the logit.
        box: the part of the picture that the map covers.
    """

    values: NDArray[np.float32]
    box: Box


def central_box(pixels: NDArray[np.uint8], height: int, width: int) -> Box | None:
    """The box of a central crop; None where the picture, (H, W, 3), is smaller than it."""
    spare = pixels.shape[0] - height, pixels.shape[1] - width
    if min(spare) < 0:
        return None
    top, left = (one // 2 for one in spare)
    return top, left, top + height, left + width


def of_map(features: Tensor, head: nn.Linear, box: Box | None) -> HeatMap | None:
    """The logits of the places of one map, (1, C, h, w), under a linear head of one output."""
    if box is None or features.ndim != 4:
        return None
    weight, bias = head.weight[0].double(), head.bias.double()
    values = torch.einsum("chw,c->hw", features[0].double(), weight) + bias
    return HeatMap(values.float().cpu().numpy(), box)


def of_network(network: nn.Module, head: nn.Linear, picture: Tensor, box: Box | None) -> HeatMap | None:
    """As `of_map`, of a network of timm that looks at one prepared picture, (3, H, W).

    None where the network does more to its last map than take the plain mean, which is found out by comparing.
    """
    whole = getattr(network, "forward_features", None)
    if whole is None or box is None:
        return None
    with torch.inference_mode():
        features = whole(picture[None])
        if features.ndim != 4:
            return None
        mean = features.mean(dim=(2, 3))
        pooled = network(picture[None])
        if mean.shape != pooled.shape or not torch.allclose(mean, pooled, rtol=1e-4, atol=1e-5):
            return None
        return of_map(features, head, box)
