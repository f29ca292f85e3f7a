"""The list of a bundle's files with their digests: whatever is changed, added or taken away is named."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from redqueen.files import canonical, digest_file, digest_of, write_bytes
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.schema import MANIFEST, Listed, Manifest, parse, problems
from redqueen.leaderboard.strict_json import StrictJsonError

_SHOWN = 5  # names in one message
_AGAIN = "write the bundle again with `redqueen submit`"


def write(folder: Path) -> str:
    """List every file of a folder in its `manifest.json`, which is written last; returns the root digest."""
    listed = {name: listing(folder / name) for name in files(folder) if name != MANIFEST}
    manifest = Manifest(schema_version=1, files=listed, root=root(listed))
    write_bytes(folder / MANIFEST, encoded(manifest))
    return manifest.root


def listing(path: Path) -> Listed:
    """Digest and size of a file."""
    return Listed(sha256=digest_file(path), size=path.stat().st_size)


def root(listed: Mapping[str, Listed]) -> str:
    """The digest over all files, in any order: the name of the bundle's content."""
    return digest_of({name: one.model_dump() for name, one in listed.items()})


def encoded(manifest: Manifest) -> bytes:
    """The one way to write a manifest."""
    return (canonical(manifest.model_dump(mode="json")) + "\n").encode()


def files(folder: Path) -> list[str]:
    """Paths of all that lies in a folder and is no folder, with slashes, sorted; links are not followed."""
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        links = [name for name in folders if Path(where, name).is_symlink()]
        for name in [*names, *links]:
            yield Path(where, name).relative_to(folder).as_posix()


def read(folder: Path) -> Manifest:
    """The manifest of a folder; raises OSError, StrictJsonError or ValidationError."""
    return parse(Manifest, (folder / MANIFEST).read_bytes())


def check(folder: Path) -> list[Check]:
    """Whether every file is listed, every listed file is there, and each is what it was."""
    if not (folder / MANIFEST).is_file() or (folder / MANIFEST).is_symlink():
        return [Check("manifest.none", "rejected", f"there is no {MANIFEST}", _AGAIN)]
    try:
        manifest = read(folder)
    except (StrictJsonError, ValidationError) as error:
        return [
            Check("manifest.schema", "rejected", f"{MANIFEST}: {line}", _AGAIN) for line in problems(error)[:_SHOWN]
        ]
    there = files(folder)
    found = [*_names(manifest, there), *_contents(manifest, folder, there)]
    if manifest.root != root(manifest.files):
        message = f"root is {manifest.root[:12]}, that of the listed files is {root(manifest.files)[:12]}"
        found.append(Check("manifest.root", "rejected", message, _AGAIN))
    elif (folder / MANIFEST).read_bytes() != encoded(manifest):
        message = f"{MANIFEST} is not written as it has to be: sorted keys, no spaces, one line"
        found.append(Check("manifest.form", "rejected", message, _AGAIN))
    return found or [Check("manifest", "passed", f"{len(manifest.files)} files, root {manifest.root}")]


def _names(manifest: Manifest, there: list[str]) -> Iterator[Check]:
    listed = set(manifest.files)
    if MANIFEST in listed:
        yield Check("manifest.itself", "rejected", f"{MANIFEST} lists itself, which no digest can hold", _AGAIN)
    missing, extra = sorted(listed - set(there)), sorted(set(there) - listed - {MANIFEST})
    if missing:
        fix = f"put them back, or {_AGAIN}"
        yield Check("manifest.missing", "rejected", f"listed, but not there: {_some(missing)}", fix)
    if extra:
        yield Check("manifest.extra", "rejected", f"there, but not listed: {_some(extra)}", "take them away")


def _contents(manifest: Manifest, folder: Path, there: list[str]) -> Iterator[Check]:
    for name in sorted(set(manifest.files) & set(there) - {MANIFEST}):
        path, one = folder / name, manifest.files[name]
        if path.is_symlink():
            yield Check("manifest.changed", "rejected", f"{_shown(name)} is a link", _AGAIN)
        elif path.stat().st_size != one.size:
            message = f"{_shown(name)} has {path.stat().st_size} bytes, listed are {one.size}"
            yield Check("manifest.changed", "rejected", message, _AGAIN)
        elif digest_file(path) != one.sha256:
            message = f"{_shown(name)} has sha256 {digest_file(path)[:12]}, listed is {one.sha256[:12]}"
            yield Check("manifest.changed", "rejected", message, _AGAIN)


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(_shown, names[:_SHOWN])) + rest


def _shown(name: str) -> str:
    """A name that somebody else chose, in plain characters."""
    return ascii(name)[1:-1][:120]
