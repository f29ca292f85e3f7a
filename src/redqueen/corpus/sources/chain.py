"""Several sources, one after the other."""

from collections.abc import Iterator, Sequence

from redqueen.corpus.schema import Source, SourcePicture
from redqueen.files import digest_of


class Chain:
    """Yields the pictures of each source in turn, under one name."""

    def __init__(self, name: str, sources: Sequence[Source]) -> None:
        self.name, self.sources = name, sources

    def fingerprint(self) -> str:
        """Digest of the sources' fingerprints, in order."""
        return digest_of([source.fingerprint() for source in self.sources])

    def pictures(self) -> Iterator[SourcePicture]:
        """Every picture of every source."""
        for source in self.sources:
            yield from source.pictures()
