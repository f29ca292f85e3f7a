"""What every run folder says of itself: the resolved settings and what it was made with."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from redqueen.environment import environment
from redqueen.files import write_json, write_text


def record(cfg: DictConfig, folder: Path) -> None:
    """Write `config.yaml` (resolved, so that it can be run again) and `environment.json`."""
    write_text(folder / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
    write_json(folder / "environment.json", environment())
