"""What detectors learn from: the corpus as it is, or its real pictures against their own reconstructions.

Aligned training: Guillaro et al., "A Bias-Free Training Paradigm for More General AI-generated Image Detection", CVPR
2025, arXiv 2412.17671 (B-Free); Chen et al., "Dual Data Alignment Makes AI-Generated Image Detector Easier
Generalizable", NeurIPS 2025, arXiv 2505.14359 (DDA). A reconstruction by an autoencoder shows what the real picture
shows, in the same size, and is saved as the real one was, so that only the decoder's traces tell them apart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Le
from numpy.typing import NDArray

from redqueen.console import bar
from redqueen.corpus.decode import open_picture
from redqueen.corpus.match import Matched
from redqueen.corpus.normalise import facts
from redqueen.corpus.pictures import Pictures
from redqueen.corpus.schema import COLUMNS, DIGEST_COLUMNS, METADATA_COLUMNS, digest, image_id
from redqueen.corpus.store import Corpus, rows_of
from redqueen.corpus.treat import read_columns, write_table
from redqueen.detectors import diffusion
from redqueen.errors import UserError
from redqueen.files import canonical, digest_of, seed_from
from redqueen.generation.provenance import encode
from redqueen.generation.reconstruct import Autoencoder, reconstruct
from redqueen.types import HUMAN_KINDS, Kind

PART = 64  # pictures a part of the cache: what a kill can cost
LOSSLESS = ("PNG", "GIF", "BMP")

Rows = NDArray[np.int64]
Share = Annotated[float, Ge(0), Le(1)]


class Examples(Protocol):
    """Makes of a corpus the one that is learned from, of training and validation rows with the columns of any."""

    @property
    def label(self) -> str:
        """Name and settings, as results record them."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What it depends on besides the corpus."""
        ...

    def __call__(self, corpus: Corpus, cache: Path) -> Corpus:
        """The corpus to learn from; unfinished work lies in `cache` and is taken up again."""
        ...


