"""One pass of an encoder for all heads on it: what it said of a batch serves whoever asks for the same batch next."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local

import torch
from torch import Tensor

_own = local()  # of a thread: digest of an encoder -> the last batch and its output


@contextmanager
def remembered() -> Iterator[None]:
    """Within it, in this thread, `keep` keeps the last batch of each encoder; outside nothing is kept or known."""
    _own.seen = {}
    try:
        yield
    finally:
        del _own.seen


def keep(digest: str, batch: Tensor, output: Tensor) -> None:
    """Remember what the encoder of that digest gave for a batch."""
    if hasattr(_own, "seen"):
        _own.seen[digest] = batch, output


def known(digest: str, batch: Tensor) -> Tensor | None:
    """What the encoder of that digest gave for the very same numbers, if that was its last batch."""
    last, output = getattr(_own, "seen", {}).get(digest, (None, None))
    alike = last is not None and last.shape == batch.shape and last.device == batch.device
    return output if alike and torch.equal(last, batch) else None
