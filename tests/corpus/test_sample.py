"""A part of a source."""

import pytest

import stand_ins
from redqueen.corpus.sources.sample import Sample
from redqueen.errors import UserError


@pytest.mark.parametrize("every", [1, 2, 3, 100])
def test_every_nth_picture_of_the_source_in_its_order(every):
    source = stand_ins.Pictures()
    part = Sample(source, every)
    names = [picture.name for picture in source.pictures()]
    assert [picture.name for picture in part.pictures()] == names[::every]
    assert [picture.name for picture in part.pictures()] == names[::every]  # twice: a stage may read it again
    assert part.name == source.name


def test_the_fingerprint_knows_source_and_part():
    sources = [stand_ins.Pictures(seed=seed) for seed in (0, 1)]
    prints = [Sample(source, every).fingerprint() for source in sources for every in (1, 2, 3)]
    assert len(set(prints)) == len(prints)
    assert prints[0] == sources[0].fingerprint(), "the whole of a source is the source: its corpus is found again"


@pytest.mark.parametrize("every", [0, -1])
def test_a_part_that_is_none_is_refused(every):
    with pytest.raises(UserError, match=f"baseline.every={every}"):
        Sample(stand_ins.Pictures(), every)
