"""The files that a user names: found one by one, read without waiting for anything, shown without being obeyed."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from redqueen.corpus.decode import MAX_BYTES
from redqueen.corpus.sources.walk import SUFFIXES
from redqueen.errors import RejectedPictureError

OTHERS = (".tif", ".tiff", ".avif", ".heic", ".heif", ".jfif", ".jxl", ".svg")  # pictures that are named, not judged
LONGEST = 400  # characters of a name or a reason that are shown

Found = tuple[Path, str | None]  # a file, or a place that gave none and why


def found(words: Sequence[str], stdin: BinaryIO) -> Iterator[Found]:
    """Every file: of a folder those below it that are called pictures, of `-` those whose paths come from stdin.

    Paths from stdin are one a line, or separated by NUL where there is one. No link to a folder is followed.
    """
    for word in words:
        if word == "-":
            names = _names(stdin.read())
            yield from (one for name in names for one in _below(Path(name)))
            if not names:
                yield Path(word), "no path came from stdin"
        else:
            yield from _below(Path(word))


def _names(data: bytes) -> list[str]:
    parts = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(part) for part in parts if part]


def _below(path: Path) -> Iterator[Found]:
    """The file itself, or the pictures in a folder, in the order of their names."""
    if not _is_folder(path):
        yield path, None
        return
    troubles: list[OSError] = []
    none = True
    for folder, folders, files in os.walk(path, onerror=troubles.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix.lower() in (*SUFFIXES, *OTHERS) and not name.startswith("."):
                none = False
                yield Path(folder, name), None
    for trouble in troubles:
        yield Path(str(trouble.filename)), _spelled(trouble)
    if none and not troubles:
        yield path, "a folder without pictures"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read(path: Path) -> bytes:
    """The bytes of a regular file that is not too large; raises RejectedPictureError with the reason.

    A pipe, a device or a socket is never waited for.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise RejectedPictureError(_spelled(error)) from None
    except ValueError as error:
        raise RejectedPictureError(f"no path: {error}") from None
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise RejectedPictureError("no regular file")
    with os.fdopen(handle, "rb") as file:
        if facts.st_size > MAX_BYTES:
            raise RejectedPictureError(f"{facts.st_size} bytes; at most {MAX_BYTES} are read")
        try:
            return file.read(MAX_BYTES + 1)  # decoding refuses one that has grown since
        except OSError as error:
            raise RejectedPictureError(_spelled(error)) from None


def _spelled(error: OSError) -> str:
    known = {errno.ENOENT: "no such file", errno.ELOOP: "links that lead in a circle", errno.ENXIO: "no regular file"}
    return known.get(error.errno or 0, (error.strerror or "cannot be read").lower())


def shown(text: str) -> str:
    r"""The text with everything that a terminal would obey, or that turns the order of letters, spelled out.

    >>> print(shown("a\x1b[2Jb\nc\u202egnp.jpg"))
    a\x1b[2Jb\nc\u202egnp.jpg
    """
    spelled = "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode() for one in text
    )
    return spelled if len(spelled) <= LONGEST else f"{spelled[: LONGEST // 2]} … {spelled[-LONGEST // 2 :]}"
