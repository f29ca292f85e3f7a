"""DIRE and the DDIM that it goes by: against diffusers' own schedulers, and where the answer is known."""

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler
from PIL import Image

import stand_ins
from redqueen.detectors import ddim
from redqueen.detectors.dire import DIRE
from redqueen.errors import UserError

STEPS = 7
PREDICTIONS = ("epsilon", "v_prediction", "sample")


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return stand_ins.build_unet(16, (8, 16)).eval()


def settings(prediction):
    return {"prediction_type": prediction, "beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 1000}


def schedule(prediction="epsilon", steps=STEPS):
    return ddim.Schedule.of(settings(prediction), steps)


def by_diffusers(kind, unet, sample, prediction):
    scheduler = kind(**settings(prediction), clip_sample=False)
    scheduler.set_timesteps(STEPS)
    for time in scheduler.timesteps:
        sample = scheduler.step(unet(sample, time).sample, time, sample).prev_sample
    return sample


@pytest.mark.parametrize("prediction", PREDICTIONS[:2])  # diffusers divides by zero where pictures are predicted
@torch.no_grad()
def test_inversion_is_that_of_diffusers(unet, prediction):
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    found = ddim.invert(lambda x, t: unet(x, t).sample, pictures, schedule(prediction), clip=False)
    torch.testing.assert_close(found, by_diffusers(DDIMInverseScheduler, unet, pictures, prediction))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@torch.no_grad()
def test_generation_is_that_of_diffusers(unet, prediction):
    noise = torch.randn(2, 3, 16, 16)
    found = ddim.generate(lambda x, t: unet(x, t).sample, noise, schedule(prediction), clip=False)
    torch.testing.assert_close(found, by_diffusers(DDIMScheduler, unet, noise, prediction))


def test_clipping_keeps_pictures_in_range_and_takes_their_noise_from_them():
    sample, output = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    now, then = torch.tensor(0.6), torch.tensor(0.3)
    found = ddim.move(output, sample, (now, then), "epsilon", clip=True).numpy()
    x, e = sample.double().numpy(), output.double().numpy()
    picture = np.clip((x - np.sqrt(0.4) * e) / np.sqrt(0.6), -1, 1)
    noise = (x - np.sqrt(0.6) * picture) / np.sqrt(0.4)
    np.testing.assert_allclose(found, np.sqrt(0.3) * picture + np.sqrt(0.7) * noise, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_model_that_knows_the_only_picture_gives_it_back(prediction):
    """Where all pictures are one, what a perfect model predicts is known, and what it generates."""
    truth = torch.rand(1, 3, 8, 8) * 2 - 1
    levels = schedule(prediction)
    kept = dict(zip(levels.times.tolist(), levels.kept, strict=True))

    def perfect(sample, time):
        share = kept[int(time)]
        noise = (sample - share.sqrt() * truth) / (1 - share).sqrt()
        return {
            "epsilon": noise,
            "sample": truth.expand_as(sample),
            "v_prediction": share.sqrt() * noise - (1 - share).sqrt() * truth,
        }[prediction]

    start = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(ddim.generate(perfect, start, levels), truth.expand(2, -1, -1, -1), atol=1e-3, rtol=1e-3)


def test_steps_that_the_model_has_not_are_refused():
    for steps in (0, 1001):
        with pytest.raises(UserError, match=f"steps={steps}: the pipeline was trained on 1000"):
            schedule(steps=steps)
    with pytest.raises(UserError, match="predicts 'flow'"):
        ddim.invert(lambda x, t: x, torch.zeros(1, 3, 4, 4), schedule("flow"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(stand_ins.generator_weights(tmp_path_factory.mktemp("weights"), 16))


def test_features_are_the_error_of_reconstruction(folder):
    detector = DIRE(folder, steps=3, depths=(1, 1, 1, 1), width=8).eval()
    batch = torch.stack([detector.prepare(stand_ins.human_pixels(n, 16)) for n in range(2)])
    unet = diffusers.UNet2DModel.from_pretrained(folder, subfolder="unet")
    levels = ddim.Schedule.of(DDIMScheduler.from_pretrained(folder, subfolder="scheduler").config, 3)
    with torch.no_grad():
        noise = ddim.invert(lambda x, t: unet(x, t).sample, batch, levels)
        again = ddim.generate(lambda x, t: unet(x, t).sample, noise, levels)
        found = detector.features(batch)
    torch.testing.assert_close(found, (batch - again).abs() / 2)
    assert found.shape == (2, 3, 16, 16)
    assert detector.shape == (3, 16, 16)


def test_a_picture_is_scaled_whole(folder):
    detector = DIRE(folder, depths=(1, 1, 1, 1), width=8)
    pixels = stand_ins.human_pixels(0, 40)[:, 5:35]
    square = Image.fromarray(pixels[5:35]).resize((16, 16), Image.Resampling.BICUBIC)
    expected = np.asarray(square, np.float32).transpose(2, 0, 1) / 127.5 - 1
    np.testing.assert_allclose(detector.prepare(pixels).numpy(), expected, atol=1e-6)
    assert detector.prepare(pixels[:1, :1]).shape == (3, 16, 16)


def test_only_the_classifier_is_trained_and_saved(folder):
    detector = DIRE(folder, steps=2, depths=(1, 1, 1, 1), width=8).train()
    assert not detector.network.training
    trained = {key for key, one in detector.named_parameters() if one.requires_grad}
    assert trained
    assert all(key.startswith("head.") for key in trained)
    assert {f"head.{key}" for key in detector.trained_state()} >= trained


def test_identity_changes_with_model_steps_and_size(folder, tmp_path):
    other = str(stand_ins.generator_weights(tmp_path, 16, seed=1))
    small = {"depths": (1, 1, 1, 1), "width": 8}
    made = [DIRE(folder, **small), DIRE(other, **small), DIRE(folder, 5, **small), DIRE(folder, size=32, **small)]
    assert len({one.identity for one in made}) == 4
    assert DIRE(folder, **small).identity == made[0].identity


def test_it_is_a_control():
    assert DIRE.control
