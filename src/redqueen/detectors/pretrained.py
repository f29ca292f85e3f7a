"""Until when pretrained weights have seen pictures: a detector on them may know generators that it never trained on.

Hardly any maker says when collecting ended. Where none does, the month is that of the paper: an upper bound.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Pretraining(NamedTuple):
    """The last month, "YYYY-MM", from which pretraining may have seen pictures, and where that comes from."""

    until: str
    source: str


_CLIP = Pretraining("2021-01", "model card of OpenAI's CLIP: model date January 2021")
PRETRAINED: Mapping[str, Pretraining] = {  # what a detector's settings say -> its pretraining
    "efficientnet_lite0": Pretraining("2012-05", "ImageNet-1k is the set of ILSVRC 2012"),
    "openai/clip-vit": _CLIP,
    "CLIPVisionModelWithProjection": _CLIP,  # weights in a folder: taken for those that the settings named
    "Dinov2Model": Pretraining("2023-04", "month of arXiv 2304.07193"),
    "DINOv3ViTModel": Pretraining("2025-08", "month of arXiv 2508.10104"),
    "SiglipVisionModel": Pretraining("2025-02", "month of arXiv 2502.14786, SigLIP 2"),
    "MetaClip2VisionModelWithProjection": Pretraining("2025-07", "month of arXiv 2507.22062"),
    "OwensLab/commfor": Pretraining("2024-11", "month of arXiv 2411.04125, pictures of 4,803 generators"),
    "vit_pe_core": Pretraining("2025-04", "month of arXiv 2504.13181, Perception Encoder"),
}


def pretraining(node: Mapping[str, Any]) -> Pretraining | None:
    """The latest pretraining that a detector's settings name; None for one that starts from nothing or is not known.

    >>> pretraining({"backbone": {"model": "Dinov2Model"}})
    Pretraining(until='2023-04', source='month of arXiv 2304.07193')
    """
    text = json.dumps(node, default=str)
    return max((one for name, one in PRETRAINED.items() if name in text), default=None)
