"""Thumbnails of errors: only what may be passed on is kept, and the page says how many it does not show."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

import stand_ins
from redqueen.corpus.push import may_be_passed_on
from redqueen.corpus.store import Corpus
from redqueen.errors import RejectedPictureError
from redqueen.report import thumbnails
from redqueen.report.html import render


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def wrong(make, corpus):
    """A result whose errors are pictures of the corpus."""
    ids = [str(one) for one in corpus.column("image_id")[:3]]
    result = make.measured()
    first = result.mistakes[0]
    several = tuple(dataclasses.replace(first, image_id=one) for one in (*ids, "ff" * 32))
    return dataclasses.replace(result, mistakes=several)


def test_pictures_that_may_be_passed_on_are_kept_small(corpus, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "SIDE", 16)
    thumbnails.save(corpus, [wrong], tmp_path, may_be_passed_on)
    found = thumbnails.read([tmp_path])
    assert list(found) == sorted(corpus.column("image_id")[:3])
    for row, image_id in enumerate(corpus.column("image_id")[:3]):
        picture = Image.open(io.BytesIO(found[image_id]))
        assert max(picture.size) == 16
        small = Image.fromarray(corpus.pixels(row)).resize(picture.size, Image.Resampling.LANCZOS)
        assert np.abs(np.asarray(picture, float) - np.asarray(small, float)).mean() < 25


def test_no_other_is_kept(corpus, wrong, tmp_path):
    asked = []
    thumbnails.save(corpus, [wrong], tmp_path, lambda licence: asked.append(licence) is not None)
    assert thumbnails.read([tmp_path]) == {}
    assert asked == ["CC0-1.0"] * 3


def test_one_that_cannot_be_read_is_passed_over(corpus, wrong, tmp_path, monkeypatch):
    def broken(self, row):
        raise RejectedPictureError("broken")

    monkeypatch.setattr(Corpus, "pixels", broken)
    thumbnails.save(corpus, [wrong], tmp_path, may_be_passed_on)
    assert thumbnails.read([tmp_path]) == {}


def test_the_page_shows_them_in_the_order_of_the_table_and_counts_the_rest(make, corpus, wrong, tmp_path):
    thumbnails.save(corpus, [wrong], tmp_path, may_be_passed_on)
    page = render([wrong], make.audit(), {}, {}, thumbnails.read([tmp_path]))
    places = [page.index(f'alt="Picture {one.image_id[:12]}, photograph, topic flags"') for one in wrong.mistakes[:3]]
    assert places == sorted(places)
    assert "photograph, taken for AI-generated: over 0.999" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "1 of 4 pictures are not shown" in page


def test_without_any_the_page_says_so(make, wrong):
    page = render([wrong], make.audit(), {}, {})
    assert "<img" not in page
    assert "4 of 4 pictures are not shown" in page
