"""What generators are compared by: features of a frozen backbone, between which `kid_interval` measures."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SIDE = 224  # pictures are scaled to what the backbone was trained on
BATCH = 32


def embed(
    pictures: Sequence[NDArray[np.uint8]],
    network: nn.Module,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> NDArray[np.float64]:
    """Features, (n, width), of pictures (height, width, 3) uint8 of one size, scaled bilinearly to 224."""
    found: list[Tensor] = []
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(pictures), BATCH):
            batch = torch.from_numpy(np.stack(pictures[start : start + BATCH])).permute(0, 3, 1, 2).float() / 255
            batch = torch.nn.functional.interpolate(batch, (SIDE, SIDE), mode="bilinear", antialias=True)
            found.append(network((batch - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]))
    return torch.cat(found).double().numpy()
