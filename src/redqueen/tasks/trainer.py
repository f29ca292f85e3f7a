"""The Lightning trainer that the settings choose, or one line on why this machine cannot have it."""

from collections.abc import Callable
from textwrap import shorten

import pytorch_lightning as pl
from hydra.utils import instantiate
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from pytorch_lightning.strategies import FSDPStrategy

from redqueen.errors import UserError


def trainer(cfg: DictConfig) -> Callable[..., pl.Trainer]:
    """What makes the trainer; one is made and thrown away, so that what cannot be had is told before any work.

    Raises:
        UserError: no such device or strategy here.
    """
    made: Callable[..., pl.Trainer] = instantiate(cfg.trainer)
    try:
        once = made(logger=False, enable_checkpointing=False, enable_progress_bar=False)
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
