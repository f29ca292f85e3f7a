"""Random damage to a bundle: to its bytes, its values, its list of files, and to the archive that it comes in."""

import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leaderboard import world as worlds
from leaderboard.world import World

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 2**53, 2**64, "", " ", "x" * 5000, "\u202e", "\ud83d\ude00", "2026-02-30", "0001-01-01",
    "9999-12-31", "../x", "javascript:x", [], {}, [[]], {"": 0}, 0.5, "0" * 64, "NaN", "maker-c", "2026-01",
)  # fmt: skip


def mutated(world: World, seed: int) -> Path:
    """Damage a copy of the world's bundle in a way that the seed decides; the path of what is to be verified."""
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        chance.choice(FOLDER)(world.bundle, chance)
    if chance.random() < 0.7:  # as somebody would who wants it to pass for whole
        worlds.seal(world.bundle)
    form = chance.choice(["folder", "folder", "tar", "tar.gz", "zip"])
    if form == "folder":
        return world.bundle
    data = bytearray(_packed(world.bundle, form))
    if chance.random() < 0.7:
        _damage(data, chance)
    path = world.folder / f"bundle.{form}"
    path.write_bytes(data)
    return path


def _packed(bundle: Path, form: str) -> bytes:
    buffer = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(bundle).as_posix())
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz" if form == "tar.gz" else "w") as archive:
        archive.add(bundle, "example")
    return buffer.getvalue()


def _damage(data: bytearray, chance: random.Random) -> None:
    """Bits turned, a piece cut out, doubled or overwritten."""
    kind, at = chance.randrange(5), chance.randrange(len(data) + 1)
    length = chance.choice([1, 4, 16, 512, 4096])
    if kind == 0:
        for _ in range(chance.choice([1, 1, 3, 30])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del data[at : at + length]
    elif kind == 2:
        data[at:at] = data[at : at + length]
    elif kind == 3:
        data[at : at + length] = chance.randbytes(length)
    else:
        del data[at:]
    if not data:
        data += b"\0"


def _bytes(bundle: Path, chance: random.Random) -> None:
    path = _some(bundle, chance)
    data = bytearray(path.read_bytes())
    if data:
        _damage(data, chance)
    path.write_bytes(data)


def _value(bundle: Path, chance: random.Random) -> None:
    """Another value somewhere in a JSON file."""
    path = _some(bundle, chance, ".json")
    try:
        tree = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    node, steps = tree, chance.randrange(1, 6)
    for step in range(steps):
        if not isinstance(node, dict | list) or not node:
            return
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key: Any = chance.choice(keys)
        if step == steps - 1 or not isinstance(node[key], dict | list):
            node[key] = chance.choice(ODD)
            break
        node = node[key]
    path.write_text(json.dumps(tree))


def _key(bundle: Path, chance: random.Random) -> None:
    """A key more or less in a JSON file."""
    path = _some(bundle, chance, ".json")
    try:
        tree = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    if isinstance(tree, dict) and tree:
        if chance.random() < 0.5:
            tree.pop(chance.choice(list(tree)))
        else:
            tree[chance.choice(["x", "", "__proto__", "tier"])] = chance.choice(ODD)
        path.write_text(json.dumps(tree))


def _file(bundle: Path, chance: random.Random) -> None:
    """A file less, empty, under another name, or in another's place."""
    path, other = _some(bundle, chance), _some(bundle, chance)
    kind = chance.randrange(4)
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.write_bytes(b"")
    elif kind == 2:
        path.rename(path.with_name(chance.choice(["x.json", "X.JSON", "y.parquet", ".z.json", "model.safetensors"])))
    else:
        path.write_bytes(other.read_bytes())


def _some(bundle: Path, chance: random.Random, ending: str = "") -> Path:
    found = sorted(path for path in bundle.rglob(f"*{ending}") if path.is_file())
    return chance.choice(found) if found else bundle / "submission.json"


FOLDER: tuple[Callable[[Path, random.Random], None], ...] = (_bytes, _bytes, _value, _value, _key, _file)
