"""The same contents give the same bytes, and nothing of the machine goes along."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard import world
from redqueen.errors import UserError
from redqueen.leaderboard import bundle, manifest, schema


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return world.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def contents(made):
    return world.contents(made.benchmark, "one", world.scored(made.benchmark, "one"))


def test_the_same_contents_have_the_same_root_anywhere(contents, tmp_path, monkeypatch):
    first = bundle.write(contents, tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    second = bundle.write(contents, tmp_path / "b" / "deep")
    assert first.fresh and second.fresh
    assert first.root == second.root
    for name in manifest.files(first.folder):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_the_order_of_rows_changes_nothing(made, contents, tmp_path):
    """Scores are sorted by cutoff, view and picture, however they came."""
    from redqueen.evaluation import scores

    ids = made.benchmark.ids[::-1]
    values = {place: drawn[::-1] for place, drawn in world.logits(made.benchmark, 0).items()}
    table = scores.table_of(world.CUTOFFS, world.VIEWS, ids, values)
    other = replace(contents, scores=replace(contents.scores, table=table))
    assert bundle.write(other, tmp_path / "a").root == bundle.write(contents, tmp_path / "b").root


def test_the_same_bundle_again_is_no_work_and_another_one_is_refused(made, contents, tmp_path):
    written = bundle.write(contents, tmp_path)
    again = bundle.write(contents, tmp_path)
    assert (again.fresh, again.root) == (False, written.root)
    other = replace(contents, scores=world.scored(made.benchmark, "one", seed=3))
    with pytest.raises(UserError, match="another bundle lies there") as error:
        bundle.write(other, tmp_path)
    assert written.root[:12] in str(error.value)
    assert manifest.read(written.folder).root == written.root
    assert [path.name for path in tmp_path.iterdir()] == ["one"]  # no half of a bundle


def test_a_damaged_bundle_in_its_place_is_told(contents, tmp_path):
    written = bundle.write(contents, tmp_path)
    (written.folder / schema.SEEDS).write_text("{}")
    with pytest.raises(UserError, match=r"damaged bundle \(run/seeds\.json has 2 bytes"):
        bundle.write(contents, tmp_path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_bit_anywhere_is_named(made, data):
    name = data.draw(st.sampled_from(manifest.files(made.bundle)))
    path = made.bundle / name
    before = path.read_bytes()
    at, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
    path.write_bytes(before[:at] + bytes([before[at] ^ 1 << bit]) + before[at + 1 :])
    found = manifest.check(made.bundle)
    path.write_bytes(before)
    assert all(check.outcome == "rejected" for check in found)
    assert name == schema.MANIFEST or any(name in check.message for check in found)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"hub": {"token": "abc"}}, "run/config.yaml: hub.token: its name says so"),
        ({"source": "/home/somebody/data"}, "run/config.yaml: source names a place on this machine"),
    ],
)
def test_what_gives_something_away_is_not_written(contents, tmp_path, config, says):
    with pytest.raises(UserError) as error:
        bundle.write(replace(contents, config=config), tmp_path / "out")
    assert says in str(error.value)
    assert "abc" not in str(error.value).replace(says, "")
    assert not (tmp_path / "out").exists()


def test_every_text_of_a_bundle_has_one_form(made):
    for name in manifest.files(made.bundle):
        if name.endswith(".json"):
            text = (made.bundle / name).read_bytes()
            assert bundle.encoded(json.loads(text)) == text
