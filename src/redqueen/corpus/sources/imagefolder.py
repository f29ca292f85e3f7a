"""A folder of pictures with a `metadata.csv`, as `datasets` calls an imagefolder: `field`, or what `generate` renders.

Columns read: file_name, kind, group_id, source, licence; for generated pictures generator and released; optional
resample_factor, topic, prompt_id. Rows of other kinds (field's cut-outs) are left out.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from redqueen.corpus.schema import SourcePicture
from redqueen.errors import UserError, unknown
from redqueen.files import digest_of
from redqueen.types import KINDS, Kind

REQUIRED = ("file_name", "kind", "group_id", "source", "licence")


class ImageFolder:
    """Read a folder through `datasets.load_dataset("imagefolder")`, pictures undecoded and streamed.

    Args:
        path: the folder that holds `metadata.csv`.
        name: slug of the source.
    """

    def __init__(self, path: str, name: str = "folder") -> None:
        self.path = Path(path).expanduser()
        self.name = name
        if not self.path.is_dir():
            raise UserError(f"source.path={path}: no such folder; give the folder that holds metadata.csv")
        if not self._table.is_file():
            raise UserError(f"source.path={path}: no metadata.csv in it; columns needed: {', '.join(REQUIRED)}")
        with self._table.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file), [])
        for column in REQUIRED:
            if column not in header:
                raise unknown(f"column of {self._table.name} (needed, not found):", column, header)

    @property
    def _table(self) -> Path:
        return self.path / "metadata.csv"

    def fingerprint(self) -> str:
        """A digest of the table's bytes and of every file's name and size."""
        files = sorted((str(p.relative_to(self.path)), p.stat().st_size) for p in self.path.rglob("*") if p.is_file())
        return digest_of([self._table.read_text(encoding="utf-8"), files])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the rows in the order of `metadata.csv`, as far as their kind is one of ours."""
        import datasets  # noqa: PLC0415  (slow to import)

        datasets.disable_progress_bars()
        rows = datasets.load_dataset(
            "imagefolder", data_dir=str(self.path), drop_labels=True, split="train", streaming=True
        ).cast_column("image", datasets.Image(decode=False))
        found = {row["image"]["path"]: row for row in rows}
        for path in sorted(found):
            row = found[path]
            if row["kind"] in KINDS:
                yield self._picture(Path(path), row)

    def _picture(self, path: Path, row: Mapping[str, Any]) -> SourcePicture:
        kind = cast(Kind, row["kind"])
        generated = kind == "generated"
        factor = row.get("resample_factor")
        return SourcePicture(
            name=str(path.relative_to(self.path.resolve()) if path.is_absolute() else path),
            read=path.read_bytes,
            kind=kind,
            group_id=f"{self.name}/{row['group_id']}",
            source=_text(row["source"]) or self.name,
            licence=_text(row["licence"]) or "unknown",
            generator=_text(row.get("generator")) if generated else None,
            released=_text(row.get("released")) if generated else None,
            topic=_text(row.get("topic")),
            prompt_id=_text(row.get("prompt_id")),
            resample_factor=1.0 if factor is None or math.isnan(float(factor)) else float(factor),
            provenance={"style": row["style"]} if row.get("style") else {},
        )


def _text(value: Any) -> str | None:
    return None if value is None or value == "" or value != value else str(value)  # noqa: PLR0124  (NaN)
