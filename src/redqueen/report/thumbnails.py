"""Small pictures of the worst errors: those whose licence lets them be passed on, and no other.

They lie in a run's folder beside its results, under the ids of the corpus, and only the report takes them up.
"""

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from redqueen.corpus.store import Corpus
from redqueen.errors import RejectedPictureError
from redqueen.files import write_bytes
from redqueen.report.finding import best_of
from redqueen.report.tables import as_probability, error_of
from redqueen.types import Result

FOLDER = "errors"  # of a run
SIDE = 192  # pixels of the longer side
_KINDS = {"photo": "photograph", "collage": "collage", "drawing": "drawing"}


@dataclass(frozen=True)
class Thumbnail:
    """An error as the page shows it."""

    source: str  # data URI
    size: tuple[int, int]
    alt: str
    caption: str


def save(corpus: Corpus, results: Sequence[Result], folder: Path, may_show: Callable[[str], bool]) -> None:
    """Write a thumbnail of each picture that any of the results names as an error, where its licence may be shown."""
    rows = {str(one): row for row, one in enumerate(corpus.column("image_id"))}
    licences = corpus.column("licence")
    for image_id in sorted({one.image_id for result in results for one in result.mistakes} & rows.keys()):
        if may_show(str(licences[rows[image_id]])):
            try:
                picture = Image.fromarray(corpus.pixels(rows[image_id]))
            except RejectedPictureError:
                continue
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            data = io.BytesIO()
            picture.save(data, "WEBP", quality=80, method=6)
            write_bytes(folder / FOLDER / f"{image_id}.webp", data.getvalue())


def read(folders: Iterable[Path]) -> dict[str, bytes]:
    """The thumbnails of some runs, by the ids of the pictures."""
    return {path.stem: path.read_bytes() for folder in folders for path in sorted((folder / FOLDER).glob("*.webp"))}


def shown(results: Sequence[Result], known: Mapping[str, bytes]) -> list[Thumbnail]:
    """The errors of the detector of the first sentence, as far as they may be shown, in the order of its table."""
    found = []
    for one in best_of(results).mistakes:
        if one.image_id in known:
            data = known[one.image_id]
            source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
            what = f"by {one.generator}" if one.generator else _KINDS[one.kind]
            alt = f"Picture {one.image_id[:12]}, {what}{f', topic {one.topic}' if one.topic else ''}"
            caption = f"{what}, {error_of(one)}: {as_probability(one.probability)}"
            found.append(Thumbnail(source, Image.open(io.BytesIO(data)).size, alt, caption))
    return found
