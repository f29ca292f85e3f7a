"""Control: sees the file's metadata and never a pixel. Where it does better than chance, the corpus is biased."""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from redqueen.detectors.base import FeatureDetector, Pixels

METADATA_WIDTH = 7  # columns of corpus.audit.metadata_features


class MetadataProbe(FeatureDetector):
    """Logistic regression on the metadata row, its squares and its products."""

    reads: ClassVar[Literal["pixels", "metadata"]] = "metadata"
    control: ClassVar[bool] = True
    input: ClassVar[str] = "size, format, quality and resampling; no pixel"

    def __init__(self) -> None:
        super().__init__((METADATA_WIDTH * (METADATA_WIDTH + 3) // 2,))

    @property
    def identity(self) -> str:
        """Version of the polynomial below."""
        return "metadata-quadratic-1"

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """One row of metadata, (7,), that the caller hands over in place of pixels."""
        return torch.from_numpy(np.asarray(pixels, dtype=np.float32))

    def features(self, batch: Tensor) -> Tensor:
        """The row and all products of two of its entries, (B, 35)."""
        upper = torch.triu_indices(METADATA_WIDTH, METADATA_WIDTH)
        return torch.cat([batch, batch[:, upper[0]] * batch[:, upper[1]]], dim=1)
