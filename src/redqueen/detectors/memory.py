"""When a device has too little memory for a batch."""

from collections.abc import Callable

import torch
from torch import Tensor

from redqueen.errors import UserError

_WORDS = ("out of memory", "not enough memory", "can't allocate memory")  # CUDA, then PyTorch's allocator on the CPU


def exhausted(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    kinds = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or any(word in str(error).lower() for word in _WORDS)


def in_parts(function: Callable[[Tensor], Tensor], batch: Tensor, device: torch.device) -> Tensor:
    """`function` of a batch, as float32 on the CPU; where memory does not suffice, of its halves one after the other.

    Raises:
        UserError: a single item does not fit.
    """
    try:
        return function(batch.to(device)).float().cpu()
    except (RuntimeError, MemoryError) as error:
        if not exhausted(error):
            raise
        if len(batch) == 1:
            raise UserError(
                f"one input of shape {tuple(batch.shape[1:])} does not fit into the memory of {device}: "
                "choose a smaller crop or network, or a device with more memory"
            ) from None
    half = len(batch) // 2
    return torch.cat([in_parts(function, part, device) for part in (batch[:half], batch[half:])])
