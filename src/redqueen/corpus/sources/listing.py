"""A folder of pictures beside a table of any shape: a CSV file that names each picture and says what it is."""

import csv
from collections.abc import Iterator, Mapping
from itertools import islice

from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources import walk
from redqueen.corpus.sources.rows import Rows, reject
from redqueen.corpus.sources.table import inside
from redqueen.errors import UserError
from redqueen.files import digest_of


class Listing:
    """Reads the rows of a CSV file in their order, one at a time.

    Args:
        table: the CSV file below `path`, in UTF-8.
        rows: what the columns mean; its field `image` is the picture's file name.
        path: the folder that holds table and pictures.
        folder: below `path`, where the pictures lie.
        name: slug of the source.
        obtain: how to get the set, for the message where it is missing.
        limit: rows to read at most.

    Raises:
        UserError: no such folder, no table, a column missing.
    """

    def __init__(
        self, table: str, rows: Rows, path: str | None = None, folder: str = ".", name: str = "listing",
        obtain: str = "", limit: int | None = None,
    ) -> None:  # fmt: skip
        self.path, self.rows, self.name, self.limit = walk.folder(path, obtain), rows, name, limit
        self.table, self.folder = self.path / table, self.path / folder
        if not self.table.is_file() or not self.folder.is_dir():
            missing = self.folder if self.table.is_file() else self.table
            raise UserError(f"source.path={path}: {missing} is missing; {obtain or 'is the set complete?'}")
        if "image" not in rows.columns:
            raise UserError("source.rows.columns.image=COLUMN must say which column names the picture")
        self.image = str(rows.columns["image"])
        next(self._lines(), None)  # a table that cannot be read is refused before any work is done

    def fingerprint(self) -> str:
        """Digest of the table's bytes, of every picture's name and size, of what the columns mean, and of the limit."""
        files = ((below, (self.folder / below).stat().st_size) for below in walk.pictures(self.folder))
        inputs = [self.table.read_text(encoding="utf-8-sig"), digest_of(list(files)), self.limit]
        return digest_of([*inputs, self.rows.fingerprint()])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the rows in their order, as far as they are wanted."""
        for number, row in enumerate(islice(self._lines(), self.limit), start=1):
            file = row[self.image]
            where = f"{self.table.name}, row {number}: {file}"
            read = (self.folder / file).read_bytes if inside(file) else reject("its file name leads out of the folder")
            picture = self.rows.picture(row, where, self.name, read)
            if picture is not None:
                yield picture

    def _lines(self) -> Iterator[Mapping[str, str]]:
        try:
            with self.table.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, strict=True)
                self.rows.check(str(self.table), reader.fieldnames or [])
                for row in reader:
                    if None in row or None in row.values():
                        raise UserError(f"{self.table}, line {reader.line_num}: not as many cells as columns")
                    yield row
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{self.table}: not a CSV file in UTF-8 ({error})") from None
