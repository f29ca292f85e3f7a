"""RINE: representations from all intermediate blocks of an encoder.

Koutlis and Papadopoulos, "Leveraging Representations from Intermediate Encoder-Blocks for Synthetic Image Detection",
ECCV 2024 (arXiv 2402.19091). The class token of every block of a frozen CLIP goes through one projection, Q1; a
learned importance, a softmax over the blocks for each channel, sums them; a second projection, Q2, and a small network
give the logit. The loss is binary cross-entropy plus a supervised contrastive term on what Q2 gives.

Where text and code (github.com/mever-team/rine) disagree, the code is followed: a block's token is taken after its
second layer norm (`ln_2`), not after the block; the cross-entropy is a sum over the batch, so that beside its mean the
contrastive factor xi counts as xi / B. The authors blur and compress in training; here features are computed once and
cached, so that the head is trained on pictures as they are.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from redqueen.detectors import published
from redqueen.detectors.backbones import Backbone
from redqueen.detectors.backbones.blocks import Blocks
from redqueen.detectors.base import FeatureDetector, Pixels, to_tensor
from redqueen.detectors.crops import black_crop

TOKENS = r"(.*\.)?(ln_2|layer_norm2|norm2)"  # the norm before a block's MLP: open_clip's, transformers', timm's name
TEMPERATURE = 0.07  # of the contrastive term: the default of its authors (arXiv 2004.11362), whose code RINE calls


class RINE(FeatureDetector):
    """Class tokens of all blocks of a frozen encoder under the authors' head.

    Args:
        backbone: the encoder.
        blocks: regular expression of the names of the modules whose outputs are the tokens (see `Blocks`).
        projections: layers of Q1 and of Q2, each (the authors publish 2 and 4).
        width: channels of both (1024 and 128).
        xi: weight of the contrastive term (0.1 and 0.2).
        crop: side of the crop, never resized; a smaller picture gets a black border, as the authors' crop does it.
        weights: a published head for this backbone, such as the authors' model_4class_trainable.pth.
        frozen: use the published weights as they are and train nothing; None: if `weights` are given.
    """

    paper: ClassVar[str] = "Koutlis and Papadopoulos, ECCV 2024, arXiv 2402.19091"
    input: ClassVar[str] = "224 px crop, never resized"
    weights: ClassVar[str] = "head for CLIP ViT-L/14, authors': Apache-2.0"
    turn: ClassVar[int] = 0
    head: "RINEHead"

    def __init__(  # noqa: PLR0913, PLR0917  (what the paper varies)
        self,
        backbone: Backbone,
        blocks: str = TOKENS,
        projections: int = 2,
        width: int = 1024,
        xi: float = 0.2,
        crop: int = 224,
        weights: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        network = Blocks(backbone.network.eval().requires_grad_(False), blocks, backbone.digest)
        with torch.inference_mode():
            _, tokens, channels = network(torch.zeros(1, 3, crop, crop)).shape
        super().__init__((tokens, channels), RINEHead(tokens, channels, width, projections))
        self.backbone, self.network, self.blocks = backbone, network, blocks
        self.xi, self.crop = xi, crop
        if weights is not None:
            published.load(self.head, published.read(weights), lambda ours: ours)
        published.freeze(self, weights, frozen)

    @property
    def identity(self) -> str:
        """Weights, blocks and preprocessing."""
        return f"rine-{self.backbone.digest}-{self.blocks}-{self.crop}-1"

    def train(self, mode: bool = True) -> "RINE":
        """The backbone stays in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop, (3, crop, crop), central or random."""
        return self.backbone.normalise(to_tensor(black_crop(pixels, self.crop, rng)))

    def features(self, batch: Tensor) -> Tensor:
        """Class tokens, (B, blocks, channels)."""
        return torch.as_tensor(self.network(batch))

    def head_loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """The authors' loss divided by the size of the batch, of features (B, blocks, channels), labels (B,) float."""
        embedded = self.head.embed(features)
        logits = self.head.head(embedded).squeeze(-1)
        contrast = contrastive(normalize(embedded), labels, TEMPERATURE)
        return binary_cross_entropy_with_logits(logits, labels) + self.xi / len(labels) * contrast


class RINEHead(nn.Module):
    """Q1, importance, Q2 and classifier, under the names of the authors' state dict.

    Args:
        blocks: tokens a picture.
        channels: of a token.
        width: of both projections.
        projections: layers of each.
    """

    def __init__(self, blocks: int, channels: int, width: int, projections: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.randn(1, blocks, width))
        self.proj1 = _projection(channels, width, projections)
        self.proj2 = _projection(width, width, projections)
        hidden = [module for _ in range(2) for module in (nn.Linear(width, width), nn.ReLU(), nn.Dropout())]
        self.head = nn.Sequential(*hidden, nn.Linear(width, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits, (B, 1), of tokens, (B, blocks, channels)."""
        return torch.as_tensor(self.head(self.embed(tokens)))

    def embed(self, tokens: Tensor) -> Tensor:
        """What Q2 gives, (B, width)."""
        importance = torch.softmax(self.alpha, dim=1)  # (1, blocks, width): sums to 1 over the blocks
        return torch.as_tensor(self.proj2((importance * self.proj1(tokens)).sum(dim=1)))


def contrastive(embedded: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss, (), of vectors of length 1, (B, width), with labels (B,).

    Mean over the pictures that have another one of their class in the batch; 0 if none has. Khosla et al., NeurIPS
    2020 (arXiv 2004.11362), equation 2.
    """
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    likeness = (embedded @ embedded.T / temperature).masked_fill(~others, -torch.inf)
    log_share = likeness - likeness.logsumexp(dim=1, keepdim=True)  # (B, B): of each other picture beside an anchor
    alike = (labels[:, None] == labels) & others
    count = alike.sum(dim=1)
    each = -log_share.masked_fill(~alike, 0.0).sum(dim=1) / count.clamp(min=1)
    return each.sum() / (count > 0).sum().clamp(min=1)


def _projection(inputs: int, width: int, layers: int) -> nn.Sequential:
    """Dropout, then layers of linear, ReLU, dropout."""
    widths = [inputs, *[width] * layers]
    blocks = [
        module
        for before, after in zip(widths, widths[1:], strict=False)
        for module in (nn.Linear(before, after), nn.ReLU(), nn.Dropout())
    ]
    return nn.Sequential(nn.Dropout(), *blocks)
