"""The dated vocabulary: every name leads to one generator, or to the nearest names."""

from dataclasses import replace

import pytest

import stand_ins
from redqueen.errors import UserError
from redqueen.types import Generator
from redqueen.vocabulary import Vocabulary, packaged

OLD = Generator("old-1.0", "2022-08", "old", "tests", "XX", "made up", "CC0-1.0", aliases=("Old One",))
NEW = replace(OLD, name="new-1.0", released="2024-02", aliases=())


@pytest.mark.parametrize("name", ["old-1.0", "OLD 1.0", "old10", "old one", "Old-One"])
def test_names_are_found_without_case_and_punctuation(name):
    assert Vocabulary([OLD, NEW]).resolve(name) == OLD


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UserError, match=r"unknown generator 'old-1\.1'; did you mean 'old-1\.0'\?"):
        Vocabulary([OLD, NEW]).resolve("old-1.1")


def test_two_generators_cannot_answer_to_one_name():
    with pytest.raises(UserError, match=r"'old-1\.0' and 'new-1\.0' both answer to 'OLD-ONE'"):
        Vocabulary([OLD, replace(NEW, aliases=("OLD-ONE",))])


def test_entries_come_in_order_of_release():
    assert [entry.name for entry in Vocabulary([NEW, OLD])] == ["old-1.0", "new-1.0"]


def test_the_packaged_one_holds_every_yaml():
    assert sorted(entry.name for entry in packaged()) == stand_ins.names("generator")
    assert all(packaged().resolve(entry.name) == entry for entry in packaged())


@pytest.mark.parametrize("change", [{"released": "2022"}, {"released": "2022-13"}, {"country": "Germany"}])
def test_months_and_countries_are_checked(change):
    with pytest.raises(ValueError, match="should match pattern"):
        replace(OLD, **change)
