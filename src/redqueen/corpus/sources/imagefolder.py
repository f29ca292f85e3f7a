"""A folder of pictures with a `metadata.csv`, as `datasets` calls an imagefolder: `field`, or what `generate` renders.

Columns read: file_name, kind, group_id, source, licence; for generated pictures generator and released; optional
resample_factor, topic, prompt_id. Rows of other kinds (field's cut-outs) are left out.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import cast

from redqueen.console import say
from redqueen.corpus.schema import SourcePicture
from redqueen.errors import UserError, unknown
from redqueen.files import digest_of
from redqueen.types import KINDS, Kind

REQUIRED = ("file_name", "kind", "group_id", "source", "licence")
NEVER_EMPTY = ("file_name", "kind", "group_id")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")

Row = Mapping[str, str]


class ImageFolder:
    """Read a folder that `datasets.load_dataset("imagefolder")` reads too, every cell as the text that it is.

    The table is not read by `datasets`, which guesses: group 007 would become 7, generator NA none, and a picture
    called test-1.jpg another split.

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
        self._rows  # noqa: B018  (a table that cannot be read is refused before any work is done)

    @property
    def _table(self) -> Path:
        return self.path / "metadata.csv"

    @cached_property
    def _rows(self) -> list[Row]:
        try:
            with self._table.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, strict=True)
                header = reader.fieldnames or []
                for column in REQUIRED:
                    if column not in header:
                        raise unknown(f"column of {self._table} (needed, not found):", column, header)
                return [self._checked(row, reader.line_num) for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{self._table}: not a CSV file in UTF-8 ({error})") from None

    def _checked(self, row: dict[str, str], line: int) -> Row:
        if None in row or None in row.values():
            raise UserError(f"{self._table}, line {line}: not as many cells as columns")
        for column in NEVER_EMPTY:
            if not row[column]:
                raise UserError(f"{self._table}, line {line}: {column} is empty")
        factor = row.get("resample_factor") or "1"
        try:
            usable = 0 < float(factor) < math.inf
        except ValueError:
            usable = False
        if not usable:
            raise UserError(f"{self._table}, line {line}: resample_factor must be a number over 0, not '{factor}'")
        return row

    def fingerprint(self) -> str:
        """A digest of the table's bytes and of every file's name and size."""
        files = sorted((str(p.relative_to(self.path)), p.stat().st_size) for p in self.path.rglob("*") if p.is_file())
        return digest_of([self._table.read_text(encoding="utf-8"), files])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the rows by file name, as far as their kind is one of ours; says which pictures have no row."""
        listed = {Path(row["file_name"]) for row in self._rows}
        files = (path for path in self.path.rglob("*") if path.suffix.lower() in SUFFIXES)
        stray = sorted(str(path) for path in files if path.relative_to(self.path) not in listed)
        if stray:
            say(f"{len(stray)} pictures have no row in {self._table} and are left out, the first of them {stray[0]}")
        for row in sorted(self._rows, key=lambda row: row["file_name"]):
            if row["kind"] in KINDS:
                yield self._picture(row)

    def _picture(self, row: Row) -> SourcePicture:
        generated = row["kind"] == "generated"
        return SourcePicture(
            name=row["file_name"],
            read=(self.path / row["file_name"]).read_bytes,
            kind=cast(Kind, row["kind"]),
            group_id=f"{self.name}/{row['group_id']}",
            source=row["source"] or self.name,
            licence=row["licence"] or "unknown",
            generator=row.get("generator") or None if generated else None,
            released=row.get("released") or None if generated else None,
            topic=row.get("topic") or None,
            prompt_id=row.get("prompt_id") or None,
            resample_factor=float(row.get("resample_factor") or 1),
            provenance={"style": row["style"]} if row.get("style") else {},
        )
