"""Bad inputs 70 to 72: pictures, of a data set and of users."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ImageFile

import hostile_files
import stand_ins
from leaderboard.cases import Case
from leaderboard.world import World

USAGE = 2


def _folder(world: World, names: list[str]) -> Path:
    """Twelve plain photographs and some files that are none."""
    folder = world.folder / "pictures"
    folder.mkdir()
    for number in range(12):
        (folder / f"plain-{number}.png").write_bytes(stand_ins.png(stand_ins.human_pixels(number)))
    for name in names:
        (folder / name).write_bytes(hostile_files.CONTENTS[name][0])
    return folder


def _built(folder: Path, *words: str) -> list[str]:
    source = ["source=folder", f"source.path={folder}", "source.kind=photo", "source.licence=CC0-1.0"]
    return ["corpus", "build", *source, "normalise.size=32", "workers=1", *words]


def _hostile(world: World) -> list[str]:
    """Every file that is no picture, or not a whole one, among those that `corpus build` looks at."""
    kept = (".jpg", ".png", ".webp", ".gif", ".bmp")
    bad = [name for name, (_, end) in hostile_files.CONTENTS.items() if end != hostile_files.JUDGED]
    return _built(_folder(world, [name for name in bad if name.endswith(kept) and name.isprintable()]))


def _truncated(world: World) -> list[str]:
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    return _built(_folder(world, []))


def _other_bytes(world: World) -> list[str]:
    """A corpus in which one picture was put in another's place, under the other's id."""
    folder = stand_ins.corpus(world.folder).folder
    path = next(folder.glob("*/*.parquet"), None) or next(folder.glob("*-of-*.parquet"))
    file = pq.ParquetFile(path)
    table = file.read()
    images = table.column("image").to_pylist()
    images[0] = images[1]
    at = table.schema.get_field_index("image")
    changed = table.set_column(at, table.schema.field(at), pa.array(images, table.schema.field(at).type))
    pq.write_table(changed, path, row_group_size=file.metadata.row_group(0).num_rows)
    return ["corpus", "show", str(folder), "n=50"]


CASES = [
    Case("70", "hostile files among photographs", _hostile, 0, r"rejects\.csv|cannot be used|rejected"),
    Case("71", "half pictures allowed by another library", _truncated, USAGE, "LOAD_TRUNCATED_IMAGES"),
    Case("72", "bytes that are not those of the id", _other_bytes, USAGE, "they were changed"),
]
