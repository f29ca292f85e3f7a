"""The Lightning trainer that the settings choose, or one line on why this machine cannot have it."""

from collections.abc import Callable
from textwrap import shorten
from typing import Any

import pytorch_lightning as pl
from hydra.utils import instantiate
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from pytorch_lightning.strategies import FSDPStrategy

from redqueen.errors import UserError

_NUMERICS = ("precision", "gradient_clip_val", "gradient_clip_algorithm", "accumulate_grad_batches")


def trainer(cfg: DictConfig) -> Callable[..., pl.Trainer]:
    """What makes the trainer; one is made and thrown away, so that what cannot be had is told before any work.

    Raises:
        UserError: no such device or strategy here.
    """
    made: Callable[..., pl.Trainer] = instantiate(cfg.trainer)
    try:
        once = _once(made)
    except KeyError as error:
        raise UserError(
            f"trainer: {error.args[0]} is not set, so this process was not started by srun: start it with "
            "'srun redqueen …' within a Slurm job, or choose another trainer"
        ) from None
    except (MisconfigurationException, ValueError, ModuleNotFoundError) as error:
        reason = shorten(str(error), 220, placeholder=" …").rstrip(".")
        raise UserError(f"trainer: {reason}; on this machine trainer=auto always works") from None
    if isinstance(once.strategy, FSDPStrategy) and once.world_size > 1:
        raise UserError(
            "trainer=fsdp: shards of several devices cannot be written as one checkpoint yet; use trainer=ddp"
        )
    return made


def one_process(made: Callable[..., pl.Trainer]) -> None:
    """Raise UserError where torchrun or srun has started several processes: each would do and write everything."""
    once = _once(made)
    place = getattr(once.strategy, "cluster_environment", None)
    if once.world_size > 1 and place is not None and place.creates_processes_externally:
        raise UserError(
            f"trainer: {once.world_size} processes were started from outside, and each would write the same files: "
            "use trainer=ddp on one machine, or a job for each detector (hydra/launcher=submitit_slurm)"
        )


def numerics(cfg: DictConfig) -> dict[str, Any]:
    """The settings of the trainer that change the weights, as far as they are not at Lightning's defaults."""
    found = {name: cfg.trainer.get(name) for name in _NUMERICS}
    known = {name: value for name, value in found.items() if value is not None}
    return {"trainer": known} if known else {}


def _once(made: Callable[..., pl.Trainer]) -> pl.Trainer:
    return made(logger=False, enable_checkpointing=False, enable_progress_bar=False)
