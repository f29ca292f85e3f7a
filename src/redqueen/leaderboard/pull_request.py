"""A submission that comes as a pull request: what it may change, and its bundle, taken from git without a check-out.

Nothing of the pull request is run or written as files of a working tree: its commit is fetched, its changes are listed,
and the one folder that it may add leaves git as a tar, which `redqueen verify` takes apart as a stranger's.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redqueen.errors import UserError

FOLDER = "submissions"
_PATH = re.compile(rf"{FOLDER}/([a-z0-9][a-z0-9_-]*)((/[A-Za-z0-9_][A-Za-z0-9._-]*)+)")
_RULE = f"a pull request adds the files of one new folder {FOLDER}/SUBMISSION_ID/, and changes nothing else"


@dataclass(frozen=True)
class Change:
    """One file that differs.

    Attributes:
        status: as git says it, "A" for a new file.
        path: from the top of the repository.
    """

    status: str
    path: str


def changes(repository: Path, base: str, head: str) -> list[Change]:
    """What `head` changes since it left `base`; raises UserError where git knows one of them not."""
    words = ["diff", "--name-status", "--no-renames", "-z", f"{base}...{head}", "--"]
    parts = _git(repository, *words).decode("utf-8", "backslashreplace").split("\0")[:-1]
    return [Change(status, path) for status, path in zip(parts[::2], parts[1::2], strict=True)]


def submission_of(found: Sequence[Change]) -> str:
    """The id of the one submission that the changes add; raises UserError where they do anything else."""
    names = set()
    for change in found:
        match = _PATH.fullmatch(change.path)
        if change.status != "A" or match is None:
            raise UserError(f"{change.status} {change.path[:200]!r}: {_RULE}")
        names.add(match[1])
    if len(names) != 1:
        raise UserError(f"{len(names)} submissions: {_RULE}")
    return names.pop()


def exported(repository: Path, head: str, name: str, target: Path) -> Path:
    """The folder of a submission at a commit, as a tar.

    Raises:
        UserError: git does not know it, or would leave a file out of the tar.
    """
    tree = f"{head}:{FOLDER}/{name}"
    target.write_bytes(_git(repository, "archive", "--format=tar", tree))
    listed = _git(repository, "ls-tree", "-r", "-z", "--name-only", tree).split(b"\0")[:-1]
    if any(path.rpartition(b"/")[2].startswith(b".") for path in listed):
        raise UserError(f"{FOLDER}/{name}: no file of a bundle begins with a dot")
    return target


def _git(repository: Path, *words: str) -> bytes:
    done = subprocess.run(["git", "-C", str(repository), *words], capture_output=True, check=False)
    if done.returncode:
        raise UserError(f"git {words[0]}: {' '.join(done.stderr.decode('utf-8', 'replace').split())[:200]}")
    return done.stdout
