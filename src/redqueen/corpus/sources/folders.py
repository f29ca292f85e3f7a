"""Folders of pictures whose names say what is in them: GenImage, Synthbuster and others that come as archives."""

import re
from collections.abc import Iterator
from itertools import islice

from redqueen.console import say
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources import walk
from redqueen.corpus.sources.rows import Rows
from redqueen.errors import UserError
from redqueen.files import digest_of


class Folders:
    """Reads the pictures below a folder, in the order of their names; their paths are their rows.

    Args:
        pattern: regular expression for the path of a picture below it, with slashes; its named groups are the columns.
        rows: what the columns mean.
        path: the folder.
        name: slug of the source.
        obtain: how to get the set, for the message where the folder is missing.
        limit: pictures to read at most.

    Raises:
        UserError: no such folder, a pattern that is none, a column that it does not name, no picture that fits it.
    """

    def __init__(
        self, pattern: str, rows: Rows, path: str | None = None, name: str = "folders", obtain: str = "",
        limit: int | None = None,
    ) -> None:  # fmt: skip
        self.path, self.rows, self.name, self.limit = walk.folder(path, obtain), rows, name, limit
        try:
            self.pattern = re.compile(pattern)
        except re.error as error:
            raise UserError(f"source.pattern={pattern}: no regular expression ({error})") from None
        rows.check("source.pattern", self.pattern.groupindex)

    def fingerprint(self) -> str:
        """Digest of every picture's name and size, of the pattern, of what its groups mean, and of the limit."""
        files = ((below, (self.path / below).stat().st_size) for below in walk.pictures(self.path))
        return digest_of([digest_of(list(files)), self.pattern.pattern, self.rows.fingerprint(), self.limit])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the pictures whose path fits the pattern; says how many do not."""
        fitting, strays = 0, 0
        for below in islice(walk.pictures(self.path), self.limit):
            found = self.pattern.search(below)
            if found is None:
                strays += 1
                continue
            fitting += 1
            picture = self.rows.picture(found.groupdict(), below, self.name, (self.path / below).read_bytes)
            if picture is not None:
                yield picture
        if not fitting:
            raise UserError(f"{self.path}: no picture whose path fits {self.pattern.pattern}; see source.pattern")
        if strays:
            say(f"{strays} pictures below {self.path} do not fit source.pattern and are left out")
