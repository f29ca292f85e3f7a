"""What a submission may say of itself, and in which words."""

import copy
import datetime
import json

import pytest
from pydantic import ValidationError

from leaderboard import world
from redqueen.leaderboard.schema import MODELS, Submission, parse, problems
from redqueen.leaderboard.strict_json import StrictJsonError

CARD = {
    "schema_version": 1,
    "submission_id": "a-detector",
    "revision_of": None,
    "benchmark": {"name": "tiny", "version": 1, "digest": "0" * 64, "protocol": "lineage-v1", "suite": "basic-v1"},
    "detector": {
        "name": "a-detector",
        "control": False,
        "family": "a frozen backbone with a linear head",
        "method": "Reads the picture.\nThen judges it.",
        "paper": "https://arxiv.org/abs/2504.20865",
        "code_url": None,
        "licence": "Apache-2.0",
        "parameters": None,
        "input": "64 px crop",
    },
    "team": {"names": ["A group"], "contact": "group@example.org"},
    "created": "2026-02-03",
    "claims": {"auroc/next/clean": 0.5},
    "attempts_on_public": 1,
    "selection": {"checkpoint": "the last one", "threshold": "best balanced accuracy", "split": "val"},
    "checklist": {
        "no_test_pictures_in_training": True,
        "no_test_labels_used": True,
        "threshold_not_fitted_on_test": True,
        "one_final_run": True,
        "no_look_up_elsewhere": True,
        "no_metadata_of_files": True,
        "may_be_run_again_and_published": True,
    },
}


def changed(where, value):
    """The card with one value changed, or one key added."""
    card = copy.deepcopy(CARD)
    *parents, last = where.split(".")
    node = card
    for name in parents:
        node = node[name]
    node[last] = value
    return json.dumps(card).encode()


def refused(data):
    with pytest.raises((ValidationError, StrictJsonError)) as error:
        parse(Submission, data)
    lines = problems(error.value)
    assert lines
    assert all("\n" not in line and len(line) < 400 and line.isascii() for line in lines)
    return lines


def test_a_card_is_read():
    card = parse(Submission, json.dumps(CARD).encode())
    assert card.created == datetime.date(2026, 2, 3)
    assert card.checklist.unmet() == ()
    assert json.loads(card.model_dump_json()) == CARD


def test_a_point_that_is_not_met_is_told():
    card = parse(Submission, changed("checklist.one_final_run", False))
    assert card.checklist.unmet() == ("one_final_run",)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("surprise", 1),
        ("detector.surprise", 1),
        ("schema_version", 0),
        ("schema_version", 2),
        ("schema_version", "1"),
        ("submission_id", "../../index"),
        ("submission_id", "Upper"),
        ("submission_id", "a" * 65),
        ("submission_id", "a\n"),
        ("submission_id", ""),
        ("revision_of", "a/b"),
        ("revision_of", "a-detector"),
        ("benchmark.digest", "A" * 64),
        ("benchmark.version", 0),
        ("benchmark.version", True),
        ("benchmark.suite", "../x"),
        ("detector.name", "<img src=x onerror=alert(1)>"),
        ("detector.control", "no"),
        ("detector.paper", "javascript:alert(1)"),
        ("detector.paper", "data:text/html,x"),
        ("detector.paper", "http://example.org/x"),
        ("detector.paper", "https://user:word@example.org/"),
        ("detector.paper", 'https://example.org/"onclick="x'),
        ("detector.paper", "https://example.org/\n"),
        ("detector.code_url", "https://localhost"),
        ("detector.parameters", -1),
        ("detector.parameters", 1.5),
        ("detector.licence", "two\nlines"),
        ("detector.method", "right to left \u202e override"),
        ("detector.method", "null \x00"),
        ("detector.method", "\x1b[2J"),
        ("detector.method", "zero\u200bwidth"),
        ("detector.method", "x" * 2001),
        ("detector.method", " "),
        ("team.names", []),
        ("team.names", ["x"] * 51),
        ("team.contact", None),
        ("created", "2026-02-30"),
        ("created", "yesterday"),
        ("created", 0),
        ("claims", {"auroc/next/clean": "0.5"}),
        ("claims", {"auroc": 0.5}),
        ("claims", {"auroc/next/a/b": 0.5}),
        ("attempts_on_public", 0),
        ("attempts_on_public", "1"),
        ("selection.split", "test"),
        ("checklist.one_final_run", 1),
        ("checklist.one_final_run", None),
    ],
)
def test_what_is_no_card_is_refused(where, value):
    lines = refused(changed(where, value))
    assert any(line.startswith(where) for line in lines)


@pytest.mark.parametrize("where", ["submission_id", "detector", "checklist", "claims"])
def test_a_missing_key_is_named(where):
    lines = refused(json.dumps({key: value for key, value in CARD.items() if key != where}).encode())
    assert lines == [f"{where}: Field required"]


def test_everything_that_is_wrong_is_told_at_once():
    card = json.loads(changed("team.contact", ""))
    card["attempts_on_public"], card["extra"] = 0, {"deep": 1}
    assert {line.split(":")[0] for line in refused(json.dumps(card).encode())} == {
        "team.contact", "attempts_on_public", "extra",
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"schema_version": NaN}', b"\xef\xbb\xbf{}"])
def test_what_is_no_object_is_refused(data):
    assert refused(data)


def test_names_in_any_script_are_welcome():
    names = ["Zoë", "李明", "Группа", "<b>bold</b>", "=SUM(A1)"]  # rendered as text wherever they are shown
    assert list(parse(Submission, changed("team.names", names)).team.names) == names


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return world.make(tmp_path_factory.mktemp("world")).bundle


def spots(tree, where=()):
    """Every place in a tree, the top one as well."""
    yield where
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield from spots(tree[key], (*where, key))


def put(tree, where, change):
    """A copy with one node replaced by `change(node)`."""
    if not where:
        return change(tree)
    made = copy.copy(tree)
    made[where[0]] = put(tree[where[0]], where[1:], change)
    return made


FREE = {"files", "claims", "cutoffs", "packages", "decoders"}  # whose keys are names


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_key_of_every_file_is_held_to(bundle, name):
    """A key more, a key less, or a value of another type, anywhere."""
    tree = json.loads((bundle / name).read_bytes())
    model = MODELS[name]
    assert parse(model, json.dumps(tree).encode())
    tried = 0
    for where in spots(tree):
        node = tree
        for key in where:
            node = node[key]
        named = bool(where) and where[-1] in FREE
        changes = [lambda _: {"": []}, lambda _: [[]], lambda one: "1.5" if isinstance(one, float) else 1.5]
        if isinstance(node, dict) and not named:
            changes.append(lambda one: {**one, "more": 1})
            changes += [lambda one, key=key: {k: v for k, v in one.items() if k != key} for key in node]
        for change in changes:
            with pytest.raises(ValidationError):
                parse(model, json.dumps(put(tree, where, change)).encode())
            tried += 1
    assert tried > 15
