"""Loggers: CSV, TensorBoard or Weights & Biases, one run of the logger for each piece of work.

What is looked at after training (ROC, worst errors, curves) lies as files beside the logs, whatever the logger; the
two that can show pictures get it too. Pictures go to Weights & Biases only where their licence lets them be passed on.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from pytorch_lightning.loggers.logger import DummyLogger
from pytorch_lightning.utilities import rank_zero_only

from redqueen.corpus.push import may_be_passed_on
from redqueen.errors import UserError
from redqueen.files import write_bytes
from redqueen.report.canvas import to_png
from redqueen.report.contact_sheet import Sheet, png
from redqueen.report.training import Validation, curves, roc, worst_errors
from redqueen.training.checkpoint import MODEL, NODE, RECORD, Checkpoint
from redqueen.types import Interval, Result


class NoLogger(DummyLogger):
    """Logs nothing and writes nothing.

    Args:
        save_dir: not used.
        name: not used.
    """

    def __init__(self, save_dir: str, name: str) -> None:  # noqa: ARG002
        super().__init__()


@contextmanager
def logger(cfg: DictConfig, folder: Path, name: str) -> Iterator[Logger]:
    """The logger that the settings choose, told the settings, and closed at the end so that the next one is its own."""
    try:
        made: Logger = instantiate(cfg.logger)(save_dir=str(folder / "logs"), name=name)
    except ModuleNotFoundError:
        raise UserError("logger=tensorboard needs one more package: pip install 'redqueen[tensorboard]'") from None
    made.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]  # a dict, as cfg is one
    status = "failed"
    try:
        yield made
        status = "success"
    finally:
        made.finalize(status)
        if isinstance(made, WandbLogger):
            made.experiment.finish(exit_code=int(status == "failed"))


@rank_zero_only
def log_training(made: Logger, found: Validation, checkpoint: Checkpoint, folder: Path, name: str) -> None:
    """Log what came of one training: figures on validation, ROC, worst errors, curves, the checkpoint.

    Args:
        made: from `logger`, still open.
        found: the validation pictures with their logits.
        checkpoint: finished.
        folder: of the run; files go to `logs/NAME` in it.
        name: what `logger` was given.
    """
    if isinstance(made, NoLogger):
        return
    made.log_metrics(found.figures(), step=0)
    made.save()
    place = folder / "logs" / name
    write_bytes(place / "roc.png", to_png(roc(found, name)))
    _save_errors(found, place, name)
    if isinstance(made, CSVLogger):
        _save_curves(place, name)
    elif isinstance(made, TensorBoardLogger):
        for file in ("roc", "worst-errors"):
            pixels = np.asarray(Image.open(place / f"{file}.png").convert("RGB"))
            made.experiment.add_image(f"val/{file}", pixels, dataformats="HWC")
    elif isinstance(made, WandbLogger):
        _to_wandb(made, found, checkpoint, place, name)


def _save_errors(found: Validation, place: Path, name: str) -> None:
    (page,) = Sheet().pages(found.corpus, worst_errors(found), f"error of {name}")
    write_bytes(place / "worst-errors.png", png(page))


def _save_curves(place: Path, name: str) -> None:
    series = {key: points for key, points in _series(place).items() if not key.startswith("final/")}
    if series:  # none where a head has a closed form
        write_bytes(place / "curves.png", to_png(curves(series, name)))


def _to_wandb(made: WandbLogger, found: Validation, checkpoint: Checkpoint, place: Path, name: str) -> None:
    import wandb  # noqa: PLC0415  (slow, and chosen by few)

    (page,) = Sheet().pages(found.corpus, worst_errors(found, may_be_passed_on), f"error of {name}")
    made.log_image("val/roc", [Image.open(place / "roc.png")])
    made.log_image("val/worst-errors", [page])
    artifact = wandb.Artifact(name, type="model", metadata=json.loads((checkpoint.folder / RECORD).read_text()))
    for file in (MODEL, NODE, RECORD):
        artifact.add_file(str(checkpoint.folder / file))
    made.experiment.log_artifact(artifact)


def _series(place: Path) -> dict[str, list[tuple[int, float]]]:
    """Every figure that the CSV logger wrote, of all versions: a resumed run writes a new one."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for path in sorted(place.glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name[8:])):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                step = int(row["step"] or 0)
                for key in row.keys() - {"step", "epoch"}:
                    if row[key]:
                        found[key][step] = float(row[key])
    return {key: sorted(points.items()) for key, points in found.items()}


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
