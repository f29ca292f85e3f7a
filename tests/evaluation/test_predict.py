"""The prediction table: its columns, what it says of its origin, and what it refuses."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy.special import expit

import stand_ins
from redqueen.corpus.store import Corpus
from redqueen.detectors import one_pass
from redqueen.detectors.inference import Judge, Pictures, fill
from redqueen.errors import DigestError, RejectedPictureError, UserError
from redqueen.evaluation import predict as predictions
from redqueen.evaluation.evaluate import Scored
from redqueen.evaluation.predict import SCHEMA
from redqueen.perturbations.functional import jpeg
from redqueen.perturbations.suite import CLEAN, Suite

SUITE = Suite("two", 1, {CLEAN: [], "rough": [lambda pixels, rng: jpeg(pixels, rng, quality=10)]})
MADE_FROM = {"checkpoint": "c" * 64, "suite": SUITE.label}


def predict(detector, corpus, cache, temperature=1.0, identity="x", suite=SUITE):
    """The whole table of one detector."""
    pictures = Pictures.of_split(corpus, "test", suite, cache)
    return pa.concat_tables(predictions.tables(Judge(detector, identity), pictures, temperature))


@pytest.fixture
def table(corpus, tmp_path):
    return predict(stand_ins.detector("npr"), corpus, tmp_path / "cache")


@pytest.fixture
def written(corpus, table, tmp_path):
    predictions.write(tmp_path / "p.parquet", [table], {**MADE_FROM, "corpus_digest": corpus.digest})
    return tmp_path / "p.parquet"


def test_one_row_for_each_test_picture_and_view(corpus, table):
    test = corpus.column("image_id")[corpus.column("split") == "test"]
    assert table.schema.equals(SCHEMA)
    assert SCHEMA.names == ["image_id", "view", "logit", "probability", "status"]
    assert list(zip(table["view"].to_pylist(), table["image_id"].to_pylist(), strict=True)) == [
        (view, one) for view in SUITE.views for one in sorted(test)
    ]
    assert set(table["status"].to_pylist()) == {"ok"}


def test_probability_is_the_sigmoid_of_the_logit(table):
    np.testing.assert_allclose(table["probability"], expit(table["logit"].to_numpy()), rtol=1e-6)


def test_huge_logits_have_probabilities_and_raise_no_warning(corpus, tmp_path):
    detector = stand_ins.detector("npr")
    detector.head.bias.data[:] = -1e4
    table = predict(detector, corpus, tmp_path)
    assert set(table["probability"].to_pylist()) == {0.0}


def test_a_picture_that_fails_has_nulls_and_says_so(corpus, tmp_path, monkeypatch):
    bad = int(np.flatnonzero(corpus.column("split") == "test")[3])
    original = Corpus.pixels

    def pixels(self, row):
        if row == bad:
            raise RejectedPictureError("broken")
        return original(self, row)

    monkeypatch.setattr(Corpus, "pixels", pixels)
    rows = predict(stand_ins.detector("npr"), corpus, tmp_path).to_pylist()
    failed = [row for row in rows if row["status"] == "failed"]
    bad_id = corpus.column("image_id")[bad]
    assert failed == [
        {"image_id": bad_id, "view": view, "logit": None, "probability": None, "status": "failed"}
        for view in SUITE.views
    ]


@pytest.mark.parametrize("logit", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_is_a_failure_and_ends_the_evaluation_in_one_line(logit, corpus, tmp_path):
    """As of a network whose training diverged: of all pictures, or of some."""
    detector = stand_ins.detector("npr")
    detector.head.bias.data[:] = logit
    table = predict(detector, corpus, tmp_path)
    assert set(table["status"].to_pylist()) == {"failed"}
    assert table["logit"].null_count == table["probability"].null_count == len(table)
    ids = corpus.column("image_id")[corpus.column("split") == "test"]
    with pytest.raises(UserError, match=rf"view 'clean': {len(ids)} pictures have no score, first") as told:
        Scored.of(stand_ins.WINDOWS[0], table, list(ids), 0.0, SUITE.views)
    assert "\n" not in str(told.value)


def test_file_says_what_it_was_made_from(corpus, table, written):
    meta = json.loads(pq.read_schema(written).metadata[b"redqueen"])
    assert meta == {**MADE_FROM, "corpus_digest": corpus.digest}
    found, made_from = predictions.read(written, corpus.digest)
    assert found.to_pylist() == table.to_pylist()
    assert made_from == meta


def test_same_predictions_same_bytes(corpus, table, written, tmp_path):
    predictions.write(tmp_path / "again.parquet", [table], {"corpus_digest": corpus.digest, **MADE_FROM})
    assert (tmp_path / "again.parquet").read_bytes() == written.read_bytes()


def test_another_corpus_is_refused_with_both_digests(written, corpus):
    with pytest.raises(DigestError, match=rf"made on corpus {corpus.digest[:12]}, not on bbbbbbbbbbbb: predict again"):
        predictions.read(written, "b" * 64)


@pytest.mark.parametrize("content", [b"", b"no parquet", None])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "p.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as predictions") as caught:
        predictions.read(path, "a" * 64)
    assert "\n" not in str(caught.value)


def test_a_table_without_origin_is_refused(tmp_path):
    pq.write_table(pa.table({"image_id": ["a"]}), tmp_path / "p.parquet")
    with pytest.raises(UserError, match="no record of what it was made from"):
        predictions.read(tmp_path / "p.parquet", "a" * 64)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_divides_the_logit_in_the_probability_alone(temperature, corpus, table, tmp_path):
    found = predict(stand_ins.detector("npr"), corpus, tmp_path / "cache", temperature)
    assert found["logit"].equals(table["logit"])
    np.testing.assert_allclose(found["probability"], expit(table["logit"].to_numpy() / temperature), rtol=1e-5)


class Backwards(stand_ins.Pictures):
    """The same pictures in the opposite order."""

    def pictures(self):
        return reversed(list(super().pictures()))


@pytest.fixture
def files(tmp_path):
    """The bytes of the prediction files of three judges over one corpus, computed in a folder of a name."""
    judges = [Judge(stand_ins.detector(name), name) for name in ("npr", "spectral", "metadata_probe")]

    def made(of, name):
        pictures = Pictures.of_split(of, "test", SUITE, tmp_path / name)
        fill(judges, pictures)
        for judge in judges:
            predictions.write(tmp_path / name / judge.identity, predictions.tables(judge, pictures), MADE_FROM)
        return {judge.identity: (tmp_path / name / judge.identity).read_bytes() for judge in judges}

    return made


@pytest.mark.parametrize("parts", [0, 1, 7])
def test_one_that_was_killed_goes_on_to_the_same_file(parts, corpus, files, tmp_path, monkeypatch):
    whole = files(corpus, "whole")
    monkeypatch.setattr(one_pass, "CHUNK", 7)
    left, write = [parts], one_pass.write_bytes

    def dying(path, data):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(one_pass, "write_bytes", dying)
        with pytest.raises(KeyboardInterrupt):
            files(corpus, "killed")
    assert len(list((tmp_path / "killed").rglob("*.npy"))) == parts
    assert files(corpus, "killed") == whole


def test_parts_threads_and_the_order_of_the_corpus_leave_no_trace_in_the_file(corpus, files, tmp_path, monkeypatch):
    first = files(corpus, "first")
    turned = stand_ins.corpus(tmp_path / "turned", Backwards())
    assert turned.digest == corpus.digest
    assert list(turned.column("image_id")) != list(corpus.column("image_id"))
    monkeypatch.setattr(one_pass, "CHUNK", 7)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert files(turned, "turned") == first
