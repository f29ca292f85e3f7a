"""A pipeline's fingerprint changes with whatever would change its pictures, and with nothing else."""

import json

import torch
from diffusers import DDIMPipeline

import stand_ins
from redqueen.files import digest_file
from redqueen.generation import pipelines


def test_fingerprint_follows_the_weights(tmp_path):
    first, again, other = (
        stand_ins.generator_weights(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert pipelines.fingerprint(str(first)) == pipelines.fingerprint(str(again))
    assert pipelines.fingerprint(str(first)) != pipelines.fingerprint(str(other))


def test_fingerprint_follows_the_scheduler_and_not_the_record(tmp_path):
    folder = stand_ins.generator_weights(tmp_path)
    before = pipelines.fingerprint(str(folder))
    (folder / "record.json").write_text('{"note": 1}')
    assert pipelines.fingerprint(str(folder)) == before
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text().replace("linear", "squaredcos_cap_v2"))
    assert pipelines.fingerprint(str(folder)) != before


def test_record_is_what_training_wrote(tmp_path):
    folder = stand_ins.generator_weights(tmp_path, training_groups=["wheels/cat"])
    assert pipelines.record(str(folder)) == {"training_groups": ["wheels/cat"]}
    (folder / "record.json").unlink()
    assert pipelines.record(str(folder)) == {}


def test_load_gives_float32_with_the_saved_weights(tmp_path):
    folder = stand_ins.generator_weights(tmp_path)
    pipeline = pipelines.load(str(folder), "cpu")
    assert isinstance(pipeline, DDIMPipeline)
    assert {p.dtype for p in pipeline.unet.parameters()} == {torch.float32}
    assert json.loads((folder / "model_index.json").read_text())["_class_name"] == "DDIMPipeline"
    assert len(digest_file(folder / "model_index.json")) == 64
