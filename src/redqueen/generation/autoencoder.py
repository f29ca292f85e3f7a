"""A small variational autoencoder that we train ourselves, in diffusers' own layout and classes.

What aligned-reconstruction training and AEROBLADE need where no generator's own autoencoder is at hand: a convolutional
encoder and decoder as in latent diffusion (Rombach et al., CVPR 2022, arXiv 2112.10752), narrow enough for two cores,
trained without their perceptual and adversarial losses, for which it would have to be larger.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import diffusers
import numpy as np
import pytorch_lightning as pl
import torch
from annotated_types import Ge, Gt
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import l1_loss
from torch.utils.data import DataLoader, Dataset, Sampler

from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.generation.lens import start_as_lens

NORM_GROUPS, LEAST = 4, 16  # of channels: four a group, three of which hold its statistics (see `lens`)
FIRST_LOG_VARIANCE = -6.0  # of the code: with the usual 0 its noise drowns the picture for the first thousand steps
STEPS_AN_EPOCH = 100  # what a kill can cost; the checkpoint lies at the end of each "epoch"

Count = Annotated[int, Ge(1)]
Weight = Annotated[float, Ge(0)]


@dataclass(frozen=True)
class Recipe:
    """How the autoencoder is made.

    Args:
        channels: width of each resolution level, rising multiples of 16; n levels shrink the sides by f = 2^(n - 1).
        latent_channels: of the code, (latent_channels, H / f, W / f).
        layers: residual blocks a level of the encoder; the decoder has one more.
        crops: training crops drawn in all (with repetition).
        batch_size: crops a step.
        crop: their side in pixels, a multiple of f.
        learning_rate: peak rate of AdamW, after a linear warm-up over the first 5 % and before a cosine decay.
        gradient: weight of the L1 distance between the differences of neighbouring pixels, which keeps edges.
        kl: weight of the divergence of the code from a standard normal, per value of the picture.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    latent_channels: Count = 4
    layers: Count = 1
    crops: Count = 16_000
    batch_size: Count = 4
    crop: Count = 128
    learning_rate: Annotated[float, Gt(0)] = 3e-4
    gradient: Weight = 1.0
    kl: Weight = 1e-4

    def __post_init__(self) -> None:
        """Raise UserError for what cannot be built or followed."""
        rising = list(self.channels) == sorted(self.channels)
        if len(self.channels) < 2 or not rising or any(width < 1 or width % LEAST for width in self.channels):
            raise UserError(
                f"recipe.channels={list(self.channels)}: two levels or more are needed, none narrower than the one "
                f"before it, each of a multiple of {LEAST} channels"
            )
        if self.crop % self.factor:
            raise UserError(f"recipe.crop={self.crop}: must be a multiple of {self.factor}, by which sides shrink")
        if self.crops < self.batch_size:
            raise UserError(f"recipe.crops={self.crops}: less than one batch of {self.batch_size}")

    @property
    def factor(self) -> int:
        """How much longer a picture's sides are than its code's."""
        return int(2 ** (len(self.channels) - 1))

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.crops // self.batch_size


def build(recipe: Recipe) -> AutoencoderKL:
    """The untrained network, (B, 3, H, W) in [-1, 1] to the same shape, without attention."""
    levels = len(recipe.channels)
    network = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(recipe.channels),
        layers_per_block=recipe.layers,
        latent_channels=recipe.latent_channels,
        norm_num_groups=NORM_GROUPS,
        sample_size=recipe.crop,
        mid_block_add_attention=False,
    )
    start_as_lens(network)
    with torch.no_grad():
        network.quant_conv.bias[recipe.latent_channels :] = FIRST_LOG_VARIANCE
    return network


