"""Reconstruction and image to image, against diffusers' own steps, on tiny pipelines."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import ExifTags, Image, ImageFilter

import tiny_pipelines
from redqueen.corpus.decode import to_rgb
from redqueen.corpus.schema import SourcePicture
from redqueen.errors import UserError
from redqueen.generation import pipelines
from redqueen.generation.modes import FromImage, Reconstruct, Task, able_to_start_from_pictures
from redqueen.generation.pipelines import Loading
from redqueen.generation.prompts import Prompt
from redqueen.generation.provenance import encode, form_of
from redqueen.generation.reconstruct import Autoencoder, reconstruct
from redqueen.generation.rendering import Rendering
from redqueen.generation.subjects import Subject
from redqueen.types import Generator

pytestmark = pytest.mark.filterwarnings(r"ignore::Warning:diffusers\..*")

FACTORS = {  # input pixels per latent, as the tiny networks were built
    "StableDiffusionPipeline": 2,
    "Flux2KleinPipeline": 2,
    "SanaPipeline": 2,
    "QwenImagePipeline": 4,
    "KandinskyV22CombinedPipeline": 2,
    "Lumina2Pipeline": 8,
    "AmusedPipeline": 2,
}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Name of a class -> its weights, saved once."""
    made = {}

    def of(name, **call):
        if name not in made:
            made[name] = tiny_pipelines.save(name, tmp_path_factory.mktemp(name))
        said = {**tiny_pipelines.TINY[name].call, "num_inference_steps": 4, **call}
        known = Generator("tiny-1", "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0", call=said)
        return pipelines.resolve(replace(known, pipeline=name, weights=str(made[name]), resolution=32), {})

    return of


def pixels(height, width, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2)))


