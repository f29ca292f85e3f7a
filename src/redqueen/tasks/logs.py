"""Loggers: CSV or Weights & Biases, one run of the logger for each piece of work."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger, WandbLogger

from redqueen.types import Interval, Result


@contextmanager
def logger(cfg: DictConfig, folder: Path, name: str) -> Iterator[Logger]:
    """The logger that the settings choose, told the settings, and closed at the end so that the next one is its own."""
    made: Logger = instantiate(cfg.logger)(save_dir=str(folder / "logs"), name=name)
    made.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]  # a dict, as cfg is one
    try:
        yield made
    finally:
        made.finalize("success")
        if isinstance(made, WandbLogger):
            made.experiment.finish()


def log_results(cfg: DictConfig, found: Sequence[Result], folder: Path) -> None:
    """Log each detector's mean AUROC on the same and the next period, under each view, with its interval."""
    figures: dict[str, float] = {}
    for result in found:
        for period, means in (("same", result.same_period), ("next", result.next_period)):
            for mean in means:
                figures |= _figures(f"{result.detector}/{period}-period/{mean.view}", mean.auroc)
    with logger(cfg, folder, "results") as made:
        made.log_metrics(figures, step=0)


def _figures(name: str, interval: Interval) -> dict[str, float]:
    ends = {"auroc": interval.value, "auroc-low": interval.low, "auroc-high": interval.high}
    return {f"{name}/{end}": value for end, value in ends.items() if value is not None}
