"""A network that was trained for something else, fine-tuned whole or in its last stages.

The plain baseline of the field: on AI-GenBench (Pellegrini et al., arXiv 2504.20865) fine-tuned networks did better
than linear probes on the same networks. Any network of timm, with its own normalisation of pictures.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.backbones.backbone import Look, checked, no_such, triple
from redqueen.detectors.base import Detector, Pixels, to_tensor, zeros
from redqueen.detectors.crops import reflected_crop
from redqueen.detectors.heat import HeatMap, central_box, of_network
from redqueen.errors import UserError


class TimmFinetune(Detector):
    """A network under one logit, trained from its last stages backwards.

    Args:
        backbone: the network, the weights that it starts from and what it expects of a picture.
        crop: side of the crop; a smaller picture is continued by reflection.
        resize: side to which the crop is scaled (bilinear, antialiased); None feeds it as it is.
        stages: how many of the last stages are trained, as timm counts them (a ViT's are its blocks; the stem is the
            first); None: all. What is not trained keeps its running statistics.
    """

    paper: ClassVar[str] = "Pellegrini et al., 2025, arXiv 2504.20865"
    input: ClassVar[str] = "224 px crop, as the backbone normalises it"
    weights: ClassVar[str] = "the backbone's"

    def __init__(
        self, backbone: Backbone, crop: int = 224, resize: int | None = None, stages: int | None = None
    ) -> None:
        super().__init__()
        self.backbone, self.crop, self.resize = backbone, crop, resize
        self.network = backbone.network.requires_grad_(True)
        for name in frozen(self.network, stages):
            self.network.get_parameter(name).requires_grad_(False)
        self.head = zeros(nn.Linear(backbone.width, 1))

    def train(self, mode: bool = True) -> "TimmFinetune":
        """Layers without a parameter to train stay in evaluation mode."""
        super().train(mode)
        for layer in self.network.modules():
            own = list(layer.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                layer.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, S, S) with S = resize or crop: central, or in training random and mirrored at random."""
        picture = to_tensor(reflected_crop(pixels, self.crop, rng))
        if self.resize is not None and self.resize != self.crop:
            picture = interpolate(picture[None], (self.resize,) * 2, mode="bilinear", antialias=True)[0]
        picture = self.backbone.normalise(picture)
        return picture.flip(-1) if rng is not None and rng.random() < 0.5 else picture

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 3, S, S)."""
        return torch.as_tensor(self.head(self.network(batch)).squeeze(-1))

    def heat_map(self, pixels: Pixels) -> HeatMap | None:
        """Exact where the network ends in the plain mean of a map."""
        return of_network(self.network, self.head, self.prepare(pixels), central_box(pixels, self.crop, self.crop))


def frozen(network: nn.Module, stages: int | None) -> list[str]:
    """Names of the parameters before the last `stages` of a network of timm; UserError where it has fewer."""
    from timm.models import group_parameters  # noqa: PLC0415

    if stages is None:
        return []
    groups: dict[int, list[str]] = group_parameters(network, _matcher(network))
    if not 1 <= stages <= len(groups):
        raise UserError(f"timm_finetune: stages is {stages}; {type(network).__name__} has 1 to {len(groups)}")
    return [name for group in sorted(groups)[: len(groups) - stages] for name in groups[group]]


def _matcher(network: nn.Module) -> Any:
    """Timm's patterns for the stages of its network."""
    find: Any = getattr(network, "group_matcher", None)
    if find is None:
        raise UserError(f"timm_finetune: {type(network).__name__} has no stages that timm knows: set stages to null")
    return find(coarse=True)


def untrained(model: str) -> Backbone:
    """A network of timm with random weights, and the normalisation that timm records for it.

    Args:
        model: timm's name.

    Raises:
        UserError: no such model.
    """
    import timm  # noqa: PLC0415

    if not timm.is_model(model):
        raise no_such("timm model", model, timm.list_models())
    network = timm.create_model(model, pretrained=False, num_classes=0)
    facts = timm.data.resolve_model_data_config(network)
    look = Look(triple(facts["mean"]), triple(facts["std"]), int(facts["input_size"][-1]), "bilinear")
    return checked(network, look, model, {"timm": model})
