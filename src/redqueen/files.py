"""Files that are whole or absent, and stages that are done once: the reason why any run can be killed and resumed.

A stage writes into a folder of the store that is named after the digest of everything it depends on. `stage.json`
is written last; a folder without it is unfinished work that the stage picks up where it stopped.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redqueen import __version__
from redqueen.errors import DigestError

DONE = "stage.json"


def configs() -> Path:
    """The folder of configurations: inside the installed package, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    packaged = here / "configs"
    return packaged if packaged.is_dir() else here.parents[1] / "configs"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or none of it; raises OSError when the disk is full."""
    write_chunks(path, (data,))


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """As `write_bytes`, piece by piece: the file is never in memory as a whole."""
    with writing(path) as part, part.open("wb") as file:
        file.writelines(chunks)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place when the block ends well, and else is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spare spaces: the same text for the same value; refuses NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)


def write_json(path: Path, value: Any) -> None:
    """Write readable, key-sorted JSON atomically; refuses NaN and infinity, which JSON does not have."""
    write_text(path, json.dumps(value, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def digest_of(value: Any) -> str:
    """sha256 over the canonical JSON of a value, hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def digest_file(path: Path) -> str:
    """sha256 of a file, hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seed_from(*parts: object) -> int:
    """A 63-bit seed that depends on nothing but `parts`: the same on every machine and in every process.

    >>> seed_from("crop", 1) == seed_from("crop", 1), seed_from("crop", 1) == seed_from("crop", 2)
    (True, False)
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True)
class Stage:
    """A folder of the store for one piece of work with known inputs."""

    folder: Path
    inputs: Mapping[str, Any]

    @classmethod
    def open(cls, store: Path, kind: str, name: str, inputs: Mapping[str, Any]) -> "Stage":
        """The stage's folder `store/kind/name-<12 hex of the inputs' digest>`, made if it is not there."""
        inputs = json.loads(canonical({**inputs, "redqueen": __version__}))
        folder = store / kind / f"{name}-{digest_of(inputs)[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, inputs)

    @property
    def done(self) -> bool:
        """Whether the stage was finished; raises DigestError if the folder was finished for other inputs."""
        path = self.folder / DONE
        if not path.exists():
            return False
        if json.loads(path.read_text()) != self.inputs:
            raise DigestError(f"{self.folder} was made from other inputs; delete it and run again")
        return True

    def finish(self) -> None:
        """Mark the stage as done: the last thing that it writes."""
        write_json(self.folder / DONE, self.inputs)

    def restart(self) -> None:
        """Throw away what the stage has made so far."""
        shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
