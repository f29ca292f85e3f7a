"""Debian packages: fetched with `apt-get download`, unpacked with `dpkg-deb -x`, without root; and their licences."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from redqueen.console import track
from redqueen.errors import UserError
from redqueen.files import digest_file, write_json

TOOLS = ("apt-get", "dpkg-deb")
_FACTS = "package.json"
_SECONDS = 1800  # for one package
_ENVIRONMENT = {"LC_ALL": "C"}  # messages in English

# What the copyright file of a package says that is not written for machines.
STATED = {"openclipart-png": "public domain (Creative Commons Public Domain Dedication)"}


@dataclass(frozen=True)
class Package:
    """One version of a package, unpacked.

    Attributes:
        name: of the package.
        version: as Debian writes it.
        sha256: of the file that was unpacked.
        folder: where its files lie.
    """

    name: str
    version: str
    sha256: str
    folder: Path

    @property
    def share(self) -> Path:
        """Its `/usr/share`."""
        return self.folder / "usr" / "share"

    @functools.cached_property
    def _terms(self) -> "Terms":
        path = self.share / "doc" / self.name / "copyright"
        return Terms(path.read_text(encoding="utf-8", errors="replace") if path.is_file() else "")

    def licence(self, file: str) -> str:
        """Under what terms a file below `/usr/share` comes, as the package's copyright file says."""
        stated = STATED.get(self.name, f"see /usr/share/doc/{self.name}/copyright of Debian {self.name} {self.version}")
        return self._terms.of(file) or stated


def fetch(names: Iterable[str], cache: Path) -> list[Package]:
    """The packages, those that are not in `cache` fetched first; each is there as a whole or not at all.

    Raises:
        UserError: apt-get or dpkg-deb is missing, a package cannot be fetched or unpacked.
    """
    names = list(names)
    missing = [name for name in names if not (cache / name / _FACTS).is_file()]
    for tool in TOOLS if missing else ():
        if shutil.which(tool) is None:
            raise UserError(
                f"source 'debian' needs {tool}, which this machine does not have: run it on Debian or Ubuntu and copy "
                f"{cache}, or choose another source"
            )
    for name in track(missing, "fetching Debian packages"):
        _fetch(name, cache)
    return [_known(name, cache) for name in names]


def _known(name: str, cache: Path) -> Package:
    facts = json.loads((cache / name / _FACTS).read_text())
    return Package(facts["name"], facts["version"], facts["sha256"], cache / name)


def _fetch(name: str, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}.") as work:
        _run(["apt-get", "download", name], Path(work), f"package '{name}' cannot be fetched")
        found = list(Path(work).resolve().glob("*.deb"))  # the commands run in another folder than this process
        if len(found) != 1:
            raise UserError(f"package '{name}' cannot be fetched: apt-get left {len(found)} files where one was due")
        tree = Path(work).resolve() / "tree"
        _run(["dpkg-deb", "-x", str(found[0]), str(tree)], Path(work), f"package '{name}' cannot be unpacked")
        version = _run(["dpkg-deb", "-f", str(found[0]), "Version"], Path(work), f"package '{name}' has no version")
        facts = asdict(Package(name, version.strip(), digest_file(found[0]), cache / name))
        write_json(tree / _FACTS, {key: value for key, value in facts.items() if key != "folder"})
        tree.chmod(0o755)
        shutil.rmtree(cache / name, ignore_errors=True)
        tree.rename(cache / name)


def _run(command: Sequence[str], folder: Path, failed: str) -> str:
    """What a command prints; UserError with the last line of its complaint."""
    environment = {**os.environ, **_ENVIRONMENT}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{failed}: {command[0]} took more than {_SECONDS} s; run it again") from None
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()] or [
        f"{command[0]} ended with {done.returncode}"
    ]
    errors = [line for line in lines if line.startswith("E:")] or lines
    raise UserError(
        f"{failed} ({errors[0].removeprefix('E: ')}): try again, run 'apt-get update' as root, or leave it out with "
        "source.packages=[…]"
    )


class Terms:
    r"""Licences by file, from a copyright file in Debian's machine-readable format 1.0.

    >>> text = "Format: x/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n\nFiles: a/b.jpg\nLicense: CC0-1.0"
    >>> Terms(text).of("backgrounds/a/b.jpg"), Terms(text).of("backgrounds/c.jpg"), Terms("Free for all.").of("c.jpg")
    ('CC0-1.0', 'GPL-2+', '')
    """

    def __init__(self, text: str) -> None:
        self._files: list[tuple[str, str]] = []  # pattern, short name; the last one that fits decides
        if "copyright-format" in text[:400]:
            for paragraph in re.split(r"\n\s*\n", text):
                fields = dict(re.findall(r"^(Files|License):((?:.*)(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
                if set(fields) == {"Files", "License"}:
                    short = fields["License"].strip().splitlines()[0].strip()
                    self._files += [(pattern, short) for pattern in fields["Files"].split()]

    def of(self, file: str) -> str:
        """The short name of a file's licence; empty if the text says nothing.

        Patterns are of the source package: a file may be installed elsewhere, so that the end of its path decides,
        then its name alone.
        """
        last = PurePosixPath(file).name
        named = [(PurePosixPath(pattern).name, short) for pattern, short in self._files]
        fitting = [
            [short for pattern, short in self._files if pattern != "*" and fnmatchcase(f"/{file}", f"*/{pattern}")],
            [short for pattern, short in named if pattern != "*" and fnmatchcase(last, pattern)],
            [short for pattern, short in self._files if pattern == "*"],
        ]
        return next((shorts[-1] for shorts in fitting if shorts), "")
