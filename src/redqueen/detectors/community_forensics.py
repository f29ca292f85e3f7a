"""Community Forensics: a small vision transformer trained on thousands of generators.

Park and Owens, "Community Forensics: Using Thousands of Generators to Train Fake Image Detectors", CVPR 2025 (arXiv
2411.04125). The whole picture is scaled to 440 pixels at its shorter side and the central 384 are cut out; a crop of a
picture loses what the network was trained on. The authors start from ImageNet's ViT-S/16 (augreg) and train with up to
several of eleven operations drawn at random; here training has their random crop and mirroring alone.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from redqueen.detectors import published
from redqueen.detectors.base import Detector, Pixels, centre_or_random_crop, to_tensor
from redqueen.errors import UserError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's: not those of timm's weights for this network
LONGEST = 4  # a picture more than so many times as long as it is wide loses its ends before it is scaled


class CommunityForensics(Detector):
    """ViT-S/16 with one logit.

    Args:
        model: timm's name of the network.
        size: side of its input (the authors also publish 224, from `resize` 256).
        resize: shorter side to which a picture is scaled, bilinear.
        weights: the authors' model.safetensors, a folder with it, or hub:OWNER/NAME@COMMIT; None: random weights.
        frozen: use the published weights as they are and train nothing.
    """

    paper: ClassVar[str] = "Park and Owens, CVPR 2025, arXiv 2411.04125"
    input: ClassVar[str] = "resized to 440 px, 384 px crop"
    weights: ClassVar[str] = "authors': MIT"

    def __init__(
        self,
        model: str = "vit_small_patch16_384",
        size: int = 384,
        resize: int = 440,
        weights: str | None = None,
        frozen: bool = False,
    ) -> None:
        import timm  # noqa: PLC0415

        super().__init__()
        if frozen and weights is None:
            raise UserError("community_forensics: frozen=true needs weights=FOLDER: random ones detect nothing")
        if size > resize:
            raise UserError(f"community_forensics: size={size} is more than resize={resize}: lower it")
        self.size, self.resize = size, resize
        self.vit = timm.create_model(model, pretrained=False, num_classes=1, img_size=size)
        if weights is not None:
            published.load(self, published.read(weights), lambda ours: ours)
        self.requires_grad_(not frozen)

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """Normalised crop of the scaled picture, (3, size, size): central, or in training random and mirrored."""
        crop = to_tensor(centre_or_random_crop(_scaled(pixels, self.resize), self.size, rng))
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        picture = (crop - mean) / std
        return picture.flip(-1) if rng is not None and rng.random() < 0.5 else picture

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of (B, 3, size, size)."""
        return torch.as_tensor(self.vit(batch).squeeze(-1))


def _scaled(pixels: Pixels, side: int) -> Pixels:
    """The picture with its shorter side at `side` pixels, in levels of 0 to 255 as Pillow's, which the authors use."""
    shorter = min(pixels.shape[:2])
    height, width = (min(length, LONGEST * shorter) for length in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    whole = torch.from_numpy(np.array(pixels[top : top + height, left : left + width])).permute(2, 0, 1)
    size = [side * length // min(height, width) for length in (height, width)]
    scaled = torch.nn.functional.interpolate(whole[None], size, mode="bilinear", antialias=True)[0]
    return np.asarray(scaled.permute(1, 2, 0))
