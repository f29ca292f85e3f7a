"""`redqueen train detector=X experiment=field-smoke` for every detector, on an imitation of field and small."""

import csv
import json
from collections.abc import Iterator
from typing import Any

import pytest
from omegaconf import OmegaConf

import stand_ins
from redqueen.cli import main
from redqueen.files import configs

pytestmark = [pytest.mark.slow]

SIDE = 64
COUNT = 10 * 24  # the experiment takes every tenth picture
COLUMNS = ("file_name", "kind", "generator", "released", "group_id", "source", "licence", "resample_factor")


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Noise and up-sampled noise under field's columns, all generated ones of the experiment's cutoff."""
    folder = tmp_path_factory.mktemp("field")
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for number in range(2 * COUNT):
            made = number // 10 % 2 == 1  # both kinds are among every tenth
            draw = stand_ins.generated_pixels if made else stand_ins.human_pixels
            name = f"images/{number:04d}.png"
            (folder / name).write_bytes(stand_ins.png(draw(number, SIDE)))
            kind = ("generated", "made-up", "2024-03") if made else ("photo", "", "")
            table.writerow((name, *kind, f"group-{number}", "made up", "CC0-1.0", "1.0"))
    return folder


def settings(small: Any, usual: Any, where: str) -> Iterator[str]:
    """What differs in a node from its YAML, as words of the command line."""
    for key, value in small.items():
        before = usual.get(key)
        if isinstance(value, dict):
            yield from settings(value, before or {}, f"{where}.{key}")
        elif value != before:
            yield f"++{where}.{key}={json.dumps(value)}"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", stand_ins.names("detector"))
def test_every_detector_trains(name, field, tmp_path_factory, monkeypatch):
    folder = field.parent / "smoke"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    usual = OmegaConf.to_container(OmegaConf.load(configs() / "detector" / f"{name}.yaml"))
    small = OmegaConf.to_container(stand_ins.node(name))
    words = ["experiment=field-smoke", f"detector=[{name}]", f"source.path={field}", f"normalise.size={SIDE}"]
    words += [*settings(small, usual, f"detector.{name}"), "trainer=cpu", "recipe.steps=2", "recipe.steps_a_block=1"]
    words += ["logger=none"]  # what each training draws, `test_logs` looks at
    assert main(["train", *words]) == 0
    (path,) = folder.glob(f"runs/store/checkpoint/{name}-2024-01..2024-06-*/record.json")
    record = json.loads(path.read_text())
    assert record["generators"] == ["made-up"]
    assert record["pictures"]["train"] > 10
    assert (path.parent / "model.safetensors").is_file()


def test_the_experiment_is_a_small_part_of_field():
    cfg = OmegaConf.load(configs() / "experiment" / "field-smoke.yaml")
    assert "baseline" not in cfg, "every tenth picture, as baseline=sample has it"
    assert cfg.recipe.steps <= 10
