"""The log is append-only: whatever is changed in it, or in what it names, is named."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from published_world import drawn, published, scored
from redqueen.errors import DigestError, UserError
from redqueen.files import write_json
from redqueen.leaderboard.publish import Publication, folder_of, publish
from redqueen.leaderboard.records import LOG, folders, head_of, read_log, records, withdraw


@pytest.fixture
def folder(tmp_path):
    return published(tmp_path, {"alpha": 0.9, "beta": 0.8}, claims=("gamma",))


def test_what_is_published_is_read_again(folder):
    found = {one.submission: one for one in records(folder)}
    assert {name: one.tier for name, one in found.items()} == {
        "alpha": "recomputed",
        "beta": "re-run",
        "gamma": "claimed",
    }
    assert found["alpha"].result == scored("alpha", 0.9)
    assert found["alpha"].published.date == "2026-11-01"
    assert all(one.stands for one in found.values())
    first, second = read_log(folder)
    assert (first.sequence, first.previous, second.sequence) == (1, None, 2)
    assert second.previous != head_of(folder)


def test_the_chain_is_that_of_sha256(folder):
    lines = (folder / LOG).read_bytes().splitlines()
    assert json.loads(lines[1])["previous"] == hashlib.sha256(lines[0]).hexdigest()
    assert head_of(folder) == hashlib.sha256(lines[1]).hexdigest()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [lines[0].replace(b"all there", b"all gone!"), lines[1]], "broken at line 2"),
        (lambda lines: lines[1:], "broken at line 1"),
        (lambda lines: [lines[0], lines[0]], "broken at line 2"),
        (lambda lines: [lines[0], b'{"sequence": 2}'], "line 2 is no event"),
        (lambda lines: [lines[0].replace(b'"event"', b'"evident"'), lines[1]], "line 1 is no event"),
        (lambda lines: [b"not json", lines[1]], "line 1 is no event"),
    ],
)
def test_a_changed_log_is_named_with_its_line(folder, change, says):
    lines = change((folder / LOG).read_bytes().splitlines())
    (folder / LOG).write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(UserError, match=says):
        records(folder)


def test_a_log_without_its_last_byte_was_cut(folder):
    (folder / LOG).write_bytes((folder / LOG).read_bytes()[:-1])
    with pytest.raises(DigestError, match="line 2 has no end"):
        read_log(folder)


@pytest.mark.parametrize("name", ["alpha.json", "draws/alpha.parquet"])
def test_an_edited_or_missing_file_is_named(folder, name):
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b" \n")  # of a result: the same JSON
    with pytest.raises(DigestError, match=rf"{name} was edited.*line 1"):
        records(folder)
    path.unlink()
    with pytest.raises(DigestError, match=rf"{name} is missing.*line 1"):
        records(folder)


def test_a_file_that_is_no_result_or_has_no_name_is_named(folder):
    (folder / "delta.json").write_text("{}")
    with pytest.raises(UserError, match=r"delta\.json: no result"):
        records(folder)
    write_json(folder / "delta.json", dataclasses.asdict(scored("delta", 0.5, protocol="field-v2")))
    with pytest.raises(UserError, match="is of field/field-v2 and does not lie"):
        records(folder)
    (folder / "delta.json").rename(folder / "no name.json")
    with pytest.raises(UserError, match="letters, digits"):
        records(folder)


def test_a_revision_supersedes_and_the_old_file_stays(folder):
    before = (folder / "alpha.json").read_bytes()
    result = scored("alpha", 0.95)
    results = folder.parents[1]
    publish(
        results, Publication("alpha-2", result, drawn(result, 7), "recomputed", revision_of="alpha", date="2026-12-01")
    )
    found = {one.submission: one for one in records(folder)}
    assert (found["alpha"].superseded_by, found["alpha"].stands, found["alpha-2"].stands) == ("alpha-2", False, True)
    assert (folder / "alpha.json").read_bytes() == before
    assert [(one.event, one.submission) for one in read_log(folder)[2:]] == [
        ("published", "alpha-2"),
        ("superseded", "alpha"),
    ]
    with pytest.raises(UserError, match="unknown submission 'alpha'"):
        publish(results, Publication("alpha-3", result, drawn(result, 7), "recomputed", revision_of="alpha"))


def test_a_name_is_published_once_and_a_claim_may_be_verified_later(folder):
    results = folder.parents[1]
    again = scored("alpha", 0.91)
    with pytest.raises(UserError, match="published already"):
        publish(results, Publication("alpha", again, drawn(again, 1), "recomputed"))
    gamma = scored("gamma", 0.7)
    assert publish(results, Publication("gamma", gamma, drawn(gamma, 1), "recomputed")).tier == "recomputed"


def test_draws_that_are_not_paired_are_refused_before_anything_is_written(folder):
    result, before = scored("delta", 0.7), sorted(folder.rglob("*"))
    with pytest.raises(DigestError, match="'delta' has 3 draws.*has 400: not paired"):
        publish(folder.parents[1], Publication("delta", result, {"auroc/next/clean": np.ones(3)}, "recomputed"))
    assert sorted(folder.rglob("*")) == before


def test_small_files_of_a_bundle_are_kept_and_no_predictions(folder, tmp_path):
    bundle = tmp_path / "bundle"
    for name in ("submission.json", "run/cost.json", "predictions/suite.parquet", "model/x/model.safetensors"):
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text("{}")
    result = scored("delta", 0.7)
    record = publish(folder.parents[1], Publication("delta", result, drawn(result, 3), "recomputed", bundle=bundle))
    assert sorted(str(p.relative_to(record.bundle)) for p in record.bundle.rglob("*.*")) == [
        "run/cost.json",
        "submission.json",
    ]


def test_a_tombstone_keeps_the_files_and_its_reason(folder):
    event = withdraw(folder, "alpha", "2026-12-01", " trained on test pictures ")
    assert (event.sequence, event.reason) == (3, "trained on test pictures")
    (alpha,) = (one for one in records(folder) if one.submission == "alpha")
    assert (alpha.stands, alpha.withdrawn, alpha.tier) == (False, event, "recomputed")
    for name, reason, says in (
        ("alpha", "x", "unknown submission 'alpha'"),
        ("beta", " ", "reason="),
        ("gamma", "x", "claim without a line"),
        ("bta", "x", "did you mean 'beta'"),
    ):
        with pytest.raises(UserError, match=says):
            withdraw(folder, name, "2026-12-01", reason)
    assert len(read_log(folder)) == 3


def test_folders_of_results_and_the_one_of_a_submission(folder, tmp_path):
    (folder.parent / "beside" / "other").mkdir(parents=True)
    (folder.parent / "beside" / "other" / "x.json").write_text("{}")
    (folder.parent / "benchmark").mkdir()
    (folder.parent / "benchmark" / "benchmark.json").write_text("{}")
    assert folders(tmp_path) == [folder]
    assert folder_of(tmp_path, "beta") == folder
    with pytest.raises(UserError, match="'nobody' stands in no folder"):
        folder_of(tmp_path, "nobody")
    with pytest.raises(UserError, match="holds no"):
        folders(folder)


def test_a_result_says_itself_that_it_was_superseded(folder):
    write_json(folder / "old.json", dataclasses.asdict(scored("old", 0.5, superseded_by="alpha")))
    assert not next(one for one in records(folder) if one.submission == "old").stands
