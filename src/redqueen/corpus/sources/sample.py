"""A part of a source, for a quick look or a smoke test."""

from collections.abc import Iterator
from itertools import islice

from redqueen.corpus.schema import Source, SourcePicture
from redqueen.errors import UserError
from redqueen.files import digest_of


class Sample:
    """Every n-th picture of a source, in its order.

    Args:
        source: where the pictures come from.
        every: how many pictures one stands for; 1 keeps all.

    Raises:
        UserError: `every` is less than 1.
    """

    def __init__(self, source: Source, every: int = 10) -> None:
        if every < 1:
            raise UserError(f"baseline.every={every}: give 1 or more")
        self.source, self.every, self.name = source, every, source.name

    def fingerprint(self) -> str:
        """Digest of the source's fingerprint and of the part that is taken; the source's own where that is all."""
        return self.source.fingerprint() if self.every == 1 else digest_of([self.source.fingerprint(), self.every])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the first picture and every n-th after it."""
        return islice(self.source.pictures(), None, None, self.every)
