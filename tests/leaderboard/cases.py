"""What the suite of bad inputs is made of: one case, and how a bundle is taken apart and put together again."""

import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leaderboard.world import World


@dataclass(frozen=True)
class Case:
    """One bad input: what it is, and how the command that is given it must end.

    Attributes:
        number: as in the list of bad inputs that leaderboards meet: "1" to "72", "R1" to "R15".
        name: what is wrong.
        make: writes the input below `world.folder` and returns the words of the command line; None if the case does not
            apply.
        code: the exit code that the command states.
        says: regular expression that is found in what it prints.
        reason: why it does not apply.
    """

    number: str
    name: str
    make: Callable[[World], list[str]] | None
    code: int | None
    says: str = ""
    reason: str = ""


def verify(world: World, bundle: Path | None = None, *more: str) -> list[str]:
    """The words that verify a bundle, the world's own one by default."""
    return ["verify", str(bundle or world.bundle), "--benchmark", str(world.folder / "benchmark"), *more]


def files(world: World) -> dict[str, bytes]:
    """Every file of the world's bundle by its path."""
    found = sorted(path for path in world.bundle.rglob("*") if path.is_file())
    return {path.relative_to(world.bundle).as_posix(): path.read_bytes() for path in found}


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar, of any kind."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def tarred(world: World, *extra: tuple[tarfile.TarInfo, bytes], held: Mapping[str, bytes] | None = None) -> Path:
    """The bundle as a tar, with more members behind its own."""
    path = world.folder / "bundle.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in (files(world) if held is None else held).items():
            archive.addfile(*_stream(member(f"example/{name}", data)))
        for one in extra:
            archive.addfile(*_stream(one))
    return path


def _stream(one: tuple[tarfile.TarInfo, bytes]) -> tuple[tarfile.TarInfo, io.BytesIO]:
    return one[0], io.BytesIO(one[1])
