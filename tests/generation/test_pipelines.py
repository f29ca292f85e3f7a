"""Loading: of a known revision, of the class that the entry names, set up as asked; each failure in one line."""

from dataclasses import replace

import diffusers
import pytest
import torch
from huggingface_hub.errors import (
    HfHubHTTPError,
)

import tiny_pipelines
from redqueen.errors import UserError
from redqueen.generation import pipelines
from redqueen.generation.pipelines import Loading
from redqueen.types import Generator

pytestmark = pytest.mark.filterwarnings(r"ignore::Warning:diffusers\..*")

SILENCE = HfHubHTTPError.__bases__[0]  # of the HTTP library, whichever the Hub's client uses
COMMIT, OTHER = "a" * 40, "b" * 40
ENTRY = Generator("tiny-1", "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0")
ON_HUB = replace(ENTRY, weights="hub:owner/name", pipeline="StableDiffusionPipeline")


@pytest.fixture(scope="module")
def unconditional(tmp_path_factory):
    return tiny_pipelines.save("DDPMPipeline", tmp_path_factory.mktemp("ddpm"))


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return tiny_pipelines.save("StableDiffusionPipeline", tmp_path_factory.mktemp("sd"))


def copy(folder, to):
    import shutil

    return shutil.copytree(folder, to / "copy")


# Weights on disk


def test_fingerprint_follows_the_weights(tmp_path):
    first, again, other = (
        tiny_pipelines.save("DDPMPipeline", tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert pipelines.fingerprint(str(first)) == pipelines.fingerprint(str(again))
    assert pipelines.fingerprint(str(first)) != pipelines.fingerprint(str(other))


def test_fingerprint_follows_the_scheduler_and_not_the_record(unconditional, tmp_path):
    folder = copy(unconditional, tmp_path)
    before = pipelines.fingerprint(str(folder))
    (folder / "record.json").write_text('{"note": 1}')
    assert pipelines.fingerprint(str(folder)) == before
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text().replace("linear", "squaredcos_cap_v2"))
    assert pipelines.fingerprint(str(folder)) != before


def test_record_is_what_training_wrote(unconditional, tmp_path):
    folder = copy(unconditional, tmp_path)
    assert pipelines.record(str(folder)) == {}
    (folder / "record.json").write_text('{"training_groups": ["wheels/cat"]}')
    assert pipelines.record(str(folder)) == {"training_groups": ["wheels/cat"]}
    assert pipelines.record("hub:owner/name") == {}


def test_load_gives_float32_with_the_saved_weights(unconditional):
    pipeline = pipelines.load(str(unconditional), "cpu")
    assert type(pipeline).__name__ == "DDPMPipeline"
    assert {p.dtype for p in pipeline.unet.parameters()} == {torch.float32}


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError, match=r"no pipeline at .*nowhere \(model_index.json is missing\)"):
        pipelines.resolve(replace(ENTRY, weights=str(tmp_path / "nowhere")), {})
    with pytest.raises(UserError, match=r"weights 'package:lineage/none': no pipeline at .*redqueen"):
        pipelines.locate("package:lineage/none")


def test_a_generator_without_a_pipeline_cannot_render():
    with pytest.raises(UserError, match="'tiny-1' has no pipeline: it is known from its pictures alone"):
        pipelines.resolve(ENTRY, {})


def test_resolve_records_the_digest_of_a_folder(unconditional):
    weights = pipelines.resolve(replace(ENTRY, weights=str(unconditional)), {})
    assert weights.revision == pipelines.fingerprint(str(unconditional))


# Classes


def test_the_class_of_the_entry_is_used(text):
    """LEdits++ runs on the same parts as Stable Diffusion."""
    kind = "StableDiffusionImg2ImgPipeline"
    assert type(pipelines.load(text, "cpu", kind=kind)).__name__ == kind


def test_weights_for_another_class_are_refused(text):
    with pytest.raises(UserError, match=r"are for StableDiffusionPipeline; FluxPipeline needs .*transformer.* too"):
        pipelines.load(text, "cpu", kind="FluxPipeline")


