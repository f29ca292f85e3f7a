"""The Lightning trainer that the settings choose, or one line on why this machine cannot have it."""

from collections.abc import Callable
from textwrap import shorten

import pytorch_lightning as pl
from hydra.utils import instantiate
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig

from redqueen.errors import UserError


def trainer(cfg: DictConfig) -> Callable[..., pl.Trainer]:
    """What makes the trainer; one is made and thrown away, so that what cannot be had is told before any work.

    Raises:
        UserError: no such device or strategy here.
    """
    made: Callable[..., pl.Trainer] = instantiate(cfg.trainer)
    try:
        made(logger=False, enable_checkpointing=False, enable_progress_bar=False)
    except KeyError as error:
        raise UserError(
            f"trainer: {error.args[0]} is not set, so this process was not started by srun: start it with "
            "'srun redqueen …' within a Slurm job, or choose another trainer"
        ) from None
    except (MisconfigurationException, ValueError, ModuleNotFoundError) as error:
        reason = shorten(str(error), 220, placeholder=" …").rstrip(".")
        raise UserError(f"trainer: {reason}; on this machine trainer=auto always works") from None
    return made
