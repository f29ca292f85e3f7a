"""Baselines at a commit: what is there is read, what is not is told in one line."""

import subprocess

import pytest

from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.regression import baselines
from redqueen.regression.check import content
from redqueen.regression.policy import read
from regression import world


def git(folder, *words):
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(small, tmp_path):
    """The release is committed on `main`; the working tree then holds the honest version in its place."""
    folder = tmp_path / "ci"
    folder.mkdir()
    git(tmp_path, "init", "-q", "-b", "main")
    (folder / "release.parquet").write_bytes((small / "release.parquet").read_bytes())
    world.policy(folder, baselines={"release": "release.parquet", "merge_base": "git:main"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    (folder / "release.parquet").write_bytes((small / "honest.parquet").read_bytes())
    return folder


def test_the_same_file_at_a_commit(repository, small, monkeypatch):
    monkeypatch.chdir(small)  # any folder
    asked = read(repository / "policy.yaml")
    found = baselines.read(asked, baselines.located(asked, []))
    release, honest = (content(scores.read(small / f"{name}.parquet")) for name in ("release", "honest"))
    assert {name: content(one) for name, one in found.items()} == {"release": honest, "merge_base": release}


def test_places_that_are_given_replace_those_of_the_policy(repository, monkeypatch):
    monkeypatch.chdir(repository)
    asked = read(repository / "policy.yaml")
    words = ["merge_base", "git:HEAD", "mine=release.parquet", "release.parquet", "git:main:release.parquet"]
    places = baselines.located(asked, words)
    assert list(places) == ["merge_base", "git:HEAD", "mine", "release.parquet", "git:main:release.parquet"]
    found = {name: content(one) for name, one in baselines.read(asked, places).items()}
    assert found["merge_base"] == found["git:HEAD"] == found["git:main:release.parquet"]
    assert found["mine"] == found["release.parquet"] != found["merge_base"]
    with pytest.raises(UserError, match="baseline 'release' is there twice"):
        baselines.located(asked, ["release", "release=x.parquet"])


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("git:nowhere", "no commit 'nowhere' in this repository"),
        ("git:", "give a commit, branch or tag"),
        ("git:--output=x", "give a commit, branch or tag"),
        ("git:main:other.parquet", "no file other.parquet at commit"),
        ("none.parquet", "none.parquet"),
    ],
)
def test_one_that_cannot_be_had(place, message, repository, monkeypatch):
    monkeypatch.chdir(repository)
    asked = read(repository / "policy.yaml")
    with pytest.raises(UserError, match=message):
        baselines.read(asked, baselines.located(asked, [place]))


def test_a_shallow_clone_is_told(repository, tmp_path):
    git(repository, "commit", "-q", "-a", "-m", "two")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{tmp_path}", "shallow")
    asked = read(tmp_path / "shallow" / "ci" / "policy.yaml")
    first = git(repository, "rev-parse", "HEAD~1").strip()
    with pytest.raises(UserError, match="this clone is shallow: fetch it whole"):
        baselines.read(asked, {"old": (f"git:{first}", asked.folder)})


def test_no_repository_and_a_policy_without_a_file(small, tmp_path):
    asked = read(world.policy(tmp_path, baselines={"old": "git:main"}))
    with pytest.raises(UserError, match="it names none: git:REF:PATH"):
        baselines.read(asked, baselines.located(asked, []))
    asked = read(world.policy(tmp_path, baselines={"old": "git:main:release.parquet"}))
    with pytest.raises(UserError, match="lies in no git repository"):
        baselines.read(asked, baselines.located(asked, []))


def test_a_bundle_gives_the_table_of_the_suite(small, tmp_path):
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / "basic-v1.parquet").write_bytes((small / "worse.parquet").read_bytes())
    assert content(baselines.candidate(tmp_path, "basic-v1")) == content(scores.read(small / "worse.parquet"))
    with pytest.raises(UserError, match=r"predictions/other-v1\.parquet"):
        baselines.candidate(tmp_path, "other-v1")
