"""The dated vocabulary: every name leads to one generator, or to the nearest names."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.types import Generator
from redqueen.vocabulary import Vocabulary, hub_id, packaged, plain

OLD = Generator("old-1.0", "2022-08", "old", "tests", "XX", "made up", "CC0-1.0", aliases=("Old One",))
NEW = replace(OLD, name="new-1.0", released="2024-02", aliases=())
HUB = replace(OLD, name="hub-1.0", aliases=(), weights="hub:tests/Hub.One")

DATA = Path(__file__).parent / "data"  # names and months that the data sets state: facts, no pictures

# Where our month is another than field's, and why. This list may only shrink.
OTHER_MONTH = {
    "boogu": "field has no date; its repository does",
    "ernie-image": "field's month is that of a repository, which came after the model card",
    "ernie-image-turbo": "field's month is that of a repository, which came after the model card",
    "hidream-o1": "field has no date; its repository does",
    "hunyuandit-1.x": "an unnamed version, dated by the newest that it may be",
    "lumina-image-2.0": "released on the 25th of January 2025",
    "midjourney-v5.x": "an unnamed version, dated by the newest that it may be",
    "sd-1.x": "an unnamed version, dated by the newest that it may be",
    "stable-diffusion-1.4-1.5": "a mixture, dated by its newest member",
}
# The same for the data sets.
OTHER_MONTH_IN_SETS = {("AI-GenBench", "Midjourney"): "the set dates it by the first version, whichever it shows"}


def rows(name):
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


FIELD, SETS = rows("field_generators.csv"), rows("set_generators.csv")


@pytest.mark.parametrize("name", ["old-1.0", "OLD 1.0", "old10", "old one", "Old-One"])
def test_names_are_found_without_case_and_punctuation(name):
    assert Vocabulary([OLD, NEW]).resolve(name) == OLD


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UserError, match=r"unknown generator 'old-1\.1'; did you mean 'old-1\.0'\?"):
        Vocabulary([OLD, NEW]).resolve("old-1.1")


def test_an_unknown_name_that_is_near_to_nothing_gets_the_command_that_lists_them():
    with pytest.raises(UserError, match=r"nothing comes near; `redqueen generators` lists all 2"):
        Vocabulary([OLD, NEW]).resolve("zzz")


def test_a_name_on_the_hub_leads_to_its_generator():
    assert Vocabulary([OLD, HUB]).resolve("tests/hub-one") == HUB
    assert hub_id("a-folder") == ""


def test_two_generators_cannot_answer_to_one_name():
    with pytest.raises(UserError, match=r"'old-1\.0' and 'new-1\.0' both answer to 'OLD-ONE'"):
        Vocabulary([OLD, replace(NEW, aliases=("OLD-ONE",))])


def test_entries_come_in_order_of_release():
    assert [entry.name for entry in Vocabulary([NEW, OLD])] == ["old-1.0", "new-1.0"]


def test_the_packaged_one_holds_every_yaml():
    assert sorted(entry.name for entry in packaged()) == sorted(
        path.stem for path in (configs() / "generator").glob("*.yaml")
    )
    assert all(packaged().resolve(entry.name) == entry for entry in packaged())


@pytest.mark.parametrize("change", [{"released": "2022"}, {"released": "2022-13"}, {"country": "Germany"}])
def test_months_and_countries_are_checked(change):
    with pytest.raises(ValueError, match="should match pattern"):
        replace(OLD, **change)


def test_every_name_of_field_resolves_to_a_dated_generator():
    assert len({row["name"] for row in FIELD}) == len(FIELD) == 116
    months = {row["name"]: (packaged().resolve(row["name"]).released, row["released"]) for row in FIELD}
    assert {name for name, (ours, theirs) in months.items() if ours != theirs} == set(OTHER_MONTH)


@pytest.mark.parametrize("data_set", sorted({row["set"] for row in SETS}))
def test_every_name_of_the_data_sets_resolves(data_set):
    named = [row for row in SETS if row["set"] == data_set]
    months = {row["name"]: (packaged().resolve(row["name"]).released, row["released"]) for row in named}
    other = {(data_set, name) for name, (ours, theirs) in months.items() if theirs and ours != theirs}
    assert other == {key for key in OTHER_MONTH_IN_SETS if key[0] == data_set}


def test_the_data_sets_have_as_many_generators_as_they_say():
    counts = Counter(row["set"] for row in SETS)
    assert (counts["AI-GenBench"], counts["GenImage"], counts["Synthbuster"]) == (36, 8, 9)


def test_every_entry_says_where_its_date_comes_from():
    for entry in packaged():
        assert entry.date_source.strip()
        assert entry.developer.strip()
        assert entry.licence.strip()
        assert (entry.pipeline is None) == (entry.weights is None)
        assert entry.pipeline is not None or not entry.call


def test_a_name_has_no_dot_which_hydra_would_take_for_a_level():
    assert not [entry.name for entry in packaged() if "." in entry.name]


def test_no_alias_repeats_another_name():
    for entry in packaged():
        names = [plain(name) for name in (entry.name, *entry.aliases)]
        assert len(set(names)) == len(names), entry.name


def test_an_entry_whose_date_is_that_of_its_newest_member_has_a_member_of_that_date():
    """What mixes several generators must not be dated before any of them."""
    mixtures = [entry for entry in packaged() if entry.date_source.startswith("newest member")]
    assert len(mixtures) >= 5
    for entry in mixtures:
        line = [other for other in packaged() if other.family == entry.family and other not in mixtures]
        assert any(other.released == entry.released for other in line), entry.name
