"""The lineage: every recipe builds, trains, resumes to the bit and renders."""

import copy
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

import stand_ins
from redqueen import resumable
from redqueen.corpus.store import Corpus
from redqueen.files import configs
from redqueen.generation import lineage, pipelines
from redqueen.generation.lineage import Denoising, Draws, Recipe, build_unet, make_pipeline, save_half
from redqueen.tasks import fit_generator

RECIPE = Recipe(channels=(8, 16), pictures=28, batch_size=4, ema_decay=0.9)  # seven steps
PHOTOGRAPHS = [stand_ins.human_pixels(number) for number in range(6)]

every = pytest.mark.parametrize("name", stand_ins.lineage())


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


def train(folder, *extra, recipe=RECIPE, seed=0):
    torch.manual_seed(seed)
    module = Denoising(build_unet(stand_ins.SIDE, recipe.channels), recipe, seed)
    batches = lineage.loader(PHOTOGRAPHS, recipe, seed)
    resumable.fit(partial(trainer, *extra), module, batches, folder, recipe.steps, 2)
    return module


@pytest.fixture
def short_blocks(monkeypatch):
    monkeypatch.setattr(lineage, "STEPS_AN_EPOCH", 2)


def tensors(module):
    """Last weights and their average."""
    average = [] if module.ema is None else list(module.ema.shadow_params)
    return [*(p.detach().clone() for p in module.unet.parameters()), *(p.clone() for p in average)]


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("changes", [{}, {"ema_decay": None, "prediction": "v_prediction"}])
def test_resumed_training_ends_with_the_same_bits(changes, tmp_path, short_blocks):
    recipe = replace(RECIPE, **changes)
    whole = tensors(train(tmp_path / "whole", recipe=recipe))
    for step in (3, 6):
        with pytest.raises(StopError):
            train(tmp_path / "killed", StopAt(step), recipe=recipe)
    assert same(tensors(train(tmp_path / "killed", recipe=recipe)), whole)
    assert not same(tensors(train(tmp_path / "other", recipe=recipe, seed=1)), whole)


def test_training_learns(tmp_path, short_blocks):
    """A net that has seen one flat picture tells the noise on it better than a fresh one."""
    recipe = replace(RECIPE, pictures=4 * 40, ema_decay=None, learning_rate=3e-3)
    torch.manual_seed(0)
    fresh = build_unet(16, recipe.channels)
    module = Denoising(copy.deepcopy(fresh), recipe, 0)
    flat = [np.full((16, 16, 3), 191, np.uint8)]
    resumable.fit(trainer, module, lineage.loader(flat, recipe, 0), tmp_path, recipe.steps, 2)
    assert _loss(module.unet) < _loss(fresh) / 2


@torch.no_grad()
def _loss(unet):
    """Mean squared error of the noise at half of the way, by the formula of Ho et al., section 2."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(8, 3, 16, 16, generator=generator)
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)[500]
    noisy = kept.sqrt() * (191 / 127.5 - 1) + (1 - kept).sqrt() * noise
    return float(((unet(noisy, 500).sample - noise) ** 2).mean())


def test_average_is_what_the_pipeline_gets(tmp_path, short_blocks):
    module = train(tmp_path)
    average = [p.clone() for p in module.ema.shadow_params]
    assert not same(average, [p.detach() for p in module.unet.parameters()])
    assert same([p.detach() for p in module.pipeline().unet.parameters()], average)


def test_draws_depend_on_seed_and_epoch_alone():
    def block(epoch, seed=0):
        draws = Draws(10, 6, seed)
        draws.set_epoch(epoch)
        return list(draws)

    assert block(3) == block(3)
    assert len({tuple(block(epoch, seed)) for epoch in range(5) for seed in range(2)}) == 10
    taken = [draw for epoch in range(40) for draw in block(epoch)]
    assert {row for row, _ in taken} == set(range(10))
    assert {flip for _, flip in taken} == {False, True}


def test_pictures_lie_between_minus_one_and_one():
    black_and_white = [np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)]
    crops = lineage.Crops(black_and_white)
    assert (crops[0, False].unique().tolist(), crops[1, True].unique().tolist()) == ([-1.0], [1.0])
    slope = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert torch.equal(lineage.Crops([slope])[0, True], lineage.Crops([slope])[0, False].flip(-1))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' DPM-Solver
@every
def test_every_recipe_makes_a_pipeline_that_renders(name, tmp_path):
    """With a narrow net and four steps, but the recipe's own schedule, target and sampler."""
    node = OmegaConf.load(configs() / "generator" / f"{name}.yaml")
    recipe = replace(instantiate(node.recipe), channels=(8, 16))
    torch.manual_seed(0)
    save_half(make_pipeline(build_unet(16, recipe.channels), recipe), tmp_path)
    pipeline = pipelines.load(str(tmp_path), "cpu")
    assert type(pipeline.scheduler).__name__ == recipe.sampler
    assert pipeline.scheduler.config.prediction_type == recipe.prediction
    assert pipeline.scheduler.config.beta_schedule == recipe.beta_schedule
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    pictures = pipeline(batch_size=2, generator=generators, num_inference_steps=4).images
    found = [np.asarray(picture) for picture in pictures]
    assert [p.shape for p in found] == [(16, 16, 3)] * 2
    assert not np.array_equal(*found)


@every
def test_every_generator_is_dated_and_steps_on_from_one_that_exists(name):
    node = OmegaConf.load(configs() / "generator" / f"{name}.yaml")
    entry = instantiate(node, _convert_="all")
    recipe = entry.recipe
    assert entry.name == name
    assert recipe.start_from is None or (recipe.start_from in stand_ins.lineage() and recipe.start_from < name)
    assert recipe.steps >= 100


@every
def test_every_training_record_is_plain_json(name, tmp_path):
    """A training that ends with a TypeError would be a pity."""
    recipe = instantiate(OmegaConf.load(configs() / "generator" / f"{name}.yaml").recipe, _convert_="all")
    corpus: Corpus = stand_ins.corpus(tmp_path)
    record = fit_generator._record(name, corpus, recipe, 0)
    assert json.loads(json.dumps(record))["recipe"]["channels"] == list(recipe.channels)
