"""A folder of pictures, with a `metadata.csv`, as `datasets` calls an imagefolder, or without one.

Columns read: file_name, kind, group_id, source, licence; for generated pictures generator and released; optional
resample_factor, topic, prompt_id, style, linked (further groups, written in full, between semicolons) and provenance
(a JSON object). Rows of kind `cutout` are material for collages. A table without the column released is dated through
the vocabulary.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal, cast

from redqueen.console import say
from redqueen.corpus.schema import Material, SourcePicture
from redqueen.corpus.sources import walk
from redqueen.corpus.sources.rows import date_of, factor, provenance
from redqueen.corpus.sources.table import Row, Table, inside
from redqueen.errors import UserError
from redqueen.files import digest_of
from redqueen.types import KINDS, Kind
from redqueen.vocabulary import Vocabulary, packaged

REQUIRED = ("file_name", "kind", "group_id", "source", "licence")
NEVER_EMPTY = ("file_name", "kind", "group_id")
FORMS = ("photo", "cutout", "drawing")

Form = Literal["photo", "cutout", "drawing"]


class ImageFolder:
    """Read a folder that `datasets.load_dataset("imagefolder")` reads too, every cell as the text that it is.

    The table is not read by `datasets`, which guesses: group 007 would become 7, generator NA none, and a picture
    called test-1.jpg another split.

    Args:
        path: the folder; its `metadata.csv` says what the pictures are, or else the arguments that follow.
        name: slug of the source.
        kind: of all pictures, where there is no table: `photo`, `collage`, `drawing`, `generated` or `cutout`.
        licence: of all pictures where there is no table, and of rows that state none where there is one.
        generator: of all pictures, where there is no table; its name or alias in the vocabulary.
        groups: where there is no table, each `file` is a group, or each sub-`folder`.
        vocabulary: dates generators; by default the one that comes with the package.

    Raises:
        UserError: no folder, neither a table nor a kind, a table that is wrong, an unknown generator.
    """

    def __init__(
        self,
        path: str,
        name: str = "folder",
        kind: Literal["photo", "collage", "drawing", "generated", "cutout"] | None = None,
        licence: str | None = None,
        generator: str | None = None,
        groups: Literal["file", "folder"] = "file",
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self.path = walk.folder(path, "give the folder that holds metadata.csv, or one of pictures")
        self.name, self.kind, self.licence, self.generator, self.groups = name, kind, licence, generator, groups
        self._vocabulary = vocabulary
        self._known: dict[str, tuple[str, str]] = {}
        self._file = self.path / "metadata.csv"
        if not self._file.is_file():
            self._check_arguments(path)
        elif kind or generator:
            raise UserError(f"{self._file} says what each picture is: leave out source.kind and source.generator")
        else:
            self._table  # noqa: B018  (a table that cannot be read is refused before any work is done)

    def _check_arguments(self, path: str) -> None:
        if self.kind is None or not self.licence:
            missing = "source.kind" if self.kind is None else "source.licence"
            raise UserError(
                f"source.path={path}: no metadata.csv in it (columns needed: {', '.join(REQUIRED)}); "
                f"without one, {missing}=… must say what all pictures are"
            )
        if self.kind == "generated" and not self.generator:
            raise UserError("source.kind=generated needs source.generator=NAME, which dates the pictures")
        if self.kind != "generated" and self.generator:
            raise UserError(f"source.kind={self.kind} has no generator: leave out source.generator")

    @cached_property
    def _table(self) -> Table:
        return Table(self._file, REQUIRED, self._check)

    @property
    def _by_vocabulary(self) -> bool:
        return self.generator is not None or (self.kind is None and "released" not in self._table.columns)

    def _check(self, row: Row, where: str) -> None:
        for column in NEVER_EMPTY:
            if not row[column]:
                raise UserError(f"{where}: {column} is empty")
        if not inside(row["file_name"]):
            raise UserError(f"{where}: file_name '{row['file_name']}' leads out of {self.path}")
        if not row["licence"] and not self.licence:
            raise UserError(f"{where}: licence is empty; give the licence of such rows as source.licence=…")
        factor(row.get("resample_factor") or "1", where)
        provenance(row.get("provenance") or "", where)
        generator = row.get("generator")
        if generator and row["kind"] == "generated" and "released" not in row and generator not in self._known:
            self._known[generator] = date_of(generator, where, self._vocabulary)

    def fingerprint(self) -> str:
        """A digest of the table's bytes and of every file's name and size; of the arguments, where there is no table.

        Where the vocabulary dates the pictures, of its dates too.
        """
        files = sorted((str(p.relative_to(self.path)), p.stat().st_size) for p in self.path.rglob("*") if p.is_file())
        inputs: list[Any] = [self._file.read_text(encoding="utf-8") if self._file.is_file() else None, files]
        arguments = [self.kind, self.licence, self.generator, self.groups]
        if any(value not in (None, "file") for value in arguments):
            inputs.append(arguments)
        if self._by_vocabulary:
            inputs.append([(entry.name, entry.released, entry.aliases) for entry in self._vocabulary or packaged()])
        return digest_of(inputs)

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the pictures by file name, as far as their kind is one of ours; says which have no row."""
        others: Counter[str] = Counter()
        if self.kind is None:
            self._say_strays(self._table.strays(walk.pictures(self.path)))
        for row in self._rows():
            if row["kind"] in KINDS:
                yield self._picture(row)
            elif row["kind"] not in FORMS:
                others[row["kind"]] += 1
        for kind, count in sorted(others.items()):
            say(f"{count} rows of {self._file} are left out: '{kind}' is none of {', '.join(KINDS)}, cutout")

    def materials(self) -> Iterator[Material]:
        """Yield photographs, cut-outs and drawings by file name."""
        for row in self._rows():
            if row["kind"] in FORMS:
                yield Material(
                    name=row["file_name"],
                    read=(self.path / row["file_name"]).read_bytes,
                    form=cast(Form, row["kind"]),
                    group_id=f"{self.name}/{row['group_id']}",
                    source=row["source"] or self.name,
                    licence=row["licence"] or str(self.licence),
                )

    def _rows(self) -> Iterable[Row]:
        """The rows of the table, or those that it would have."""
        return self._table if self.kind is None else map(self._row, walk.pictures(self.path))

    def _row(self, below: str) -> Row:
        group = below if self.groups == "file" else below.rpartition("/")[0] or "."
        generator = self.generator or ""
        return {
            "file_name": below, "kind": str(self.kind), "group_id": group, "source": "", "licence": "",
            "generator": generator,
        }  # fmt: skip

    def _say_strays(self, stray: list[str]) -> None:
        if stray:
            first = self.path / stray[0]
            say(f"{len(stray)} pictures have no row in {self._file} and are left out, the first of them {first}")

    def _picture(self, row: Row) -> SourcePicture:
        generator, released = self._dated(row) if row["kind"] == "generated" else (None, None)
        linked = row.get("linked")
        style = {"style": row["style"]} if row.get("style") else {}
        return SourcePicture(
            name=row["file_name"],
            read=(self.path / row["file_name"]).read_bytes,
            kind=cast(Kind, row["kind"]),
            group_id=f"{self.name}/{row['group_id']}",
            source=row["source"] or self.name,
            licence=row["licence"] or str(self.licence),
            generator=generator,
            released=released,
            topic=row.get("topic") or None,
            prompt_id=row.get("prompt_id") or None,
            resample_factor=float(row.get("resample_factor") or 1),
            linked=tuple(group.strip() for group in linked.split(";") if group.strip()) if linked else (),
            provenance={**provenance(row.get("provenance") or "", row["file_name"]), **style},
        )

    def _dated(self, row: Row) -> tuple[str | None, str | None]:
        """Slug and month of a generated picture, as the row has them or as the vocabulary has."""
        generator = row.get("generator") or None
        if not self._by_vocabulary or generator is None:
            return generator, row.get("released") or None
        return self._entry(generator)

    def _entry(self, generator: str) -> tuple[str, str]:
        if generator not in self._known:
            self._known[generator] = date_of(generator, "source.generator", self._vocabulary)
        return self._known[generator]
