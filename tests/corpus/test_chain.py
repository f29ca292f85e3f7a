"""Several sources under one name."""

from collections.abc import Iterator

from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources.chain import Chain


class _Source:
    def __init__(self, name: str, count: int) -> None:
        self.name, self._count = name, count

    def fingerprint(self) -> str:
        return f"{self.name}{self._count}"

    def pictures(self) -> Iterator[SourcePicture]:
        for i in range(self._count):
            yield SourcePicture(f"{self.name}/{i}", lambda: b"", "photo", str(i), "here", "CC0")


def test_pictures_come_source_by_source() -> None:
    chain = Chain("both", [_Source("a", 2), _Source("empty", 0), _Source("b", 1)])
    assert [picture.name for picture in chain.pictures()] == ["a/0", "a/1", "b/0"]
    assert [picture.name for picture in chain.pictures()] == ["a/0", "a/1", "b/0"]  # twice: a stage may read it again
    assert chain.name == "both"


def test_the_fingerprint_knows_every_source_and_their_order() -> None:
    a, b = _Source("a", 2), _Source("b", 1)
    chains = [[a, b], [b, a], [a], [a, b, b], [_Source("a", 3), b]]
    prints = [Chain("x", sources).fingerprint() for sources in chains]
    assert len(set(prints)) == len(prints)
    assert Chain("y", [_Source("a", 2), _Source("b", 1)]).fingerprint() == prints[0]
