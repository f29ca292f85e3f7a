"""Several processes share out the pictures of one pass: the same bytes as by one, whoever made which part."""

import numpy as np
import pytest

import stand_ins
import tiny_detectors
from redqueen.detectors import inference, one_pass, several
from redqueen.detectors.inference import Judge, Pictures
from redqueen.detectors.one_pass import Share
from redqueen.errors import UserError
from redqueen.perturbations.suite import CLEAN, Suite

SUITE = Suite("one", 1, {CLEAN: []})


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A corpus of two parts and a bit."""
    source = stand_ins.Pictures(photos=190, others=4, generated=40)
    return stand_ins.corpus(tmp_path_factory.mktemp("many"), source)


def pictures(corpus, cache):
    return Pictures(corpus, inference.in_order(corpus, np.arange(corpus.known.num_rows)), SUITE, cache)


def judges():
    return [Judge(stand_ins.detector(name), name) for name in ("npr", "dct")]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.npy"))}


@pytest.mark.slow  # two processes that load PyTorch
def test_two_processes_write_what_one_writes(many, tmp_path):
    inference.fill(judges(), pictures(many, tmp_path / "one"))
    inference.fill(judges(), pictures(many, tmp_path / "two"), processes=2)
    assert len(files(tmp_path / "one")) >= 4
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_no_process_is_started_for_what_is_there(many, tmp_path, monkeypatch):
    inference.fill(judges(), pictures(many, tmp_path))
    started = []
    monkeypatch.setattr(several, "spawn", lambda *_, nprocs: started.append(nprocs))
    inference.fill(judges(), pictures(many, tmp_path), processes=2)
    assert not started
    inference.fill(judges(), pictures(many, tmp_path / "elsewhere"), processes=2)
    assert started == [2]


def test_shares_are_all_parts_and_none_twice(many, tmp_path):
    rows = pictures(many, tmp_path).rows
    column = one_pass.Column(stand_ins.detector("dct"), rows, CLEAN, tmp_path / "c", "dct")
    made = []
    for rank in range(3):
        one_pass.fill([column], many, SUITE, Share(rank, 3))
        made.append(set(files(tmp_path)) - set().union(*made))
    assert all(made)
    assert sum(map(len, made)) == -(-len(rows) // one_pass.CHUNK)


@pytest.mark.slow  # as above
def test_what_a_process_cannot_do_is_told_in_one_line(many, tmp_path):
    detector = stand_ins.detector("npr")
    detector.prepare = tiny_detectors.refuse
    with pytest.raises(UserError, match="this picture is refused"):
        inference.fill([Judge(detector, "npr")], pictures(many, tmp_path), processes=2)
