"""`redqueen generate` from the command line: shards, modes, prompts, signatures, and what is refused."""

import csv
import os
import textwrap

import pytest
from PIL import Image

import tiny_pipelines
from redqueen.cli import main

pytestmark = pytest.mark.filterwarnings(r"ignore::Warning:diffusers\..*")

PHOTOGRAPHS = ("source.collages=0", "source.drawings=0")
CALLS = {
    "DDPMPipeline": "{num_inference_steps: 2}",
    "StableDiffusionPipeline": "{num_inference_steps: 2, height: 32, width: 32}",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A folder of settings with two tiny generators."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "generator").mkdir()
    for name, kind in (("tiny-noise", "DDPMPipeline"), ("tiny-text", "StableDiffusionPipeline")):
        weights = tiny_pipelines.save(kind, folder / name)
        text = textwrap.dedent(f"""\
            # @package generator.{name}
            _target_: redqueen.types.Generator
            name: {name}
            released: "2026-01"
            family: tiny
            developer: tests
            country: XX
            date_source: made up
            nominal: true
            licence: CC0-1.0
            pipeline: {kind}
            weights: {weights}
            resolution: 32
            call: {CALLS[kind]}
            """)
        (folder / "generator" / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
def generate(settings, tmp_path, monkeypatch, capfd):
    """Runs the task in a folder of its own; returns the exit code and what was said."""
    monkeypatch.chdir(tmp_path)

    def run(*words, task="generate"):
        code = main([task, "--config-dir", str(settings), *words])
        return code, capfd.readouterr().err

    return run


def folder_of(name, tmp_path):
    (found,) = (tmp_path / "runs" / "store" / "generated").glob(f"{name}-*")
    return found


def rows(folder):
    with (folder / "metadata.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_renders_and_says_where(generate, tmp_path):
    code, said = generate("generator=[tiny-noise,tiny-text]", "n=3")
    assert code == 0
    for name in ("tiny-noise", "tiny-text"):
        folder = folder_of(name, tmp_path)
        assert f"{name}: {folder.relative_to(tmp_path)}" in said.replace("\n", "")
        assert len(rows(folder)) == 3
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert generate("generator=[tiny-noise,tiny-text]", "n=3")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_pictures_from_text_show_the_prompts_of_the_grammar(generate, tmp_path):
    assert generate("generator=[tiny-text]", "n=4", "+render.per_prompt=2")[0] == 0
    found = rows(folder_of("tiny-text", tmp_path))
    assert len({row["prompt_id"] for row in found}) == 2
    assert {row["linked"] for row in found} == {f"prompt/{row['prompt_id']}" for row in found}
    assert all(row["topic"] and row["prompt"] for row in found)


def test_shards_are_joined_by_whoever_is_last(generate, tmp_path):
    words = ("generator=[tiny-noise]", "n=6", "render.batch_size=2")
    code, said = generate(*words, "shard=2/3")
    assert code == 0
    assert "(shard 2/3 is done; 4 pictures of other shards are missing)" in said.replace("\n", " ")
    assert generate(*words, "shard=3/3")[0] == 0
    folder = folder_of("tiny-noise", tmp_path)
    assert not (folder / "stage.json").exists()
    assert generate(*words, "shard=1/3")[0] == 0
    assert (folder / "stage.json").exists()
    assert len(rows(folder)) == 6


def test_ranks_of_torchrun_are_shards(generate, tmp_path, monkeypatch):
    words = ("generator=[tiny-noise]", "n=4", "render.batch_size=1")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert generate(*words)[0] == 0
    assert len(rows(folder_of("tiny-noise", tmp_path))) == 4


def test_other_tasks_wait_for_all_shards(generate, tmp_path):
    words = ("generator=[tiny-noise]", "render.n=4", "render.batch_size=1", "render.shard=1/2")
    code, said = generate(*words, "normalise.size=32", task="train")
    assert code == 2
    assert "2 pictures of tiny-noise are missing: wait for the other shards" in said


def test_photographs_of_the_source_are_reconstructed(generate, tmp_path):
    pytest.importorskip("skimage")
    words = ("generator=[tiny-text]", "n=5", "render.mode=reconstruction", "source.crops=2", *PHOTOGRAPHS)
    assert generate(*words)[0] == 0
    folder = folder_of("tiny-text", tmp_path)
    found = rows(folder)
    assert len(found) == 5
    assert all(row["linked"].startswith("wheels/") and not row["prompt_id"] for row in found)
    for row in found:
        with Image.open(folder / row["file_name"]) as picture:
            assert picture.size == (64, 64)


def test_pictures_start_from_photographs_and_prompts(generate, tmp_path):
    pytest.importorskip("skimage")
    words = ("generator=[tiny-text]", "n=3", "render.mode=image", "render.strength=0.6", "source.crops=2", *PHOTOGRAPHS)
    assert generate(*words)[0] == 0
    found = rows(folder_of("tiny-text", tmp_path))
    assert all(row["linked"].startswith("wheels/") and f";prompt/{row['prompt_id']}" in row["linked"] for row in found)


REFUSED = [
    (["generator=[]"], "no generator chosen"),
    (["generator=[tiny-noise]", "shard=4/3"], "render.shard=4/3: give INDEX/COUNT"),
    (["generator=[tiny-noise]", "n=0"], "n=0: input should be greater than or equal to 1"),
    (["generator=[tiny-noise]", "render.mode=video"], "render.mode=video: input should be"),
    (["generator=[tiny-noise]", "render.dtype=int8"], "render.dtype=int8: input should be"),
    (["generator=[tiny-noise]", "render.strength=0"], "render.strength=0: input should be greater than 0"),
    (["generator=[tiny-noise]", "render.offload=model"], "render.offload=model moves parts off a GPU"),
    (["generator=[tiny-noise]", "render.tiling=true"], "DDPMPipeline has no autoencoder that can do it"),
    (["generator=[tiny-noise]", "render.mode=reconstruction"], "generator 'tiny-noise' has no autoencoder"),
    (["generator=[tiny-noise]", "render.scheduler=DDIMSchedule"], "did you mean 'DDIMScheduler'"),
    (["generator=[tiny-noise]", "render.certificate=a.pem"], "signing needs both"),
    (["generator=[tiny-noise]", "render.offlod=model"], "offlod"),
    (["generator=[flux-1-dev]"], "hub:black-forest-labs/FLUX.1-dev: the Hub is switched off by HF_HUB_OFFLINE"),
    (["generator=[midjourney-v6]"], "generator 'midjourney-v6' has no pipeline"),
    (["generator=[tiny-noise]", "generator.tiny-noise.pipeline=DDPMPipline"], "did you mean 'DDPMPipeline'"),
    (["generator=[tiny-noise]", "generator.tiny-noise.pipeline=FluxPipeline"], "FluxPipeline needs"),
]


@pytest.mark.skipif(os.environ.get("HF_HUB_OFFLINE") != "1", reason="asks the Hub unless HF_HUB_OFFLINE=1")
@pytest.mark.parametrize(("words", "told"), REFUSED, ids=lambda value: value[-1] if isinstance(value, list) else None)
def test_what_cannot_be_done_is_one_line(words, told, generate):
    code, said = generate(*words)
    assert code == 2
    assert told in said
    assert said.startswith("redqueen: ")
    assert said.count("\n") == 1


def test_pictures_are_signed(generate, tmp_path):
    pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
    from signing_keys import make_keys

    make_keys(tmp_path)
    words = ("generator=[tiny-noise]", "n=2", "render.certificate=chain.pem", "render.key=key.pem")
    assert generate(*words)[0] == 0
    folder = folder_of("tiny-noise", tmp_path)
    assert all(b"jumb" in (folder / row["file_name"]).read_bytes() for row in rows(folder))
