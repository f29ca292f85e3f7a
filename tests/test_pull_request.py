"""Submissions by pull request: what one may change, what is verified, and what is said under it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from redqueen.errors import UserError
from redqueen.leaderboard.pull_request import Change, changes, exported, submission_of
from redqueen.report.pull_request import LARGEST, MARK, comment

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"
ADDED = [Change("A", "submissions/mine/submission.json"), Change("A", "submissions/mine/predictions/basic-v1.parquet")]


def git(folder, *words):
    identity = ["-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", folder, *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with a commit, for others to branch from."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "README.md").write_text("Base.\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Base")
    return tmp_path


def branched(repository, files):
    """Base and head of a branch that writes some files."""
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "--quiet", "-c", "theirs")
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    git(repository, "add", "--force", ".")
    git(repository, "commit", "--quiet", "-m", "Theirs")
    return base, git(repository, "rev-parse", "HEAD")


def test_one_new_folder(repository, tmp_path):
    base, head = branched(
        repository, {"submissions/mine/submission.json": "{}", "submissions/mine/run/cost.json": "{}"}
    )
    found = changes(repository, base, head)
    assert submission_of(found) == "mine"
    tar = exported(repository, head, "mine", tmp_path / "mine.tar")
    names = subprocess.run(["tar", "-tf", tar], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in names if not name.endswith("/")] == ["run/cost.json", "submission.json"]


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "Changed.\n"},
        {"submissions/mine/a.json": "{}", ".github/workflows/submission.yml": "on: push\n"},
        {"submissions/mine/a.json": "{}", "submissions/other/a.json": "{}"},
        {"submissions/mine.json": "{}"},
        {"submissions/../submissions.json": "{}"},
        {"submissions/Mine/a.json": "{}"},
        {"submissions/mine/.gitattributes": "* export-ignore\n"},
        {"submissions/mine/a\nb.json": "{}"},
    ],
)
def test_anything_else_is_refused(repository, files):
    base, head = branched(repository, files)
    with pytest.raises(UserError, match="adds the files of one new folder"):
        submission_of(changes(repository, base, head))


def test_a_published_submission_is_not_changed(repository):
    branched(repository, {"submissions/mine/a.json": "{}"})
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "theirs")
    git(repository, "branch", "--quiet", "-d", "theirs")
    base, head = branched(repository, {"submissions/mine/a.json": "[]"})
    with pytest.raises(UserError, match=r"M 'submissions/mine/a\.json'"):
        submission_of(changes(repository, base, head))


def test_an_unknown_commit(repository):
    with pytest.raises(UserError, match="git diff: "):
        changes(repository, "HEAD", "0" * 40)


CHECK = {"id": "predictions.ids", "outcome": "rejected", "message": "3 are missing", "fix": "score them"}


def said(**changed):
    told = {"code": 0, "sentence": "Accepted", "checks": [CHECK], "tier": "recomputed", "stage": "x", "crash": ""}
    return json.dumps(told | changed).encode()


def test_the_comment_draws_the_verdict_from_the_checks():
    shown = comment(said(), ADDED)
    assert shown.startswith(f"{MARK}\nVerification of a submission by the code of the base branch:\n\n**Rejected: ")
    assert "- submission: mine" in shown
    assert "| rejected | predictions.ids | 3 are missing | score them |" in shown
    assert "Accepted" not in shown


def test_nothing_of_a_stranger_is_structure():
    evil = "<img src=x onerror=a()> @everyone | [x](https://evil.example) `b` </details> <!-- -->"
    check = {"id": "a.b", "outcome": "review", "message": evil, "fix": evil}
    shown = comment(said(crash=evil, stage=evil, checks=[check] * 3), ADDED)
    assert shown.count("<") == 1  # of the mark
    assert not [part for part in ("@everyone", "](", "https://", "`b`") if part in shown]


def test_a_comment_has_an_end():
    checks = [CHECK | {"message": "x" * 1_900}] * 500
    assert 50_000 < len(comment(said(checks=checks), ADDED)) < 65_536


def test_a_pull_request_that_changes_more_is_not_vouched_for():
    shown = comment(said(checks=[]), [*ADDED, Change("modified", ".github/workflows/submission.yml")])
    assert "Not a submission alone" in shown
    assert "Accepted" not in shown


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"[]",
        b'{"code": NaN}',
        said(tier="gold"),
        said(checks=[{"id": "x"}]),
        said(crash="x" * 30_000),
        b" " * (LARGEST + 1),
        said().replace(b'"stage"', b'"tier": "re-run", "stage"'),
    ],
)
def test_no_report(report):
    with pytest.raises(UserError, match="the report"):
        comment(report, ADDED)


def test_the_workflow_of_strangers_has_no_rights_and_runs_no_file_of_theirs():
    flow = yaml.safe_load((WORKFLOWS / "submission.yml").read_text())
    assert flow["permissions"] == {"contents": "read"}
    assert set(flow[True]) == {"pull_request"}  # YAML reads "on" as true
    (job,) = flow["jobs"].values()
    assert "permissions" not in job
    checkouts = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout")]
    assert [one["ref"] for one in checkouts] == ["${{ github.event.pull_request.base.sha }}"]
    assert not checkouts[0]["persist-credentials"]
    text = (WORKFLOWS / "submission.yml").read_text()
    assert "secrets." not in text
    assert all("${{" not in step.get("run", "") for step in job["steps"])  # nothing of an event is pasted into a shell


def test_the_workflow_that_comments_takes_nothing_from_the_artefact_but_the_report():
    flow = yaml.safe_load((WORKFLOWS / "submission-comment.yml").read_text())
    assert flow["permissions"] == {}
    assert set(flow[True]) == {"workflow_run"}
    (job,) = flow["jobs"].values()
    assert job["permissions"] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    assert all("ref" not in step.get("with", {}) for step in job["steps"])  # the default branch
    used = [step["run"] for step in job["steps"] if "theirs" in step.get("run", "")]
    assert used == [".venv/bin/python scripts/comment_pull_request.py theirs/report.json files.json > comment.md"]
    assert all("${{" not in step.get("run", "") for step in job["steps"])
    assert MARK in (WORKFLOWS / "submission-comment.yml").read_text()


@pytest.mark.slow  # two processes that load everything
def test_from_a_branch_to_a_comment(repository, tmp_path_factory):
    """A bundle in a pull request is verified by the command, and its report becomes a comment."""
    from leaderboard import world as worlds

    made = worlds.make(tmp_path_factory.mktemp("world"))
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "--quiet", "-c", "theirs")
    target = repository / "submissions" / made.bundle.name
    target.parent.mkdir()
    made.bundle.rename(target)
    (repository / "results" / "tiny").mkdir(parents=True)
    git(repository, "add", "--force", "submissions")
    git(repository, "commit", "--quiet", "-m", "Submission")
    made.benchmark.folder.rename(repository / "results" / "tiny" / "benchmark")
    words = [sys.executable, ROOT / "scripts" / "verify_pull_request.py", base, "HEAD", "verified"]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    files = [{"filename": change.path, "status": "added"} for change in changes(repository, base, "HEAD")]
    (repository / "files.json").write_text(json.dumps(files))
    words = [sys.executable, ROOT / "scripts" / "comment_pull_request.py", "verified/report.json", "files.json"]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=True)
    assert f"- submission: {target.name}" in done.stdout
    assert "recompute.claims" in done.stdout
