"""The experiments that record what others published: figures with a source, data that fit, windows that are theirs."""

import csv
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pydantic import TypeAdapter

import stand_ins
from redqueen.files import configs
from redqueen.types import Reported
from redqueen.vocabulary import packaged

NAMES = [name for name in stand_ins.names("experiment") if name.startswith("reproduce-")]
SOURCE = re.compile(r"arXiv \d{4}\.\d{5}|https://")

every = pytest.mark.parametrize("name", NAMES)


def composed(name):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs()), version_base="1.3"):
        return compose("track", [f"experiment={name}"])


def reported(cfg):
    return TypeAdapter(list[Reported]).validate_python(OmegaConf.to_container(cfg.reported))


def windows(name):
    return instantiate(OmegaConf.load(configs() / "protocol" / f"{name}.yaml")).windows


def test_the_benchmarks_are_there():
    assert {"reproduce-genimage", "reproduce-universalfakedetect", "reproduce-ai-genbench"} <= set(NAMES)


@every
def test_every_published_figure_has_a_source_and_speaks_of_a_detector_that_is_run(name):
    cfg = composed(name)
    found = reported(cfg)
    assert found
    for one in found:
        assert SOURCE.search(one.source), one
        assert one.detector in cfg.detector
        assert one.metric.endswith("%")
        assert 50 < one.figure < 100
    assert len({(one.detector, one.metric) for one in found}) == len(found)


@every
def test_what_differs_from_the_published_setting_is_said(name):
    text = " ".join(composed(name).limits)
    assert "split here by group" in text or "photographs" in text


def test_genimage_has_a_window_for_each_generator_and_learns_from_stable_diffusion_1_4_alone():
    cfg = composed("reproduce-genimage")
    theirs = ("BigGAN", "ADM", "vq-diffusion", "glide", "Stable Diffusion 1.4", "Stable Diffusion 1.5",
              "wukong-huahua", "midjourney-v5")  # fmt: skip
    months = [packaged().resolve(name).released for name in theirs]
    assert [(one.start, one.end) for one in windows("genimage")] == [(month, month) for month in months]
    strategy, protocol = instantiate(cfg.strategy), instantiate(cfg.protocol)
    cutoff = next(window for window in protocol.windows if window.name == cfg.cutoff)
    assert strategy.windows(protocol.seen(cutoff)) == (packaged().resolve("Stable Diffusion 1.4").released,)
    assert strategy.start(protocol.seen(cutoff)) is None


@pytest.mark.parametrize(
    ("path", "generator", "label"),
    [
        ("train/progan/airplane/0_real/1.png", "progan", "0_real"),
        ("progan/tvmonitor/1_fake/a b.png", "progan", "1_fake"),
        ("diffusion_datasets/ldm_200_cfg/1_fake/7.png", "ldm_200_cfg", "1_fake"),
        ("guided/1_fake/7.png", "guided", "1_fake"),
        ("test/progan/0_real/7.png", "progan", "0_real"),
        ("notes/7.png", None, None),
    ],
)
def test_universalfakedetect_finds_both_halves_below_one_folder(path, generator, label):
    found = re.search(composed("reproduce-universalfakedetect").source.pattern, path)
    assert (found and found["generator"], found and found["label"]) == (generator, label)


def test_universalfakedetect_learns_from_progan_and_tests_on_every_diffusion_set():
    cfg = composed("reproduce-universalfakedetect")
    first, *others = windows("universalfakedetect")
    assert first.name == cfg.cutoff == packaged().resolve("progan").released
    sets = {packaged().resolve(name).released for name in cfg.source.rows.generators.values()}
    assert {window.start for window in others} == sets


def test_ai_genbench_has_nine_windows_of_its_generators():
    """The list of the sets' generators has the 36 in the order of their dates, and knows their months."""
    with (Path(__file__).parent / "data" / "set_generators.csv").open() as file:
        rows = [row for row in csv.reader(file) if row[0] == "AI-GenBench"]
    cfg = composed("reproduce-ai-genbench")
    ours = cfg.parts.generated.rows.generators
    slugs = [packaged().resolve(ours.get(name, name)).name for _, name, _ in rows]
    protocol = instantiate(cfg.protocol)
    assert [window.generators for window in protocol.windows] == [tuple(slugs[n : n + 4]) for n in range(0, 36, 4)]
    assert [protocol.released[slug][:7] for slug in slugs] == [month for _, _, month in rows]
    assert instantiate(cfg.strategy).name == "warm_start"