def jpeg(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def autoencoder(weights, name):
    network, _ = pipelines.open_autoencoder(weights(name), "cpu", "float32")
    return Autoencoder(network, "cpu"), network


# Reconstruction


@pytest.mark.parametrize(("name", "factor"), FACTORS.items())
def test_the_factor_is_found(name, factor, weights):
    assert autoencoder(weights, name)[0].factor == factor


def test_it_is_what_diffusers_does_with_a_picture(weights):
    """Their processor, encode, scale, unscale, decode, their processor."""
    found, vae = autoencoder(weights, "StableDiffusionPipeline")
    picture, processor = pixels(32, 48), VaeImageProcessor(vae_scale_factor=2)
    with torch.no_grad():
        latents = vae.encode(processor.preprocess(Image.fromarray(picture))).latent_dist.mode()
        latents = latents * vae.config.scaling_factor / vae.config.scaling_factor
        expected = processor.postprocess(vae.decode(latents).sample, output_type="pil")[0]
    assert np.abs(found(picture).astype(int) - np.asarray(expected)).max() <= 1


def test_kandinskys_latents_are_not_quantised(weights):
    """As its image-to-image pipeline decodes them."""
    network, part = pipelines.open_autoencoder(weights("KandinskyV22CombinedPipeline"), "cpu", "float32")
    assert part == "movq"
    made = Reconstruct(weights("KandinskyV22CombinedPipeline"), "cpu", Loading())
    picture = pixels(32, 32)
    batch = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        latents = network.encode(batch).latents
        plain, quantised = (network.decode(latents, force_not_quantize=keep).sample for keep in (True, False))
    found = torch.from_numpy(made.autoencoder(picture)).permute(2, 0, 1).float()
    assert (found - (plain[0].clamp(-1, 1) + 1) * 127.5).abs().max() <= 1
    assert (found - (quantised[0].clamp(-1, 1) + 1) * 127.5).abs().max() > 5


@pytest.mark.parametrize("name", ["QwenImagePipeline", "Lumina2Pipeline"])
@pytest.mark.parametrize("size", [(45, 37), (40, 41), (64, 64), (3, 50), (1, 1)])
def test_odd_sizes_are_filled_up_by_reflection_and_cut_back(name, size, weights):
    found, _ = autoencoder(weights, name)
    picture = pixels(*size)
    filled = np.pad(picture, [(0, -side % found.factor) for side in size] + [(0, 0)], mode="reflect")
    assert found(picture).shape == picture.shape
    assert (found(picture) == found(filled)[: size[0], : size[1]]).all()


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_a_reconstruction_shares_size_and_jpeg_history_with_its_photograph(subsampling, weights):
    found, _ = autoencoder(weights, "StableDiffusionPipeline")
    photograph = Image.open(io.BytesIO(jpeg(Image.fromarray(pixels(45, 37)), quality=71, subsampling=subsampling)))
    made, form = reconstruct(photograph, found)
    again = Image.open(io.BytesIO(encode(made, form, {"generator": "x"})))
    assert (again.format, again.size, again.mode) == ("JPEG", photograph.size, "RGB")
    assert again.quantization == photograph.quantization
    assert form_of(again) == form_of(photograph)
    assert not (np.asarray(again) == np.asarray(photograph)).all()


def test_a_turned_photograph_keeps_its_grid(weights):
    """Its pixels lie on their side in the file, and those of the reconstruction do, in the same blocks."""
    found, _ = autoencoder(weights, "StableDiffusionPipeline")
    stored, exif = Image.fromarray(pixels(40, 64)), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = Image.open(io.BytesIO(jpeg(stored, quality=80, exif=exif.tobytes())))
    plain = Image.open(io.BytesIO(jpeg(stored, quality=80)))
    made, form = reconstruct(turned, found)
    assert (np.asarray(made) == np.asarray(reconstruct(plain, found)[0])).all()
    again = Image.open(io.BytesIO(encode(made, form, {"generator": "x"})))
    assert to_rgb(again).size == to_rgb(turned).size == (40, 64)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_every_mode_of_picture_is_reconstructed(mode, weights):
    found, _ = autoencoder(weights, "StableDiffusionPipeline")
    buffer = io.BytesIO()
    Image.fromarray(pixels(20, 20)).convert(mode).save(buffer, "JPEG" if mode in ("L", "CMYK") else "PNG")
    made, form = reconstruct(Image.open(buffer), found)
    with Image.open(io.BytesIO(encode(made, form, {"generator": "x"}))) as again:
        assert again.size == (20, 20)
        assert again.mode == ("L" if mode == "L" else "RGB")
        assert again.format == ("JPEG" if mode == "L" else "PNG")


def task(seed=0, data=None, text="a street"):
    photograph = SourcePicture("a", lambda: data, "photo", "a/1", "tests", "CC0-1.0")
    return Task(Subject(prompt=Prompt("p", text, "protest"), photograph=photograph), seed, data)


def test_a_photograph_that_cannot_be_read_is_told(weights):
    painter = Reconstruct(weights("StableDiffusionPipeline"), "cpu", Loading())
    good, bad, none = painter.paint([task(data=jpeg(Image.new("RGB", (8, 8)))), task(data=b"GIF89a"), task(data=b"")])
    assert good.picture.size == (8, 8)
    assert (bad.picture, none.picture) == (None, None)
    assert bad.reason
    assert none.reason == "empty file (0 bytes)"


def test_facts_of_a_reconstruction(weights):
    painter = Reconstruct(weights("QwenImagePipeline"), "cpu", Loading())
    assert painter.facts["mode"] == "reconstruction"
    assert painter.facts["autoencoder"] == "AutoencoderKLQwenImage"
    assert painter.facts["revision"] == weights("QwenImagePipeline").revision
    assert "pipeline" not in painter.facts, "its denoiser had no part in it"


def test_the_rest_of_the_pipeline_is_not_loaded(weights, monkeypatch):
    monkeypatch.setattr(pipelines, "load", lambda *_: pytest.fail("the pipeline was loaded"))
    assert Reconstruct(weights("FluxPipeline"), "cpu", Loading()).facts["autoencoder"] == "AutoencoderKL"


# Image to image

STARTERS = (
    "StableDiffusionPipeline",
    pytest.param("StableDiffusionXLPipeline", marks=pytest.mark.slow),
    pytest.param("LatentConsistencyModelPipeline", marks=pytest.mark.slow),
    pytest.param("StableDiffusion3Pipeline", marks=pytest.mark.slow),
    pytest.param("FluxPipeline", marks=pytest.mark.slow),
    pytest.param("QwenImagePipeline", marks=pytest.mark.slow),
    pytest.param("ZImagePipeline", marks=pytest.mark.slow),
    pytest.param("KandinskyV22CombinedPipeline", marks=pytest.mark.slow),
)


def from_image(weights, name, strength=0.5, **call):
    return FromImage(weights(name, **call), "cpu", Loading(), strength)


def photographs(n):
    return [jpeg(Image.fromarray(pixels(40, 60, seed))) for seed in range(n)]


@pytest.mark.parametrize("name", STARTERS)
def test_a_picture_starts_from_a_photograph(name, weights):
    painter = from_image(weights, name)
    tasks = [task(seed, data, f"a street, {seed}") for seed, data in enumerate(photographs(3))]
    together = [np.asarray(one.picture).astype(int) for one in painter.paint(tasks)]
    alone = [np.asarray(painter.paint([one])[0].picture).astype(int) for one in tasks]
    assert {one.shape for one in together} == {(32, 32, 3)}
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one - other).max() <= 1
        assert (one != other).mean() <= 0.003
    other_photograph = painter.paint([replace(tasks[0], data=tasks[1].data)])[0].picture
    other_seed = painter.paint([replace(tasks[0], seed=9)])[0].picture
    assert np.abs(np.asarray(other_photograph) - alone[0]).mean() > 0.05
    assert np.abs(np.asarray(other_seed) - alone[0]).mean() > 0.05
    assert painter.facts["mode"] == "image"


