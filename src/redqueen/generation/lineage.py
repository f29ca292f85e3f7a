"""The lineage: small unconditional diffusion models that we train ourselves, each generation better than the last.

Denoising diffusion (Ho et al., NeurIPS 2020, arXiv 2006.11239) on diffusers' `UNet2DModel` and schedulers, saved in
diffusers' own layout. A recipe differs from its predecessor as real generations do: longer training, wider nets, EMA,
a better noise schedule, another prediction target, a better sampler.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import diffusers
import numpy as np
import pytorch_lightning as pl
import torch
from diffusers import DDIMPipeline, DDPMPipeline, DDPMScheduler, DiffusionPipeline, UNet2DModel
from diffusers.training_utils import EMAModel
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass as pydantic_dataclass
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from redqueen.files import seed_from
from redqueen.types import Generator


@dataclass(frozen=True)
class Recipe:
    """How one generation is made.

    Args:
        channels: width of each resolution level of the UNet; as many levels as entries.
        pictures: training pictures drawn in all (with repetition).
        batch_size: pictures a step.
        learning_rate: peak rate of AdamW, after a linear warm-up over the first 5 % and before a cosine decay.
        ema_decay: decay of the weights' moving average; None keeps the last weights.
        beta_schedule: noise schedule of `DDPMScheduler`.
        prediction: "epsilon" or "v_prediction".
        start_from: folder name of an earlier generation whose weights training starts from; None starts afresh.
        sampler: class name of the diffusers scheduler that the pipeline samples with.
        sampling_steps: denoising steps a picture.
        sampler_options: constructor arguments of the sampler.
    """

    channels: Sequence[int]
    pictures: int
    batch_size: int = 16
    learning_rate: float = 4e-4
    ema_decay: float | None = None
    beta_schedule: str = "linear"
    prediction: str = "epsilon"
    start_from: str | None = None
    sampler: str = "DDIMScheduler"
    sampling_steps: int = 20
    sampler_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.pictures // self.batch_size


@pydantic_dataclass(frozen=True, kw_only=True)
class Generation(Generator):
    """A generator that is trained here, by its recipe."""

    recipe: Recipe


def build_unet(size: int, channels: Sequence[int]) -> UNet2DModel:
    """A convolutional UNet without attention, (B, 3, size, size) in [-1, 1] to the same shape."""
    return UNet2DModel(
        sample_size=size,
        in_channels=3,
        out_channels=3,
        layers_per_block=1,
        block_out_channels=tuple(channels),
        down_block_types=("DownBlock2D",) * len(channels),
        up_block_types=("UpBlock2D",) * len(channels),
        norm_num_groups=8,
    )


class Denoising(pl.LightningModule):
    """Trains a UNet to predict the noise (or v) that a scheduler added; every draw depends on (seed, step) alone."""

    def __init__(self, unet: UNet2DModel, recipe: Recipe, seed: int) -> None:
        super().__init__()
        self.unet = unet
        self.recipe = recipe
        self.seed = seed
        self.noise = DDPMScheduler(beta_schedule=recipe.beta_schedule, prediction_type=recipe.prediction)
        self.ema = EMAModel(unet.parameters(), decay=recipe.ema_decay) if recipe.ema_decay else None

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:  # noqa: ARG002  (Lightning's hook)
        """Mean squared error on a batch, (B, 3, H, W) in [-1, 1]."""
        generator = torch.Generator().manual_seed(seed_from("noise", self.seed, self.global_step))
        noise = torch.randn(batch.shape, generator=generator).to(batch)
        steps = torch.randint(0, self.noise.config.num_train_timesteps, (len(batch),), generator=generator).to(
            batch.device
        )
        target = noise if self.recipe.prediction == "epsilon" else self.noise.get_velocity(batch, noise, steps)
        predicted = self.unet(self.noise.add_noise(batch, noise, steps), steps).sample
        loss = torch.nn.functional.mse_loss(predicted, target)
        self.log("train/loss", loss, on_step=True, on_epoch=False)
        return loss

    def on_fit_start(self) -> None:
        """The average lies where the weights lie."""
        if self.ema is not None:
            self.ema.to(self.device)

    def on_train_batch_end(self, *_: Any) -> None:
        """Move the average of the weights."""
        if self.ema is not None:
            self.ema.step(self.unet.parameters())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the moving average with the checkpoint."""
        if self.ema is not None:
            checkpoint["ema"] = self.ema.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the moving average up again."""
        if self.ema is not None:
            self.ema.load_state_dict(checkpoint["ema"])

    def configure_optimizers(self) -> Any:
        """AdamW with linear warm-up and cosine decay to zero."""
        optimizer = torch.optim.AdamW(self.unet.parameters(), lr=self.recipe.learning_rate, weight_decay=1e-2)
        total = max(self.recipe.steps, 1)
        warm = max(total // 20, 1)

        def rate(step: int) -> float:
            return min(step / warm, 1.0) * 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def pipeline(self) -> DiffusionPipeline:
        """The finished generator: averaged weights if there are any, and the recipe's sampler."""
        if self.ema is not None:
            self.ema.copy_to(self.unet.parameters())
        return make_pipeline(self.unet, self.recipe)


