"""The pictures below a folder, in an order that depends on their names alone."""

import os
from collections.abc import Iterator
from pathlib import Path

from redqueen.errors import UserError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")


def folder(path: str | None, obtain: str = "") -> Path:
    """The folder of a source; UserError, with how to obtain it, if there is none."""
    if path is None:
        raise UserError(f"source.path has no value: add source.path=FOLDER; {obtain or 'it holds the pictures'}")
    found = Path(path).expanduser()
    if not found.is_dir():
        raise UserError(f"source.path={path}: no such folder; {obtain or 'give the folder that holds the pictures'}")
    return found


def files(top: Path) -> Iterator[Path]:
    """Every file below a folder, folder by folder; holds the names of one folder at a time."""
    with os.scandir(top) as entries:
        names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, deeper in names:
        if deeper:
            yield from files(top / name)
        elif (top / name).is_file():
            yield top / name


def pictures(top: Path) -> Iterator[str]:
    """The path below `top` of every picture, with slashes; hidden files and folders are none."""
    for file in files(top):
        below = file.relative_to(top)
        if file.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in below.parts):
            yield below.as_posix()
