"""Where a baseline lies: a file, the same file at a commit (`git:REF`), or another one there (`git:REF:PATH`)."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.evaluation.scores import Scores
from redqueen.regression.policy import Policy

GIT = "git:"
_SECONDS = 60


def located(policy: Policy, given: Sequence[str]) -> dict[str, tuple[str, Path]]:
    """Name -> what is read, and the folder that its path is relative to: those of the policy, or those that were given.

    One that is given is the name of one of the policy's, NAME=PLACE, or a place, which then is its own name.

    Raises:
        UserError: a name is there twice.
    """
    if not given:
        return {name: (place, policy.folder) for name, place in policy.baselines.items()}
    found: dict[str, tuple[str, Path]] = {}
    for word in given:
        name, equals, place = word.partition("=")
        if word in policy.baselines:
            name, where = word, (policy.baselines[word], policy.folder)
        elif equals and not word.startswith(GIT) and "/" not in name:
            where = place, Path()
        else:
            name, where = word, (word, Path())
        if name in found:
            raise UserError(f"baseline '{name}' is there twice; name them: --baseline NAME=PLACE")
        found[name] = where
    return found


def read(policy: Policy, places: Mapping[str, tuple[str, Path]]) -> dict[str, Scores]:
    """The scores of each baseline; raises UserError, in one line, where one cannot be had."""
    found = {}
    for name, (place, folder) in places.items():
        if not place.startswith(GIT):
            found[name] = scores.read(folder / place)
            continue
        ref, _, path = place.removeprefix(GIT).partition(":")
        at = policy.folder / (path or _first_file(policy)) if not path or folder == policy.folder else Path(path)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "baseline.parquet"
            file.write_bytes(shown(ref, at))
            found[name] = scores.read(file)
    return found


def candidate(path: Path, suite: str) -> Scores:
    """The scores of a candidate: a table, or a bundle of which the table of the suite is taken."""
    return scores.read(table_at(path, suite))


def table_at(path: Path, suite: str) -> Path:
    """The file of a candidate's scores."""
    return path / "predictions" / f"{suite}.parquet" if path.is_dir() else path


def shown(ref: str, path: Path) -> bytes:
    """A file as it is at a commit.

    Raises:
        UserError: it lies in no repository, or there is no such commit or no such file there.
    """
    folder = path.parent if path.parent.is_dir() else Path()
    if not ref or ref.startswith("-"):
        raise UserError(f"baseline git:{ref}: give a commit, branch or tag: git:main, or git:main:PATH")
    if _git(folder, "rev-parse", "--is-inside-work-tree").returncode:
        raise UserError(f"baseline git:{ref}: {folder.resolve()} lies in no git repository")
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit.returncode:
        shallow = _git(folder, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        hint = "; this clone is shallow: fetch it whole (fetch-depth: 0 in actions/checkout)" if shallow else ""
        raise UserError(f"baseline git:{ref}: no commit '{ref}' in this repository{hint}")
    name = commit.stdout.decode().strip()
    where = f"./{path.name}" if path.parent.is_dir() else f"./{path.as_posix()}"
    content = _git(folder, "cat-file", "blob", f"{name}:{where}")
    if content.returncode:
        raise UserError(f"baseline git:{ref}: no file {path} at commit {name[:12]}")
    return content.stdout


def _first_file(policy: Policy) -> str:
    file = next((place for place in policy.baselines.values() if not place.startswith(GIT)), None)
    if file is None:
        raise UserError("a baseline git:REF is the policy's first file at that commit, and it names none: git:REF:PATH")
    return file


def _git(folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        raise UserError("a baseline git:REF needs the program git") from None