def make_pipeline(unet: UNet2DModel, recipe: Recipe) -> DiffusionPipeline:
    """UNet and sampler as a diffusers pipeline: DDIM has one of its own, any other sampler runs in DDPMPipeline."""
    sampler = getattr(diffusers, recipe.sampler)(
        beta_schedule=recipe.beta_schedule, prediction_type=recipe.prediction, **recipe.sampler_options
    )
    kind = DDIMPipeline if recipe.sampler == "DDIMScheduler" else DDPMPipeline
    return cast(DiffusionPipeline, kind(unet=unet, scheduler=sampler))


class Crops(Dataset[Tensor]):
    """Photographs as float tensors in [-1, 1]; index (row, flip) says which and whether mirrored."""

    def __init__(self, pictures: Sequence[NDArray[np.uint8]]) -> None:
        self.pictures = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.pictures)

    def __getitem__(self, draw: tuple[int, bool]) -> Tensor:
        """One picture, (3, H, W) float32."""
        row, flip = draw
        picture = self.pictures[row].float() / 127.5 - 1
        return picture.flip(-1) if flip else picture


class Draws(Sampler[tuple[int, bool]]):
    """What epoch e draws depends on (seed, e) alone, so that a resumed run draws what an undisturbed one would have."""

    def __init__(self, rows: int, per_epoch: int, seed: int) -> None:
        self.rows, self.per_epoch, self.seed, self.epoch = rows, per_epoch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Draws an epoch."""
        return self.per_epoch

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        """Yield (row, flip) pairs."""
        rng = np.random.default_rng(seed_from("draws", self.seed, self.epoch))
        for row in rng.integers(self.rows, size=self.per_epoch):
            yield int(row), bool(rng.integers(2))


STEPS_AN_EPOCH = 50  # what a kill can cost; the checkpoint lies at the end of each "epoch"


def loader(pictures: Sequence[NDArray[np.uint8]], recipe: Recipe, seed: int) -> DataLoader[Tensor]:
    """Batches of (B, 3, H, W) in [-1, 1], one "epoch" being STEPS_AN_EPOCH steps."""
    draws = Draws(len(pictures), STEPS_AN_EPOCH * recipe.batch_size, seed)
    return DataLoader(Crops(pictures), batch_size=recipe.batch_size, sampler=draws)


def save_half(pipeline: DiffusionPipeline, folder: Path) -> None:
    """Save in diffusers' layout with fp16 weights."""
    diffusers.utils.logging.set_verbosity_error()  # its hint about fp32 modules names none here
    pipeline.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
