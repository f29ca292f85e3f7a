"""DRCT: contrastive training on reconstructions, which lie closer to the border than any generated picture.

Chen et al., "DRCT: Diffusion Reconstruction Contrastive Training towards Universal Detection of Diffusion Generated
Images", ICML 2024. Real pictures are label 0; generated ones and the reconstructions of both are label 1. An embedding
is trained by (1 - alpha) x cross-entropy + alpha x a contrastive loss with a margin, so that a picture and its own
reconstruction are driven apart although they show the same.

The reconstructions come from the training recipe, not from here: with `examples=corpus` there are none, and what is
left is a plain margin loss over human-made and generated pictures. `examples=aligned` reconstructs the human-made rows
alone, while the authors reconstruct generated ones as well; and they do it by inpainting with Stable Diffusion under an
empty mask, where ours come from an autoencoder alone. The margin loss is that of
the authors' code (github.com/beibuwandeluori/DRCT): distances of embeddings of unit length, not squared as in the
paper it cites, averaged over the pairs that are not yet satisfied. One logit stands for their two.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate, normalize, relu

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.base import Detector, Pixels, to_tensor
from redqueen.detectors.crops import reflected_crop
from redqueen.errors import UserError

NEAREST = 1e-12  # squared distance under the root, whose slope at 0 is infinite


class DRCT(Detector):
    """A backbone, trained whole, under an embedding and one logit.

    Args:
        backbone: the network and what it expects of a picture; the paper takes ConvNeXt-B and CLIP ViT-L/14.
        embedding: width of the embedding.
        alpha: weight of the contrastive loss, 0 to 1.
        margin: distance that two pictures of different labels should have, of embeddings of unit length.
        crop: side of the crop, random in training; a smaller picture is continued by reflection.
        resize: side to which the crop is scaled (bilinear, antialiased); None feeds it as it is.
    """

    paper: ClassVar[str] = "Chen et al., ICML 2024, proceedings.mlr.press/v235/chen24ay"
    input: ClassVar[str] = "224 px crop, never resized"
    weights: ClassVar[str] = "the backbone's; the authors' come without a licence"

    def __init__(  # noqa: PLR0913, PLR0917  (what the paper varies)
        self,
        backbone: Backbone,
        embedding: int = 1024,
        alpha: float = 0.3,
        margin: float = 1.0,
        crop: int = 224,
        resize: int | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise UserError(f"drct: alpha={alpha}: must be between 0 and 1")
        self.backbone, self.alpha, self.margin = backbone, alpha, margin
        self.crop, self.resize = crop, resize
        self.network = backbone.network.requires_grad_(True)
        self.embedding = nn.Linear(backbone.width, embedding)
        self.head = nn.Linear(embedding, 1)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, S, S) with S = resize or crop: central, or in training random and mirrored at random."""
        picture = to_tensor(reflected_crop(pixels, self.crop, rng))
        if self.resize is not None and self.resize != self.crop:
            picture = interpolate(picture[None], (self.resize,) * 2, mode="bilinear", antialias=True)[0]
        picture = self.backbone.normalise(picture)
        return picture.flip(-1) if rng is not None and rng.random() < 0.5 else picture

    def embed(self, batch: Tensor) -> Tensor:
        """Embeddings, (B, embedding)."""
        return torch.as_tensor(self.embedding(self.network(batch)))

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,)."""
        return torch.as_tensor(self.head(self.embed(batch)).squeeze(-1))

    def loss(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy and contrast, weighted, ()."""
        embeddings = self.embed(batch)
        entropy = binary_cross_entropy_with_logits(self.head(embeddings).squeeze(-1), labels)
        return (1 - self.alpha) * entropy + self.alpha * contrast(embeddings, labels, self.margin)


def contrast(embeddings: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Mean distance of pairs of one label plus mean lack of distance, up to `margin`, of pairs of two, ().

    Args:
        embeddings: (B, E), brought to unit length here.
        labels: (B,).
        margin: see `DRCT`.
    """
    directions = normalize(embeddings)
    squared = (directions[:, None] - directions[None]).square().sum(dim=-1)
    distances = squared.clamp(min=NEAREST).sqrt()  # (B, B)
    same = labels[:, None] == labels[None]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return _mean_of_open(distances[same & ~itself]) + _mean_of_open(relu(margin - distances[~same]))


def _mean_of_open(lacks: Tensor) -> Tensor:
    """The mean of those that are above 0; 0 of none."""
    return lacks.sum() / (lacks > 0).sum().clamp(min=1)