def test_a_class_that_diffusers_lacks_is_named():
    with pytest.raises(UserError, match="has no 'FluxPipelin'; did you mean 'FluxPipeline'. Update it: pip install -U"):
        pipelines.class_named("FluxPipelin")


def test_the_class_of_weights_on_disk_is_read_from_them(unconditional):
    assert pipelines.class_of(replace(ENTRY, weights=str(unconditional))) == "DDPMPipeline"
    assert pipelines.class_of(ON_HUB) == "StableDiffusionPipeline"
    assert pipelines.class_of(replace(ON_HUB, pipeline=None)) is None


# How it is set up


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_dtype(dtype, text):
    pipeline = pipelines.load(text, "cpu", Loading(dtype=dtype))
    found = {p.dtype for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder) for p in part.parameters()}
    assert found == {getattr(torch, dtype)}


@pytest.mark.parametrize("name", ["DPMSolverMultistepScheduler", "EulerDiscreteScheduler", "DDIMScheduler"])
def test_scheduler_by_name(name, text):
    own = pipelines.load(text, "cpu").scheduler
    pipeline = pipelines.load(text, "cpu", Loading(scheduler=name))
    assert type(pipeline.scheduler).__name__ == name
    assert pipeline.scheduler.config.beta_schedule == own.config.beta_schedule, "the settings are taken over"


def test_a_combined_pipeline_samples_with_the_new_scheduler(tmp_path):
    folder = tiny_pipelines.save("KandinskyV22CombinedPipeline", tmp_path)
    pipeline = pipelines.load(folder, "cpu", Loading(scheduler="DDIMScheduler"))
    assert type(pipeline.decoder_pipe.scheduler).__name__ == "DDIMScheduler"


def test_a_scheduler_that_does_not_fit_is_named(text):
    with pytest.raises(UserError, match=r"unknown scheduler of StableDiffusionPipeline 'EulerScheduler'; did you mean"):
        pipelines.load(text, "cpu", Loading(scheduler="EulerScheduler"))
    with pytest.raises(UserError, match="unknown scheduler of StableDiffusionPipeline 'FlowMatchEulerDiscrete"):
        pipelines.load(text, "cpu", Loading(scheduler="FlowMatchEulerDiscreteScheduler"))


def test_slicing_and_tiling(text, unconditional):
    vae = pipelines.load(text, "cpu", Loading(slicing=True, tiling=True)).vae
    assert (vae.use_slicing, vae.use_tiling) == (True, True)
    assert not pipelines.load(text, "cpu").vae.use_tiling
    with pytest.raises(UserError, match=r"render\.tiling=true: DDPMPipeline has no autoencoder that can do it"):
        pipelines.load(unconditional, "cpu", Loading(tiling=True))


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offload_needs_a_gpu(offload, text):
    with pytest.raises(UserError, match=rf"render\.offload={offload} moves parts off a GPU, and this machine has none"):
        pipelines.load(text, "cpu", Loading(offload=offload))


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offload_asks_diffusers(offload, text, monkeypatch):
    asked = []
    kind = diffusers.StableDiffusionPipeline
    monkeypatch.setattr(kind, f"enable_{offload}_cpu_offload", lambda self, device: asked.append((offload, device)))
    pipelines.load(text, "cuda:1", Loading(offload=offload))
    assert asked == [(offload, "cuda:1")]


@pytest.mark.gpu
@pytest.mark.parametrize("offload", ["none", "model", "sequential"])
def test_every_offload_makes_the_same_picture(offload, text):
    pipeline = pipelines.load(text, "cuda:0", Loading(offload=offload))
    made = pipeline("a street", num_inference_steps=2, height=32, width=32, output_type="np",
                    generator=torch.Generator().manual_seed(0)).images  # fmt: skip
    plain = pipelines.load(text, "cuda:0")("a street", num_inference_steps=2, height=32, width=32, output_type="np",
                                           generator=torch.Generator().manual_seed(0)).images  # fmt: skip
    assert abs(made - plain).max() < 1e-3
