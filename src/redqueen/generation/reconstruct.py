"""A photograph through a generator's own autoencoder: an aligned fake that shares content, size and JPEG history.

The training data of B-Free (Guillaro et al., CVPR 2025, arXiv 2412.17671) and DDA (Chen et al., NeurIPS 2025, arXiv
2505.14359), which show that a detector trained on such pairs learns the decoder's traces and not what pictures show.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from redqueen.corpus.decode import to_rgb
from redqueen.generation.provenance import Form, form_of

_PROBE = 128  # pixels; a multiple of every factor there is


class Autoencoder:
    """An autoencoder of diffusers on 8-bit pixels, whatever its class.

    The latents go from the encoder to the decoder as they are: the shift and scale by which a pipeline normalises them
    for its denoiser, and undoes before decoding, cancel.

    Args:
        network: with `encode` and `decode`, over pictures (B, 3, H, W) or films (B, 3, T, H, W) in [-1, 1].
        device: where it lies.
        options: further arguments of `decode`.
    """

    def __init__(self, network: Any, device: str, options: Mapping[str, Any] = {}) -> None:  # noqa: B006
        self.network, self.device, self.options = network, device, options
        weights = list(network.parameters())
        self.dtype = weights[0].dtype
        self.film = any(weight.ndim == 5 for weight in weights)  # three-dimensional convolutions
        self.factor = _PROBE // self._encode(torch.zeros(1, 3, _PROBE, _PROBE)).shape[-1]

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Encode and decode, (H, W, 3) to the same shape; the sides are filled up by reflection and cut back."""
        height, width = pixels.shape[:2]
        fill = [(0, -side % self.factor) for side in (height, width)]
        filled = np.pad(pixels, [*fill, (0, 0)], mode="reflect")  # at the right and the bottom: the grid stays
        picture = torch.from_numpy(filled).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.inference_mode():
            decoded = self._decode(self._encode(picture))
        found = ((decoded.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return np.ascontiguousarray(found[0, :, :height, :width].permute(1, 2, 0).cpu().numpy())

    def _encode(self, picture: Tensor) -> Tensor:
        """The latents' mean; of a film, of a single frame."""
        given = picture.to(self.device, self.dtype)
        with torch.inference_mode():
            found = self.network.encode(given.unsqueeze(2) if self.film else given)
        if hasattr(found, "latent_dist"):
            return found.latent_dist.mode()  # type: ignore[no-any-return]
        return found.latents if hasattr(found, "latents") else found.latent  # type: ignore[no-any-return]

    def _decode(self, latents: Tensor) -> Tensor:
        decoded: Tensor = self.network.decode(latents, **self.options).sample
        return decoded[:, :, 0] if decoded.ndim == 5 else decoded


def reconstruct(
    photograph: Image.Image, autoencoder: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> tuple[Image.Image, Form]:
    """The photograph decoded anew, and the form to save it in: as it was, if it was a JPEG, else PNG.

    Pixels that a camera has laid on their side stay so, in the same blocks of the JPEG.
    """
    form = form_of(photograph)
    upright = photograph if form.orientation is None else _without_turn(photograph)
    return Image.fromarray(autoencoder(np.asarray(to_rgb(upright)))), form


def _without_turn(photograph: Image.Image) -> Image.Image:
    """The pixels as they are stored, without the EXIF that would turn them."""
    bare = photograph.copy()
    bare.info = {}
    return bare
