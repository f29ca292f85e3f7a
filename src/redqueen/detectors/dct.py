"""Log-scaled discrete cosine transform under a linear classifier.

Frank et al., "Leveraging Frequency Analysis for Deep Fake Image Recognition", ICML 2020 (arXiv 2003.08685). Each colour
channel of the whole crop goes through a two-dimensional DCT-II; the logarithms of the magnitudes, normalised by mean
and variance of the training set, are classified linearly. The paper's features are one a coefficient; by default they
are averaged here over a grid of cells, since a corpus has thousands of pictures and not the paper's 100,000.
"""

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from redqueen.detectors.base import FeatureDetector, Pixels
from redqueen.detectors.crops import reflected_crop
from redqueen.errors import UserError

FLOOR = 1e-12  # added to magnitudes, as in the authors' code


class DCT(FeatureDetector):
    """Logistic regression, its strength chosen on validation, on log magnitudes of the DCT.

    Args:
        size: side of the central crop; a smaller picture is continued by reflection.
        cells: the plane of frequencies is averaged over cells x cells squares, 3 x cells x cells features in all; None
            keeps every coefficient, as the paper does: 3 x size x size features (49,152 at 128 px).
    """

    paper: ClassVar[str] = "Frank et al., ICML 2020, arXiv 2003.08685"
    input: ClassVar[str] = "128 px crop, never resized"
    basis: Tensor

    def __init__(self, size: int = 128, cells: int | None = 32) -> None:
        if cells is not None and size % cells:
            raise UserError(f"dct: cells {cells} must divide size {size}")
        super().__init__((3, cells or size, cells or size))
        self.size, self.cells = size, cells
        self.register_buffer("basis", cosines(size), persistent=False)

    @property
    def identity(self) -> str:
        """Crop, cells and version of the formula."""
        return f"dct-{self.size}-{self.cells}-1"

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """Central crop, (3, size, size) in 0 to 255."""
        return torch.from_numpy(reflected_crop(pixels, self.size, None).transpose(2, 0, 1).astype(np.float32))

    def features(self, batch: Tensor) -> Tensor:
        """Log magnitudes, (B, 3, cells, cells); picture by picture, so that the batch size leaves no trace."""
        return torch.stack([self._log_magnitudes(picture.double()) for picture in batch]).float()

    def _log_magnitudes(self, picture: Tensor) -> Tensor:
        found: Tensor = torch.log((self.basis @ picture @ self.basis.T).abs() + FLOOR)  # (3, size, size)
        pooled: Tensor = avg_pool2d(found, self.size // self.shape[-1])
        return pooled


def cosines(size: int) -> Tensor:
    """Orthonormal basis of the DCT-II, (frequencies, places) float64: `basis @ x` transforms x, (size,)."""
    place = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi / size * (place + 0.5) * place[:, None]) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis
