"""The two controls see what they claim to see and nothing more."""

import copy

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import roc_auc_score

import stand_ins
from redqueen.corpus.audit import metadata_features
from redqueen.detectors import inference
from redqueen.detectors.constant import Constant
from redqueen.detectors.metadata_probe import METADATA_WIDTH, MetadataProbe
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training.fit import fit
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows

SUITE = Suite("none", 1, {CLEAN: []})


def scores(detector, corpus, folder):
    rows = np.flatnonzero(corpus.column("split") == "test")
    return inference.logits(inference.Judge(detector, "x"), inference.Pictures(corpus, rows, SUITE, folder), CLEAN)


def test_constant_guesses(corpus, tmp_path):
    detector = Constant()
    rows = Rows.choose(corpus, ("2026-01",), shuffled=False, seed=0)
    fit(detector, rows, Recipe(), 0, tmp_path / "work", tmp_path / "cache")
    found = scores(detector, corpus, tmp_path / "cache")
    truth = corpus.column("label")[corpus.column("split") == "test"]
    assert set(found) == {found[0]}
    assert roc_auc_score(truth, found) == 0.5
    rate = np.mean(rows.train_labels)
    assert found[0] == pytest.approx(np.log(rate / (1 - rate)), abs=1e-3)


@pytest.fixture
def probe():
    detector = MetadataProbe()
    detector.head.weight.data += torch.arange(1.0, detector.width + 1)
    return detector.eval()


def test_metadata_probe_never_sees_a_pixel(probe, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(type(corpus), "encoded", lambda *_: pytest.fail("a picture was read"))
    assert len(scores(probe, corpus, tmp_path)) == 23


@pytest.mark.parametrize(
    ("column", "value"), [("quality", 40), ("width", 50), ("height", 50), ("format", "PNG"), ("resample_factor", 3.0)]
)
def test_metadata_probe_sees_every_column_of_metadata(probe, corpus, tmp_path, column, value):
    other = changed(corpus, column, value)
    before, after = scores(probe, corpus, tmp_path), scores(probe, other, tmp_path)
    assert (before != after).all()  # from one cache: the corpus digest leaves these columns out, its key does not
    assert (scores(probe, corpus, tmp_path) == before).all()


def changed(corpus, column, value):
    """The same corpus with one value in a column of metadata."""
    table = corpus.metadata
    place = table.schema.get_field_index(column)
    values = pa.array([value] * len(table), table.schema[place].type)
    other = copy.copy(corpus)
    other.__dict__["metadata"] = table.set_column(place, table.schema.field(place), values)
    assert other.digest == corpus.digest
    return other


def test_metadata_probe_is_a_quadratic(corpus):
    row = np.arange(1.0, METADATA_WIDTH + 1, dtype=np.float32)
    probe = MetadataProbe()
    found = probe.features(probe.prepare(row)[None])[0].tolist()
    products = [row[i] * row[j] for i in range(METADATA_WIDTH) for j in range(i, METADATA_WIDTH)]
    assert found == [*row.tolist(), *products]
    assert metadata_features(corpus.table).shape[1] == METADATA_WIDTH


def test_stand_ins_tell_classes_apart_by_pixels_alone(corpus):
    """Else the suites that use them would prove nothing."""
    assert not corpus.audit.biased
    assert len(np.unique(metadata_features(corpus.table), axis=0)) == 1
    assert stand_ins.SIDE == 32
