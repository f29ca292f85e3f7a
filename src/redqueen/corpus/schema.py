"""What a corpus is made of: the source's description of a picture, and the columns of a finished row."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pyarrow as pa

from redqueen.types import Kind

SCHEMA_VERSION = 2  # 2: the columns that start with "source_", windows.parquet

DIGEST_COLUMNS = ("image_id", "label", "kind", "generator", "released", "group_id", "split")
METADATA_COLUMNS = ("width", "height", "format", "quality", "resample_factor")  # what a metadata-only cheat could see
SOURCE_COLUMNS = ("source_width", "source_height", "source_format", "source_quality")  # the same before treatment

# The same columns as DESIGN's table; the struct {bytes, path} is how `datasets.Image` stores an encoded picture.
COLUMNS = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("image_id", pa.string()),
        ("kind", pa.string()),
        ("label", pa.int8()),
        ("generator", pa.string()),
        ("released", pa.string()),
        ("topic", pa.string()),
        ("prompt_id", pa.string()),
        ("group_id", pa.string()),
        ("split", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("format", pa.string()),
        ("quality", pa.int32()),
        ("resample_factor", pa.float64()),
        ("source_width", pa.int32()),
        ("source_height", pa.int32()),
        ("source_format", pa.string()),
        ("source_quality", pa.int32()),
        ("provenance", pa.string()),
    ]
)


@dataclass(frozen=True)
class SourcePicture:
    """A picture before treatment: described cheaply, read only when its turn comes.

    Attributes:
        name: what `rejects.csv` calls it. It identifies nothing: two pictures of one name both come in, while the
            same bytes come in once, whatever their names.
        read: returns the encoded bytes as they lie in the source; may raise OSError. Called in the order of the
            source, from one thread, before the next picture is described.
        kind: what sort of picture it is; `generated` means AI-generated (label 1).
        group_id: rows that share a photo, a prompt or an author's series share it.
        linked: further groups that must end in the same split: of the materials of a collage, of the photograph
            behind a reconstruction. All groups that a picture names become one.
        source: where the picture came from.
        licence: under what terms.
        generator: slug of the generator; None for human-made.
        released: the generator's release month "YYYY-MM"; None for human-made or unknown.
        resample_factor: source pixels per pixel of these bytes, where an earlier treatment shrank them.
        provenance: how it was made; becomes JSON.
    """

    name: str
    read: Callable[[], bytes]
    kind: Kind
    group_id: str
    source: str
    licence: str
    generator: str | None = None
    released: str | None = None
    topic: str | None = None
    prompt_id: str | None = None
    resample_factor: float = 1.0
    linked: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """Something human-made that collages and drawn scenes are composed from; no row of a corpus itself.

    Attributes:
        name: unique within the source.
        read: returns the encoded bytes; may raise OSError.
        form: a whole photograph; a photographic cut-out with alpha; a drawing, with alpha or without.
        group_id: the group of the rows that show the same material.
        source: where it came from.
        licence: under what terms.
    """

    name: str
    read: Callable[[], bytes]
    form: Literal["photo", "cutout", "drawing"]
    group_id: str
    source: str
    licence: str


class Source(Protocol):
    """Anything that yields pictures, always in the same order; it never holds more than one picture's bytes."""

    @property
    def name(self) -> str:
        """Slug of the source, part of the corpus's name."""
        ...

    def fingerprint(self) -> str:
        """Digest of what lies in the source: when it changes, what was made from it is made again."""
        ...

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield every picture's description in a fixed order."""
        ...


class Materials(Protocol):
    """A source that also lends what collages and drawn scenes are composed from."""

    def materials(self) -> Iterator[Material]:
        """Yield every material's description in a fixed order."""
        ...


def image_id(data: bytes) -> str:
    """The identity of an encoded picture: sha256 of its bytes, hex."""
    return hashlib.sha256(data).hexdigest()


def digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Order-independent digest of a corpus: the sum, modulo 2^256, of each row's sha256 over DIGEST_COLUMNS.

    A sum (unlike xor) also counts how often a row occurs.

    >>> a, b = ({c: i for c in DIGEST_COLUMNS} for i in (1, 2))
    >>> digest([a, b]) == digest([b, a]), digest([a, a]) == digest([b, b])
    (True, False)
    """
    total = 0
    for row in rows:
        text = "\x1f".join("" if row[column] is None else str(row[column]) for column in DIGEST_COLUMNS)
        total += int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return f"{total % 2**256:064x}"
