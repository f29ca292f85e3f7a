import pytest
import yaml
from omegaconf import OmegaConf

import stand_ins
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.detect.worker import Setup, Worker
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training.checkpoint import save


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """76 pictures of 32 pixels in two windows."""
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def record(corpus):
    """Of a checkpoint of a small detector."""
    return {
        "detector": "npr",
        "corpus": "stand-in",
        "corpus_digest": corpus.digest,
        "treatment": {"name": "Normalise", "size": stand_ins.SIDE, "quality": 90, "smallest": None},
        "trained_up_to": "2026-01",
        "newest_release_allowed": "2026-01",
        "windows": ["2026-01"],
        "labels": "true",
        "seed": 0,
        "threshold": 0.25,
        "temperature": 1.5,
        "fitted_on": {"split": "val", "pictures": 20, "generated": 10, "rows": "0" * 64},
    }


@pytest.fixture(scope="session")
def checkpoint(record, tmp_path_factory):
    """Its folder."""
    node = OmegaConf.to_container(stand_ins.node("npr"), resolve=True)
    folder = tmp_path_factory.mktemp("store") / "npr-2026-01"
    return save(folder, stand_ins.detector("npr"), yaml.safe_dump(node), record).folder


@pytest.fixture(scope="session")
def worker(checkpoint):
    """A process that judges pictures by it, with heat maps."""
    setup = Setup(checkpoint, None, Suite("none", 1, {CLEAN: []}), [], close=1.0, heat=True)
    with Worker(setup, Bounds(seconds=30)) as process:
        yield process
