"""What every run folder says of itself: the resolved settings and what it was made with."""

import datetime
import json
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from redqueen.environment import environment, hardware, system
from redqueen.files import write_json, write_text
from redqueen.training.recipe import Recipe

PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed"}  # of scores, as Lightning spells it


def record(cfg: DictConfig, folder: Path) -> None:
    """Write `config.yaml` (resolved, so that it can be run again), `environment.json`, and what it was trained on."""
    settings = OmegaConf.to_yaml(cfg, resolve=True)
    date = _begun(folder, settings)
    write_text(folder / "config.yaml", settings)
    write_json(folder / "environment.json", {**environment(), **system(), "date": date})
    if "trainer" in cfg:
        batch = cfg.recipe.get("batch_size", Recipe.batch_size)
        chosen = {"precision": PRECISIONS[cfg.predict_in], "batch_size": batch}
        write_json(folder / "hardware.json", {**hardware(), **chosen})


def _begun(folder: Path, settings: str) -> str:
    """The day on which a run with these settings began in this folder: today, unless it goes on."""
    try:
        same = (folder / "config.yaml").read_text() == settings
        date = str(json.loads((folder / "environment.json").read_text())["date"])
    except (OSError, ValueError, KeyError):
        same = False
    return date if same else datetime.datetime.now(datetime.UTC).date().isoformat()
