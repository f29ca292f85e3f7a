"""Training an autoencoder through the command line, and what takes it: pairs to learn from, and AEROBLADE."""

import json

import pytest
from diffusers import AutoencoderKL

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

SHORT = ["autoencoder.channels=[16,16]", "autoencoder.crops=8", "autoencoder.crop=32", "name=tiny"]


@pytest.fixture(scope="module")
def folder(world):
    assert world.run("fit_autoencoder", *SHORT) == 0
    return world.folder / "runs" / "store" / "autoencoder"


def test_it_is_saved_in_diffusers_layout_with_a_record(folder):
    record = json.loads((folder / "record.json").read_text())
    assert record["steps"] == 2
    assert record["recipe"]["channels"] == [16, 16]
    assert record["training_pictures"] >= len(record["training_groups"]) > 0
    assert record["validation"]["psnr"] > 10
    assert AutoencoderKL.from_pretrained(folder).config.latent_channels == 4


def test_the_same_training_gives_the_same_weights(folder, world):
    before = (folder / "diffusion_pytorch_model.safetensors").read_bytes()
    assert world.run("fit_autoencoder", *SHORT, "output=again") == 0
    assert (world.folder / "again" / "diffusion_pytorch_model.safetensors").read_bytes() == before


def test_detectors_learn_from_its_pairs(folder, world):
    assert (
        world.run("train", "examples=aligned", "detector=[spectral]", "detector.spectral.size=64", "cutoff=2026-01")
        == 0
    )
    (made,) = (world.folder / "runs" / "store" / "checkpoint").glob("spectral-2026-01-*")
    record = json.loads((made / "record.json").read_text())
    assert record["aligned"]["mix"] == 1.0
    assert all(name.startswith("autoencoder-") for name in record["generators"])


def test_aeroblade_takes_it(folder, world):
    words = ["detector=[aeroblade]", "detector.aeroblade.crop=64", "cutoff=2026-01", "recipe.steps=20"]
    assert world.run("train", *words) == 0


def test_without_an_autoencoder_one_line_says_what_to_do(world, capfd):
    assert world.run("train", "detector=[aeroblade]", "detector.aeroblade.autoencoders=[nowhere]") == 2
    assert "'nowhere': no such folder" in capfd.readouterr().err
