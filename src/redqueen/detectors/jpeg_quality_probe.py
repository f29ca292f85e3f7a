"""Control: sees what JPEG compression left in the pixels and nothing else. Where it does well, so may any detector."""

from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from redqueen.corpus.jpeg_traces import WIDTH, traces
from redqueen.detectors.base import FeatureDetector, Pixels


class JpegQualityProbe(FeatureDetector):
    """Logistic regression on the traces that the audit of a corpus measures: grid, resampled grid, quantisation.

    A picture with a side under 32 pixels has no trace.
    """

    control: ClassVar[bool] = True
    input: ClassVar[str] = "whole picture, luma"

    def __init__(self) -> None:
        super().__init__((WIDTH,))

    @property
    def identity(self) -> str:
        """Version of the traces."""
        return "jpeg-traces-1"

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:  # noqa: ARG002
        """Traces of the picture's luma, (27,)."""
        luma = np.asarray(Image.fromarray(pixels).convert("L"))
        return torch.from_numpy(traces(luma).astype(np.float32))

    def features(self, batch: Tensor) -> Tensor:
        """The traces themselves, (B, 27)."""
        return batch