def test_less_strength_leaves_more_of_the_photograph(weights):
    """Against the photograph as its own autoencoder shows it."""
    found, _ = autoencoder(weights, "StableDiffusionPipeline")
    photograph = pixels(32, 32)
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "PNG")

    def distance(strength):
        painter = from_image(weights, "StableDiffusionPipeline", strength, num_inference_steps=20)
        picture = painter.paint([task(data=buffer.getvalue())])[0].picture
        return np.abs(np.asarray(picture).astype(int) - found(photograph)).mean()

    assert distance(0.05) < distance(0.3) < distance(1.0)


def test_an_unreadable_photograph_does_not_spoil_its_batch(weights):
    painter = from_image(weights, "StableDiffusionPipeline")
    good = photographs(2)
    made = painter.paint([task(0, good[0]), task(1, b"no picture"), task(2, good[1])])
    assert [one.picture is None for one in made] == [False, True, False]
    assert "not a picture" in made[1].reason
    assert painter.paint([task(1, b"")])[0].picture is None


@pytest.mark.parametrize("name", ["DDPMPipeline", "PixArtSigmaPipeline", "Flux2KleinPipeline"])
def test_a_class_that_cannot_start_from_a_picture_names_those_that_can(name, weights):
    with pytest.raises(UserError, match=rf"render\.mode=image: {name} cannot start from a picture; .*FluxPipeline, .*"):
        FromImage(weights(name), "cpu", Loading(), 0.5)
    assert name not in able_to_start_from_pictures()


def test_too_few_steps_are_told(weights):
    with pytest.raises(UserError, match=r"render\.strength=0\.1 of 4 steps is none: at least 0\.25 is needed"):
        from_image(weights, "StableDiffusionPipeline", 0.1)


# Settings

ENTRY = Generator("tiny-1", "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0")


@pytest.mark.parametrize(("resolution", "expected"), [(None, 16), (64, 16), (256, 16), (512, 4), (768, 1), (1328, 1)])
def test_batches_go_by_the_resolution(resolution, expected):
    assert Rendering(n=1).batch_of(replace(ENTRY, resolution=resolution)) == expected
    assert Rendering(n=1, batch_size=7).batch_of(replace(ENTRY, resolution=resolution)) == 7


def test_dtype_goes_by_the_device():
    assert Rendering(n=1).dtype_on("cpu") == "float32"
    assert Rendering(n=1).dtype_on("cuda:0") == "bfloat16"
    assert Rendering(n=1, mode="reconstruction").dtype_on("cuda:0") == "float32"
    assert Rendering(n=1, dtype="float16").dtype_on("cpu") == "float16"


def test_what_pictures_depend_on():
    said = Rendering(n=1).identity(ENTRY, "cpu")
    assert Rendering(n=1, shard="2/3", lock="other.json").identity(ENTRY, "cpu") == said
    for change in (
        {"n": 2},
        {"batch_size": 1},
        {"scheduler": "DDIMScheduler"},
        {"dtype": "float16"},
        {"strength": 0.1},
    ):
        assert Rendering(**{"n": 1, **change}).identity(ENTRY, "cpu") != said
    assert Rendering(n=1).identity(ENTRY, "cuda:0") != said


def test_a_certificate_needs_its_key():
    assert Rendering(n=1).signer() is None
    with pytest.raises(UserError, match=r"signing needs both render\.certificate=FILE and render\.key=FILE"):
        Rendering(n=1, key="a").signer()