def edges(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring pixels of (B, C, H, W): across, (B, C, H, W - 1), and down, (B, C, H - 1, W)."""
    return pictures.diff(dim=-1), pictures.diff(dim=-2)


class Reconstructing(pl.LightningModule):
    """Trains an autoencoder by L1, L1 of edges and a little KL; every draw depends on (seed, step) alone."""

    def __init__(self, network: AutoencoderKL, recipe: Recipe, seed: int) -> None:
        super().__init__()
        self.network, self.recipe, self.seed = network, recipe, seed

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:  # noqa: ARG002  (Lightning's hook)
        """Loss of a batch, (B, 3, H, W) in [-1, 1]; raises UserError when it is not finite."""
        code = self.network.encode(batch).latent_dist
        generator = torch.Generator().manual_seed(seed_from("code", self.seed, self.global_step))
        noise = torch.randn(code.mean.shape, generator=generator).to(code.mean)
        found = self.network.decode(code.mean + code.std * noise).sample
        (across, down), (true_across, true_down) = edges(found), edges(batch)
        sharp = l1_loss(across, true_across) + l1_loss(down, true_down)
        divergence = code.kl().mean() / batch[0].numel()
        loss: Tensor = l1_loss(found, batch) + self.recipe.gradient * sharp + self.recipe.kl * divergence
        if not torch.isfinite(loss):
            raise UserError(f"the loss is {loss.item()} at step {self.global_step}: lower recipe.learning_rate")
        self.log("train/loss", loss, on_step=True, on_epoch=False)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW with linear warm-up and cosine decay to zero."""
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=self.recipe.learning_rate, weight_decay=1e-4)
        total = self.recipe.steps
        warm = max(total // 20, 1)

        def rate(step: int) -> float:
            return min((step + 1) / warm, 1.0) * 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def photographs(corpus: Corpus, split: str) -> NDArray[np.int64]:
    """Rows of a corpus's photographs of one split."""
    chosen = (corpus.column("kind") == "photo") & (corpus.column("split") == split)
    return np.flatnonzero(chosen).astype(np.int64)


class Crops(Dataset[Tensor]):
    """Crops of rows of a corpus as float tensors in [-1, 1]; index (position, seed) says of which row, and which one.

    Raises UserError at a picture that is smaller than the crop.
    """

    def __init__(self, corpus: Corpus, rows: Sequence[int] | NDArray[np.int64], size: int) -> None:
        self.corpus, self.rows, self.size = corpus, rows, size

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def __getitem__(self, draw: tuple[int, int]) -> Tensor:
        """One crop, mirrored or not, (3, size, size) float32."""
        position, seed = draw
        pixels = self.corpus.pixels(int(self.rows[position]))
        spare = [side - self.size for side in pixels.shape[:2]]
        if min(spare) < 0:
            raise UserError(
                f"recipe.crop={self.size}: the corpus has a photograph of {pixels.shape[1]} x {pixels.shape[0]} pixels"
            )
        rng = np.random.default_rng(seed)
        top, left = (int(rng.integers(length + 1)) for length in spare)
        crop = torch.from_numpy(pixels[top : top + self.size, left : left + self.size].copy()).permute(2, 0, 1)
        picture = crop.float() / 127.5 - 1
        return picture.flip(-1) if rng.integers(2) else picture


class Draws(Sampler[tuple[int, int]]):
    """What epoch e draws depends on (seed, e) alone; every row comes as often as any other, but for one turn."""

    def __init__(self, rows: int, per_epoch: int, seed: int) -> None:
        self.rows, self.per_epoch, self.seed, self.epoch = rows, per_epoch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Draws an epoch."""
        return self.per_epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield (position, seed) pairs."""
        order: NDArray[np.int64] | None = None
        for number in range(self.epoch * self.per_epoch, (self.epoch + 1) * self.per_epoch):
            turn, place = divmod(number, self.rows)
            if order is None or place == 0:
                order = np.random.default_rng(seed_from("order", self.seed, turn)).permutation(self.rows)
            yield int(order[place]), seed_from("crop", self.seed, number)


def loader(corpus: Corpus, rows: NDArray[np.int64], recipe: Recipe, seed: int) -> DataLoader[Tensor]:
    """Batches of (B, 3, crop, crop) in [-1, 1], one "epoch" being STEPS_AN_EPOCH steps."""
    draws = Draws(len(rows), STEPS_AN_EPOCH * recipe.batch_size, seed)
    return DataLoader(Crops(corpus, rows, recipe.crop), batch_size=recipe.batch_size, sampler=draws)


def save(network: AutoencoderKL, folder: Path) -> None:
    """Save in diffusers' layout, float32."""
    diffusers.utils.logging.set_verbosity_error()
    network.save_pretrained(folder, safe_serialization=True)
