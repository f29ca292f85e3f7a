"""Each logger writes what can be read back: settings, figures, pictures, and the checkpoint as an artefact."""

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from PIL import Image

import stand_ins
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.report.training import Validation
from redqueen.tasks.logs import log_training, logger
from redqueen.training.checkpoint import save

NAME = "spectral-2026-01"
FILES = ["roc.png", "worst-errors.png"]


def composed(choice):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs()), version_base="1.3"):
        return compose("train", [f"logger={choice}", "seed=17"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def found(corpus):
    rows = corpus.rows("val", ["2026-01"])
    labels = corpus.column("label")[rows].astype(np.int64)
    return Validation(corpus, rows, labels, np.linspace(-1, 1, len(rows), dtype=np.float32), 0.0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    record = {"detector": "spectral", "corpus_digest": "0" * 64, "threshold": 0.0}
    return save(tmp_path_factory.mktemp("checkpoint"), stand_ins.detector("spectral"), "_target_: x\n", record)


def logged(choice, folder, found, checkpoint):
    """What `train` does: losses while it trains, the rest at the end; the logger."""
    with logger(composed(choice), folder, NAME) as made:
        for step in (0, 20, 40):
            made.log_metrics({"train/loss": 1 / (1 + step)}, step=step)
        log_training(made, found, checkpoint, folder, NAME)
    return made


def pictures(folder):
    for path in sorted((folder / "logs" / NAME).glob("*.png")):
        with Image.open(path) as picture:
            picture.verify()
        yield path.name


def test_csv_has_settings_figures_and_pictures_as_files(tmp_path, found, checkpoint):
    made = logged("csv", tmp_path, found, checkpoint)
    assert list(pictures(tmp_path)) == ["curves.png", *FILES]
    (table,) = (tmp_path / "logs" / NAME).rglob("metrics.csv")
    text = table.read_text()
    assert "train/loss" in text
    assert str(found.figures()["final/auroc"])[:6] in text
    assert OmegaConf.load(f"{made.log_dir}/hparams.yaml").seed == 17


def test_curves_go_on_over_a_resumed_run(tmp_path, found, checkpoint):
    from redqueen.tasks import logs

    for step in (0, 20):
        with logger(composed("csv"), tmp_path, NAME) as made:
            made.log_metrics({"train/loss": float(step)}, step=step)
    assert logs._series(tmp_path / "logs" / NAME) == {"train/loss": [(0, 0.0), (20, 20.0)]}


def test_a_closed_form_has_no_curves(tmp_path, found, checkpoint):
    with logger(composed("csv"), tmp_path, NAME) as made:
        log_training(made, found, checkpoint, tmp_path, NAME)
    assert list(pictures(tmp_path)) == FILES


def test_tensorboard_events_are_read_back(tmp_path, found, checkpoint):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    made = logged("tensorboard", tmp_path, found, checkpoint)
    events = EventAccumulator(made.log_dir)
    events.Reload()
    losses = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert losses == [(step, pytest.approx(1 / (1 + step))) for step in (0, 20, 40)]
    assert events.Scalars("final/auroc")[0].value == pytest.approx(found.figures()["final/auroc"])
    assert sorted(events.Tags()["images"]) == ["val/roc", "val/worst-errors"]
    with Image.open(tmp_path / "logs" / NAME / "roc.png") as picture:
        assert (events.Images("val/roc")[0].width, events.Images("val/roc")[0].height) == picture.size
    assert OmegaConf.load(f"{made.log_dir}/hparams.yaml").seed == 17
    assert list(pictures(tmp_path)) == FILES


def test_tensorboard_that_is_not_installed_is_said_in_one_line(tmp_path, monkeypatch):
    for name in ("_TENSORBOARD_AVAILABLE", "_TENSORBOARDX_AVAILABLE"):
        monkeypatch.setattr(f"lightning_fabric.loggers.tensorboard.{name}", False)
    with (
        pytest.raises(UserError, match=r"pip install 'redqueen\[tensorboard\]'"),
        logger(composed("tensorboard"), tmp_path, NAME),
    ):
        pass


def test_none_writes_nothing(tmp_path, found, checkpoint):
    logged("none", tmp_path, found, checkpoint)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def offline(tmp_path_factory, found, checkpoint):
    """The folder of an offline run of Weights & Biases."""
    folder = tmp_path_factory.mktemp("wandb")
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("redqueen.tasks.logs.may_be_passed_on", lambda licence: asked.append(licence) is None)
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        logged("wandb", folder, found, checkpoint)
    assert set(asked) == {"CC0-1.0"}, "pictures leave this machine only if their licence allows it"
    return folder


def test_wandb_offline_writes_a_run(offline):
    assert list(pictures(offline)) == FILES
    (run,) = (offline / "logs").glob("wandb/offline-run-*")
    (file,) = run.glob("*.wandb")
    data = file.read_bytes()
    for text in (b"train/loss", b"final/auroc", b"val/roc", NAME.encode(), b"model.safetensors", b"record.json"):
        assert text in data, text


def test_a_run_that_failed_is_closed_as_failed(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("pytorch_lightning.loggers.CSVLogger.finalize", lambda self, status: seen.append(status))
    with pytest.raises(RuntimeError, match="broken"), logger(composed("csv"), tmp_path, NAME):
        raise RuntimeError("broken")
    with logger(composed("csv"), tmp_path, NAME):
        pass
    assert seen == ["failed", "success"]
