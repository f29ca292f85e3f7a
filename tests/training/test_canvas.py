"""Decoded pictures are those of the corpus, whoever reads them, and whatever was killed while they were decoded."""

import pickle

import numpy as np
import pytest

import stand_ins
from redqueen.corpus.store import Corpus
from redqueen.errors import RejectedPictureError
from redqueen.training import canvas as module
from redqueen.training.canvas import Canvas

PART = 5 * 3 * stand_ins.SIDE**2  # five pictures


@pytest.fixture
def every(corpus):
    return np.arange(corpus.known.num_rows)


@pytest.fixture
def filled(corpus, tmp_path, every):
    made = Canvas(corpus, tmp_path, PART)
    made.fill(every)
    return made


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_pixels_are_those_of_the_corpus_and_are_not_decoded_again(filled, corpus, every, monkeypatch):
    expected = [corpus.pixels(row) for row in every]
    monkeypatch.setattr(Corpus, "pixels", None)
    for row in np.random.default_rng(0).permutation(every):
        pixels = filled.pixels(int(row))
        np.testing.assert_array_equal(pixels, expected[row])
        assert pixels.dtype == np.uint8
        assert not pixels.flags.writeable


def test_another_process_opens_the_files_for_itself(filled, corpus):
    filled.pixels(3)
    data = pickle.dumps(filled)
    again = pickle.loads(data)
    np.testing.assert_array_equal(again.pixels(3), corpus.pixels(3))
    assert len(data) < 200_000 < sum(path.stat().st_size for path in files(filled.folder))


def test_only_the_parts_that_are_asked_for_are_decoded(corpus, tmp_path):
    made = Canvas(corpus, tmp_path, PART)
    row = int(np.flatnonzero(corpus.column("split") == "val")[0])
    np.testing.assert_array_equal(made.pixels(row), corpus.pixels(row))
    made.fill([row])
    (file,) = files(tmp_path)
    assert file.name == "val-00000.bin"
    np.testing.assert_array_equal(made.pixels(row), corpus.pixels(row))
    other = int(np.flatnonzero(corpus.column("split") == "train")[0])
    np.testing.assert_array_equal(made.pixels(other), corpus.pixels(other))


def test_a_second_filling_decodes_nothing(filled, every, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in files(filled.folder)}
    monkeypatch.setattr(Corpus, "pixels", None)
    filled.fill(every, threads=2)
    assert {path: path.stat().st_mtime_ns for path in files(filled.folder)} == before


def test_filling_goes_on_after_a_kill(corpus, tmp_path, every, monkeypatch):
    made, count = Canvas(corpus, tmp_path, PART), iter(range(12))
    decode = Corpus.pixels
    monkeypatch.setattr(Corpus, "pixels", lambda self, row: decode(self, row) if next(count) < 11 else 1 / 0)
    with pytest.raises((ZeroDivisionError, StopIteration)):
        made.fill(every)
    monkeypatch.setattr(Corpus, "pixels", decode)
    left = files(tmp_path)
    assert len(left) == 2
    times = [path.stat().st_mtime_ns for path in left]
    made.fill(every)
    assert [path.stat().st_mtime_ns for path in left] == times
    np.testing.assert_array_equal(made.pixels(70), corpus.pixels(70))


def test_pictures_of_several_sizes(corpus, tmp_path, monkeypatch):
    def pixels(self, row):
        return np.full((1 + row % 7, 2 + row % 5, 3), row, np.uint8)

    monkeypatch.setattr(Corpus, "pixels", pixels)
    made = Canvas(corpus, tmp_path, PART)
    made.fill(range(30))
    for row in range(30):
        np.testing.assert_array_equal(made.pixels(row), pixels(None, row))


def test_a_picture_that_cannot_be_decoded_says_so_when_it_is_read(corpus, tmp_path, monkeypatch):
    decode = Corpus.pixels

    def pixels(self, row):
        if row == 4:
            raise RejectedPictureError("broken")
        return decode(self, row)

    monkeypatch.setattr(Corpus, "pixels", pixels)
    made = Canvas(corpus, tmp_path, PART)
    made.fill(range(8))
    np.testing.assert_array_equal(made.pixels(5), corpus.pixels(5))
    with pytest.raises(RejectedPictureError, match="broken"):
        made.pixels(4)


def test_what_is_too_much_does_not_fit(corpus, tmp_path, every, monkeypatch):
    made = Canvas(corpus, tmp_path, PART)
    total = len(every) * 3 * stand_ins.SIDE**2
    assert made.fits(every, total)
    assert not made.fits(every, total - 1)
    assert made.fits(every[:1], 5 * 3 * stand_ins.SIDE**2)
    usage = module.shutil.disk_usage(tmp_path)
    full = usage._replace(free=int((total - 1) / module.SHARE))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: full)
    assert not made.fits(every, total)
    made.fill(every[:1])
    assert made.fits(every, total), "what lies there needs no more room"
