"""The autoencoder that we train ourselves: builds, learns, resumes to the bit, and loads as any of diffusers."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from diffusers import AutoencoderKL

import stand_ins
from redqueen import resumable
from redqueen.errors import UserError
from redqueen.generation import autoencoder
from redqueen.generation.autoencoder import Crops, Draws, Recipe, Reconstructing, build, edges, photographs, save
from redqueen.generation.reconstruct import Autoencoder

RECIPE = Recipe(channels=(16, 16), crops=28, batch_size=4, crop=16)  # seven steps


class StopError(Exception):
    """What a kill looks like from inside."""


class StopAt(pl.Callback):
    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise StopError


def trainer(*extra, callbacks, **settings):
    return pl.Trainer(
        accelerator="cpu", logger=False, enable_model_summary=False, callbacks=[*callbacks, *extra], **settings
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def short_blocks(monkeypatch):
    monkeypatch.setattr(autoencoder, "STEPS_AN_EPOCH", 2)


def train(corpus, folder, *extra, recipe=RECIPE, seed=0):
    torch.manual_seed(seed)
    module = Reconstructing(build(recipe), recipe, seed)
    batches = autoencoder.loader(corpus, photographs(corpus, "train"), recipe, seed)
    resumable.fit(partial(trainer, *extra), module, batches, folder, recipe.steps, 2)
    return [p.detach().clone() for p in module.network.parameters()]


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_resumed_training_ends_with_the_same_bits(corpus, tmp_path, short_blocks):
    whole = train(corpus, tmp_path / "whole")
    for step in (3, 6):
        with pytest.raises(StopError):
            train(corpus, tmp_path / "killed", StopAt(step))
    assert same(train(corpus, tmp_path / "killed"), whole)
    assert not same(train(corpus, tmp_path / "other", seed=1), whole)


@pytest.mark.parametrize("channels", [(16, 16), (16, 32, 48), (16, 16, 16, 16)])
def test_the_code_is_smaller_by_the_factor_and_every_weight_learns(channels):
    recipe = Recipe(channels=channels, latent_channels=3, crop=32)
    network = build(recipe)
    picture = torch.rand(2, 3, 32, 32) * 2 - 1
    code = network.encode(picture).latent_dist.mode()
    assert code.shape == (2, 3, 32 // recipe.factor, 32 // recipe.factor)
    assert recipe.factor == 2 ** (len(channels) - 1)
    Reconstructing(network, recipe, 0).training_step(picture, 0).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def smooth(seed, side=16):
    """Waves of colour, (4, 3, side, side) in [-1, 1]."""
    rng = np.random.default_rng(seed)
    grid = np.mgrid[:side, :side] / side
    phase, pace = rng.uniform(0, 6, (4, 3, 1, 1)), rng.uniform(2, 9, (4, 3, 2, 1, 1))
    return torch.from_numpy(0.9 * np.sin(phase + pace[:, :, 0] * grid[0] + pace[:, :, 1] * grid[1])).float()


@torch.no_grad()
def error(network, pictures):
    return float((network.decode(network.encode(pictures).latent_dist.mode()).sample - pictures).abs().mean())


@pytest.mark.parametrize("recipe", [RECIPE, Recipe(crop=32, latent_channels=3), Recipe((32, 32, 64), 8, crop=32)])
def test_a_fresh_one_shrinks_by_averaging_and_enlarges_by_repetition(recipe):
    torch.manual_seed(0)
    network, pictures = build(recipe).eval(), smooth(0, 32)
    shrunk = torch.nn.functional.avg_pool2d(pictures, recipe.factor)
    with torch.no_grad():
        code = network.encode(pictures).latent_dist.mode()
        found = network.decode(code).sample
    assert (code[:, :3] - shrunk).abs().mean() < 0.08
    repeated = shrunk.repeat_interleave(recipe.factor, -1).repeat_interleave(recipe.factor, -2)
    assert (found - repeated).abs().mean() < 0.12
    assert (found - pictures).abs().mean() < pictures.abs().mean() / 4


def test_it_learns_to_reconstruct(tmp_path, short_blocks):
    """Waves that it has not seen, better than a fresh one."""
    torch.manual_seed(0)
    recipe = replace(RECIPE, crops=4 * 60)
    module = Reconstructing(build(recipe), recipe, 0)
    before = error(module.network, smooth(999))
    batches = torch.utils.data.DataLoader([smooth(step) for step in range(recipe.steps)], batch_size=None)
    resumable.fit(trainer, module, batches, tmp_path, recipe.steps, recipe.steps)
    assert error(module.network, smooth(999)) < before / 1.2


def test_the_loss_is_what_it_says():
    recipe = replace(RECIPE, gradient=0.5, kl=0.1)
    torch.manual_seed(0)
    module = Reconstructing(build(recipe), recipe, 3)
    batch = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.manual_seed(5)  # the draw of the code must not depend on this
    found = float(module.training_step(batch, 0).detach())
    code = module.network.encode(batch).latent_dist
    generator = torch.Generator().manual_seed(autoencoder.seed_from("code", 3, 0))
    decoded = module.network.decode(code.mean + code.std * torch.randn(code.mean.shape, generator=generator)).sample
    a, b = decoded.detach().numpy().astype(np.float64), batch.numpy().astype(np.float64)
    expected = np.abs(a - b).mean()
    for axis in (2, 3):
        expected += 0.5 * np.abs(np.diff(a, axis=axis) - np.diff(b, axis=axis)).mean()
    mean, std = (t.detach().numpy().astype(np.float64) for t in (code.mean, code.std))
    normal = 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std))  # Kingma & Welling, appendix B
    expected += 0.1 * normal.sum(axis=(1, 2, 3)).mean() / (3 * 16 * 16)
    assert found == pytest.approx(expected, rel=1e-5)
    assert [tuple(edge.shape[2:]) for edge in edges(batch)] == [(16, 15), (15, 16)]


def test_a_loss_that_is_not_finite_is_the_users_to_mend():
    module = Reconstructing(build(RECIPE), RECIPE, 0)
    with pytest.raises(UserError, match=r"loss is nan at step 0: lower recipe\.learning_rate"):
        module.training_step(torch.full((2, 3, 16, 16), torch.nan), 0)


def test_it_loads_as_any_of_diffusers(tmp_path):
    network = build(RECIPE).eval()
    save(network, tmp_path)
    loaded = AutoencoderKL.from_pretrained(tmp_path, local_files_only=True)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), loaded.parameters(), strict=True))
    pixels = np.random.default_rng(0).integers(0, 256, (19, 22, 3), dtype=np.uint8)
    found = Autoencoder(loaded, "cpu")
    assert found.factor == RECIPE.factor
    assert found(pixels).shape == pixels.shape


def test_it_sees_training_photographs_alone(corpus):
    rows = photographs(corpus, "train")
    assert len(rows)
    assert set(corpus.column("kind")[rows]) == {"photo"}
    assert set(corpus.column("split")[rows]) == {"train"}
    assert not set(corpus.column("group_id")[rows]) & set(corpus.column("group_id")[photographs(corpus, "test")])


def test_crops_are_cut_from_the_picture(corpus):
    rows = photographs(corpus, "train")
    crops = Crops(corpus, rows, 16)
    pixels = corpus.pixels(rows[1]).astype(np.float32) / 127.5 - 1
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (16, 16), axis=(0, 1))  # (17, 17, 3, 16, 16)
    for seed in range(6):
        crop = crops[1, seed].numpy()
        assert any(np.abs(windows - one).max(axis=(2, 3, 4)).min() < 1e-6 for one in (crop, crop[:, :, ::-1]))
    assert len({crops[1, seed].numpy().tobytes() for seed in range(6)}) > 1
    with pytest.raises(UserError, match=r"recipe.crop=64: the corpus has a photograph of 32 x 32"):
        Crops(corpus, rows, 64)[0, 0]


def test_draws_depend_on_seed_and_epoch_alone_and_use_every_row():
    def block(epoch, seed=0):
        draws = Draws(10, 6, seed)
        draws.set_epoch(epoch)
        return list(draws)

    assert block(3) == block(3)
    assert len({tuple(block(epoch, seed)) for epoch in range(5) for seed in range(2)}) == 10
    taken = [position for epoch in range(5) for position, _ in block(epoch)]
    assert sorted(taken) == sorted(list(range(10)) * 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"channels": (16,)}, "two levels"),
        ({"channels": (16, 24)}, "multiple of 16"),
        ({"channels": (32, 16)}, "none narrower"),
        ({"channels": (16, 16, 16), "crop": 18}, "multiple of 4"),
        ({"crops": 3, "batch_size": 4}, "less than one batch"),
    ],
)
def test_recipes_that_cannot_be_followed_are_refused(wrong, said):
    with pytest.raises(UserError, match=said):
        Recipe(**wrong)
