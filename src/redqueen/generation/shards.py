"""Work that many machines share: which batches are whose, and which device a process takes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from redqueen.errors import UserError

_RANKS = (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"))  # of torchrun; of Slurm's srun


@dataclass(frozen=True)
class Shard:
    """One of `count` equal parts of the work, counted from 1."""

    index: int = 1
    count: int = 1

    def holds(self, batch: int) -> bool:
        """Whether a batch, counted from 0, belongs to this part.

        >>> [Shard(2, 3).holds(batch) for batch in range(6)]
        [False, True, False, False, True, False]
        """
        return batch % self.count == self.index - 1

    def __str__(self) -> str:
        """As it is written in the settings."""
        return f"{self.index}/{self.count}"


WHOLE = Shard()


def shard_of(text: str, environment: Mapping[str, str]) -> Shard:
    """The part that "3/16" names; "auto" follows torchrun or Slurm, and is the whole where neither started us.

    Raises:
        UserError: neither "auto" nor INDEX/COUNT with 1 <= INDEX <= COUNT.

    >>> shard_of("auto", {"RANK": "2", "WORLD_SIZE": "16"})
    Shard(index=3, count=16)
    """
    if text == "auto":
        found = next(([environment[key] for key in pair] for pair in _RANKS if set(pair) <= set(environment)), None)
        if found is None:
            return WHOLE
        text = f"{int(found[0]) + 1}/{found[1]}" if all(map(str.isdigit, found)) else "/".join(found)
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"render.shard={text}: give INDEX/COUNT counted from 1, as 3/16 or 16/16, or auto")
    return Shard(int(match[1]), int(match[2]))


def device_of(environment: Mapping[str, str]) -> str:
    """The GPU of this process among those that it sees (torchrun's or Slurm's local rank), or "cpu" without one."""
    if not torch.cuda.is_available():
        return "cpu"
    local = environment.get("LOCAL_RANK") or environment.get("SLURM_LOCALID") or "0"
    return f"cuda:{int(local) % torch.cuda.device_count()}"
