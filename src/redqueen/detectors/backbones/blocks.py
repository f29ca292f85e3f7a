"""What a network holds half-way: one vector for each of its blocks."""

import re
from typing import Any

import torch
from torch import Tensor, nn

from redqueen.detectors.backbones import looks
from redqueen.errors import UserError


class Blocks(nn.Module):
    """The outputs of chosen modules of a network while it looks at pictures, one vector each: (B, blocks, width).

    Of tokens, (B, tokens, channels), the first is taken, the class token; of a map, (B, channels, H, W), the mean, set
    to mean 0 and variance 1 over its channels, as a layer norm does. Modules of different widths get columns of their
    own, zero elsewhere, so that one projection of all blocks can treat each by itself.

    Args:
        network: any network that takes (B, 3, H, W).
        modules: regular expression that the whole name of a chosen module matches.
        digest: of the network; what it says of a batch is kept under it in `looks`, for heads on its output.

    Raises:
        UserError: no module has such a name.
    """

    def __init__(self, network: nn.Module, modules: str, digest: str = "") -> None:
        super().__init__()
        self.network, self.digest = network, digest
        self.chosen = [name for name, _ in network.named_modules() if re.fullmatch(modules, name)]
        if not self.chosen:
            inner = [name for name, _ in network.named_modules() if name]
            raise UserError(f"blocks='{modules}' matches no module of the backbone; its last ones: {_last(inner)}")

    def forward(self, batch: Tensor) -> Tensor:
        """Outputs of the chosen modules in the order in which the network ran them."""
        seen: list[Tensor] = []

        def see(module: nn.Module, given: Any, found: Tensor) -> None:  # noqa: ARG001  (torch's hook)
            seen.append(found.float())

        hooks = [self.network.get_submodule(name).register_forward_hook(see) for name in self.chosen]
        try:
            looks.keep(self.digest, batch, self.network(batch))
        finally:
            for hook in hooks:
                hook.remove()
        return _beside([_vector(found) for found in seen])


def _vector(found: Tensor) -> Tensor:
    """One vector a picture, (B, channels), of tokens or of a map."""
    if found.ndim == 4:
        mean = found.mean(dim=(2, 3))
        return nn.functional.layer_norm(mean, mean.shape[1:])
    return found[:, 0]


def _beside(vectors: list[Tensor]) -> Tensor:
    """(B, n, width): as they are where all are as wide, else each in columns of its own."""
    widths = [vector.shape[1] for vector in vectors]
    if len(set(widths)) == 1:
        return torch.stack(vectors, dim=1)
    after = [sum(widths[number + 1 :]) for number in range(len(widths))]
    before = [sum(widths[:number]) for number in range(len(widths))]
    return torch.stack([nn.functional.pad(v, (b, a)) for v, b, a in zip(vectors, before, after, strict=True)], dim=1)


def _last(names: list[str]) -> str:
    return ", ".join(names[-5:])