@dataclass(frozen=True)
class AsItIs:
    """Learn from the corpus's own human-made and generated pictures."""

    label = "corpus"

    @property
    def identity(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def __call__(self, corpus: Corpus, cache: Path) -> Corpus:  # noqa: ARG002  (the interface)
        """The corpus."""
        return corpus


@dataclass(frozen=True)
class Aligned:
    """Learn from real pictures and their reconstructions, and from generated ones of the corpus if told so.

    The matched human-made rows of the training and validation splits are taken, of all windows; each reconstruction
    has the group, the split, the windows, the codec and the quality of its original.

    Args:
        autoencoder: where it lies: a folder, alone or in a pipeline, or "hub:OWNER/NAME@COMMIT". One that
            `redqueen fit_autoencoder` made must not have seen pictures of the validation or the test split.
        kinds: of human-made pictures that are reconstructed and learned from.
        mix: share of reconstructions among what is learned as generated, above 0; the corpus's generated pictures
            (those of the windows learned from) are the rest, as far as there are enough of them.
        blend: of DDA's mixing of pixels: up to this share of a reconstruction, drawn for each, is its original.
    """

    autoencoder: str
    kinds: Sequence[Kind] = HUMAN_KINDS
    mix: Share = 1.0
    blend: Share = 0.0

    def __post_init__(self) -> None:
        """Raise UserError for what cannot be made."""
        if not set(self.kinds) <= set(HUMAN_KINDS) or not self.kinds:
            raise UserError(f"examples.kinds={list(self.kinds)}: give some of {', '.join(HUMAN_KINDS)}")
        if not 0 < self.mix <= 1:
            raise UserError(f"examples.mix={self.mix}: must be above 0 and at most 1; without pairs: examples=corpus")
        if not 0 <= self.blend < 1:
            raise UserError(f"examples.blend={self.blend}: must be at least 0 and below 1, else nothing is left to see")

    @property
    def label(self) -> str:
        """The settings, without the autoencoder.

        >>> Aligned("folder", ["photo"], mix=0.5).label
        'aligned, mix 0.5, blend 0, of photo'
        """
        return f"aligned, mix {self.mix:g}, blend {self.blend:g}, of {', '.join(self.kinds)}"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The autoencoder by its weights, and the other settings."""
        told = {"kinds": sorted(self.kinds), "mix": self.mix, "blend": self.blend}
        return {"aligned": {"autoencoder": self._part.digest, **told}}

    def __call__(self, corpus: Corpus, cache: Path) -> "AlignedCorpus":
        """The pairs as a corpus of its own; reconstructions are made once for each corpus, autoencoder and blend.

        Raises:
            UserError: no such autoencoder, one that has seen too much, no row to reconstruct, or a picture in a lossy
                format other than JPEG.
        """
        _check_training(self._part.folder, corpus)
        real = self._real(corpus)
        if not len(real):
            raise UserError(f"corpus {corpus.folder}: no matched training or validation row of {', '.join(self.kinds)}")
        generated = self._generated(corpus, real)
        ids = corpus.column("image_id")[real]
        key = digest_of([corpus.digest, self._part.digest, self.blend, list(ids)])[:12]
        folder = cache / f"{corpus.digest[:12]}-{self._part.digest[:12]}-{key}"
        made = self._made(corpus, real, folder)
        return AlignedCorpus.of(corpus, real, generated, made)

    @cached_property
    def _part(self) -> diffusion.Autoencoder:
        return diffusion.autoencoder(self.autoencoder)

    def _real(self, corpus: Corpus) -> Rows:
        kind = corpus.column("kind")
        learned = np.isin(kind, list(self.kinds)) & np.isin(corpus.column("split"), ("train", "val"))
        return np.flatnonzero(learned & _in_some_window(corpus)).astype(np.int64)

    def _generated(self, corpus: Corpus, real: Rows) -> Rows:
        """Of each split and window as many as `mix` asks for: those whose image_id (a hash) comes first."""
        chosen: set[int] = set()
        if self.mix < 1:
            ids, labels = corpus.column("image_id"), corpus.column("label")
            for split in ("train", "val"):
                for name in corpus.windows:
                    rows = corpus.rows(split, [name])
                    wanted = round(len(np.intersect1d(rows, real)) * (1 - self.mix) / self.mix)
                    found = sorted((row for row in rows if labels[row] == 1), key=lambda row: str(ids[row]))
                    chosen |= {int(row) for row in found[:wanted]}
        return np.array(sorted(chosen), np.int64)

    def _made(self, corpus: Corpus, real: Rows, folder: Path) -> list[Path]:
        """The parts of reconstructions, in the order of `real`; those that are there are not made again."""
        import torch  # noqa: PLC0415

        paths = [folder / f"part-{number:05d}.parquet" for number in range(-(-len(real) // PART))]
        left = [number for number, path in enumerate(paths) if not path.exists()]
        if not left:
            return paths
        autoencoder = Autoencoder(self._part.network, "cuda" if torch.cuda.is_available() else "cpu")
        with bar("reconstructing", len(paths), len(paths) - len(left)) as progress:
            for number in left:
                rows = real[number * PART : (number + 1) * PART]
                facts_of_rows = corpus.table.take(pa.array(rows)).to_pylist()
                made = [
                    self._row(autoencoder, corpus.encoded(int(row)), told)
                    for row, told in zip(rows, facts_of_rows, strict=True)
                ]
                write_table(paths[number], pa.Table.from_pylist(made, schema=COLUMNS))
                progress.advance(progress.task_ids[0])
        return paths

    def _row(self, autoencoder: Autoencoder, data: bytes, told: Mapping[str, Any]) -> dict[str, Any]:
        """The row of one reconstruction, from that of its original."""
        name = f"autoencoder-{self._part.digest[:12]}"
        rng = np.random.default_rng(seed_from("blend", told["image_id"]))
        kept = float(rng.uniform(0, self.blend)) if self.blend else 0.0
        said = {"generator": name, "mode": "reconstruction", "of": told["image_id"], "kept": kept}
        encoded = _aligned(data, autoencoder, kept, said)
        found = facts(open_picture(encoded))
        return {
            **told,
            "image": {"bytes": encoded, "path": None},
            "image_id": image_id(encoded),
            "kind": "generated",
            "label": 1,
            "generator": name,
            "released": None,
            "source": f"{name} after {told['source']}",
            "width": found.width,
            "height": found.height,
            "format": found.format,
            "quality": found.quality,
            "provenance": canonical(said),
        }


def _aligned(data: bytes, autoencoder: Autoencoder, kept: float, said: Mapping[str, Any]) -> bytes:
    """The reconstruction of an encoded picture, in the form that the picture has."""
    picture = open_picture(data)

    def decoded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        found = autoencoder(pixels)
        return found if kept == 0 else np.rint((1 - kept) * found + kept * pixels.astype(np.float64)).astype(np.uint8)

    made, form = reconstruct(picture, decoded)
    if form.format == "PNG" and picture.format not in LOSSLESS:
        raise UserError(
            f"examples=aligned: a corpus picture is {picture.format} ({picture.mode}), which cannot be saved again as "
            "it was: build the corpus with normalise=square"
        )
    return encode(made, form, said)


def _in_some_window(corpus: Corpus) -> NDArray[np.bool_]:
    found = np.zeros(corpus.known.num_rows, bool)
    for mask in corpus.windows.values():
        found |= mask
    return found


def _check_training(folder: Path, corpus: Corpus) -> None:
    """An autoencoder of ours must not have learned from pictures that detectors are judged on."""
    path = folder / "record.json"
    if not path.is_file():
        return
    seen = set(json.loads(path.read_text()).get("training_groups", []))
    held_out = corpus.column("split") != "train"
    leaked = sorted(seen & set(corpus.column("group_id")[held_out]))
    if leaked:
        raise UserError(
            f"autoencoder {folder} learned from {', '.join(leaked[:3])} ({len(leaked)} groups), which this corpus "
            "judges on: train it on this corpus with 'redqueen fit_autoencoder'"
        )


@dataclass(frozen=True, eq=False)
class AlignedCorpus(Corpus):
    """Rows of a corpus, followed by the reconstructions of some of them.

    Attributes:
        origin: of the rows that come from `source`, where they lie in it.
        source: the corpus.
        pictures: of the reconstructions.
        matched: as `windows`.
    """

    origin: Rows = field(repr=False)
    source: Corpus = field(repr=False)
    pictures: Pictures = field(repr=False)
    matched: Matched = field(repr=False)

    @classmethod
    def of(cls, source: Corpus, real: Rows, generated: Rows, made: Sequence[Path]) -> "AlignedCorpus":
        """The rows `real` and `generated` of a corpus, and the parts of reconstructions of `real`, in its order."""
        origin = np.union1d(real, generated).astype(np.int64)
        names = [name for name in COLUMNS.names if name != "image"]
        below = [read_columns(path, names) for path in made]
        known = pa.concat_tables([source.table.take(pa.array(origin)).select(names).cast(below[0].schema), *below])
        rows = np.concatenate([origin, real])
        matched = {name: mask[rows] for name, mask in source.windows.items()}
        card = {**source.card, "digest": digest(rows_of(known.select(DIGEST_COLUMNS)))}
        return cls(source.folder, card, known, origin, source, Pictures(made), matched)

    @cached_property
    def windows(self) -> Matched:
        """Window name -> rows; a reconstruction lies where its original lies."""
        return self.matched

    @cached_property
    def table(self) -> pa.Table:
        """Every column but the pictures."""
        return self.known

    @cached_property
    def metadata(self) -> pa.Table:
        """The columns that a metadata-only cheat could see."""
        return self.known.select(METADATA_COLUMNS)

    def encoded(self, row: int) -> bytes:
        """The encoded bytes of one picture."""
        below = int(row) - len(self.origin)
        return self.source.encoded(int(self.origin[row])) if below < 0 else self.pictures[below]
