"""One pass over pictures for many detectors and views: each picture decoded once, each view of it made once.

Work goes in small batches to threads of one core each, since PyTorch and Pillow let go of Python's lock. Four pictures
a forward pass keep a network's maps in the processor's cache: on two cores EfficientNet-Lite0 takes 32-40 pictures a
second so, and 12-26 in batches of 32. Every batch is filled up to that size, so that what a picture gives depends
neither on how many come with it nor on which: other threads, parts, orders and interruptions give the same bytes.
"""

import copy
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import local
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from redqueen.console import bar
from redqueen.corpus.audit import metadata_features
from redqueen.corpus.store import Corpus
from redqueen.detectors.backbones import looks
from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.detectors.memory import in_parts
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import write_bytes
from redqueen.perturbations.suite import Suite
from redqueen.types import Precision

CHUNK = 128  # rows a part: what a kill can cost
BATCH, BATCH_CUDA = 4, 32  # pictures a forward pass

Rows = NDArray[np.int64]
Array = NDArray[np.float32]
T = TypeVar("T")
Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Column:
    """What a detector gives for each of some rows under one view, in parts of `CHUNK` rows.

    Attributes:
        detector: its features are kept if it has some, else its logits.
        rows: of the corpus, (n,).
        view: of the suite; of no meaning to a detector that reads metadata.
        folder: of the parts, named after all that they depend on.
        preparation: columns of one preparation share what `prepare` makes.
        precision: of the network's products.
    """

    detector: Detector
    rows: Rows
    view: str
    folder: Path
    preparation: str
    precision: Precision = "float32"

    def part(self, number: int) -> Path:
        """The file of one part."""
        return self.folder / f"part-{number:05d}.npy"

    def parts(self) -> Iterator[Array]:
        """The parts one by one, (up to CHUNK, *shape); `fill` comes first."""
        for number in range(-(-len(self.rows) // CHUNK)):
            yield np.load(self.part(number))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what a picture gives."""
        return self.detector.shape if isinstance(self.detector, FeatureDetector) else ()

    def of(self, detector: Detector, batch: Tensor) -> Tensor:
        """What is kept of a batch, by this detector or its twin."""
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            return detector.features(batch) if isinstance(detector, FeatureDetector) else detector(batch)


@dataclass(frozen=True)
class Share:
    """Which parts one of several processes computes: every `of`-th one from `rank` on, on the device of that number."""

    rank: int = 0
    of: int = 1


def fill(columns: Iterable[Column], corpus: Corpus, suite: Suite, share: Share = Share()) -> None:
    """Compute what is missing of the columns, or a share of it; those over the same rows in one pass."""
    for group in grouped({column.folder: column for column in columns}.values(), lambda c: c.rows.tobytes()).values():
        _pass(group, corpus, suite, share)


def what_it_reads(detector: Detector, corpus: Corpus, row: int) -> NDArray[Any]:
    """One row of the corpus as `prepare` takes it: pixels, or the row of metadata; raises RejectedPictureError."""
    if detector.reads == "metadata":
        return np.asarray(metadata_features(corpus.metadata.take(pa.array([row])))[0].astype(np.float32))
    return corpus.pixels(row)


def check_sizes(detector: Detector, inputs: Sequence[Tensor]) -> None:
    """Raise UserError if prepared pictures are of several sizes, which no batch can hold."""
    shapes = sorted({tuple(one.shape) for one in inputs})
    if len(shapes) > 1:
        first, second = (" x ".join(map(str, reversed(shape[-2:]))) for shape in (shapes[0], shapes[-1]))
        raise UserError(
            f"{type(detector).__name__}: a batch has inputs of {first} and of {second}: pictures smaller than the crop "
            "are taken whole; lower the detector's crop (or size, train_size) to the shortest side of all pictures, or "
            "build the corpus with normalise.size"
        )


def scores(detector: Detector, inputs: Sequence[Tensor]) -> list[float]:
    """Logits of prepared pictures, on the CPU: those that a table of predictions holds, however many there are."""
    found: dict[int, float] = {}
    with torch.inference_mode():
        for alike in grouped(range(len(inputs)), lambda place: inputs[place].shape).values():
            for start in range(0, len(alike), BATCH):
                places = alike[start : start + BATCH]
                full = [*places, *[places[-1]] * (BATCH - len(places))]
                logits = detector(laid_out([inputs[place] for place in full])).tolist()
                found |= dict(zip(places, logits, strict=False))
    return [found[place] for place in range(len(inputs))]


def laid_out(inputs: Sequence[Tensor]) -> Tensor:
    """Prepared pictures as one batch, (B, …); maps with their channels last, which convolutions are faster on."""
    batch = torch.stack(list(inputs))
    return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch


def grouped(items: Iterable[T], key: Callable[[T], Key]) -> dict[Key, list[T]]:
    """Items by their key, in the order in which keys come."""
    found: dict[Key, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def lacking(columns: Iterable[Column]) -> bool:
    """Whether anything is left to compute."""
    return any(
        not column.part(number).exists() for column in columns for number in range(-(-len(column.rows) // CHUNK))
    )


def _pass(columns: Sequence[Column], corpus: Corpus, suite: Suite, share: Share) -> None:
    rows = columns[0].rows
    numbers = range(-(-len(rows) // CHUNK))[share.rank :: share.of]
    missing = {number: [column for column in columns if not column.part(number).exists()] for number in numbers}
    if not any(missing.values()):
        return
    views = len({column.view for column in columns})
    label = (
        f"{len(columns)} columns" if len(columns) > 1 else f"{type(columns[0].detector).__name__}, {columns[0].view}"
    )
    label = label if views == 1 else f"{label}, {views} views"
    with bar(label, len(rows) // share.of, shown=share.rank == 0) as progress, _crew(share.rank) as crew:
        for number in numbers:
            chunk = rows[number * CHUNK : (number + 1) * CHUNK]
            if missing[number]:
                pieces = [chunk[start : start + crew.batch] for start in range(0, len(chunk), crew.batch)]
                _save(missing[number], number, crew.map(partial(crew.score, missing[number], corpus, suite), pieces))
            progress.advance(progress.task_ids[0], len(chunk))


def _save(columns: Sequence[Column], number: int, pieces: Iterable[Sequence[Array]]) -> None:
    for column, values in zip(columns, zip(*pieces, strict=True), strict=True):
        buffer = io.BytesIO()
        np.save(buffer, np.concatenate(values))
        write_bytes(column.part(number), buffer.getvalue())


class _Crew:
    """Threads that score pictures, each with twins of the detectors: the same weights, but hooks of their own."""

    def __init__(self, map_: Callable[..., Iterable[Any]], alone: bool, number: int) -> None:
        self.map, self.alone = map_, alone
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", number % torch.cuda.device_count()) if cuda else torch.device("cpu")
        self.batch = BATCH_CUDA if self.device.type == "cuda" else BATCH
        self._own = local()

    def score(self, columns: Sequence[Column], corpus: Corpus, suite: Suite, rows: Rows) -> list[Array]:
        """What each column holds for a batch of rows: (len(rows), *shape) float32, NaN for a picture that failed."""
        found: dict[Path, Array] = {}
        with torch.inference_mode():
            for one in grouped(columns, lambda column: column.detector.reads).values():
                given = [_read(one[0].detector, corpus, int(row)) for row in rows]
                for view, under in grouped(one, lambda column: column.view).items():
                    seen = given
                    if one[0].detector.reads == "pixels":
                        ids = corpus.column("image_id")[rows]
                        pairs = zip(given, ids, strict=True)
                        seen = [None if pixels is None else suite.apply(view, pixels, str(i)) for pixels, i in pairs]
                    with looks.remembered():
                        found |= self._under_a_view(under, seen)
        return [found[column.folder] for column in columns]

    def _under_a_view(self, columns: Sequence[Column], seen: Sequence[NDArray[Any] | None]) -> Mapping[Path, Array]:
        found: dict[Path, Array] = {}
        in_turn = sorted(columns, key=lambda column: column.detector.turn)
        for alike in grouped(in_turn, lambda column: column.preparation).values():
            first = self._twin(alike[0].detector)
            inputs = [first.prepare(one) for one in seen if one is not None]
            check_sizes(first, inputs)
            for column in alike:
                values = np.full((len(seen), *column.shape), np.nan, np.float32)
                if inputs:
                    function = partial(column.of, self._twin(column.detector))
                    good = [one is not None for one in seen]
                    padded = laid_out([*inputs, *[inputs[-1]] * (self.batch - len(inputs))])
                    values[good] = in_parts(function, padded, self.device)[: len(inputs)].numpy()
                found[column.folder] = values
        return found

    def _twin(self, detector: Detector) -> Detector:
        twins: dict[int, Detector] = self._own.__dict__.setdefault("twins", {})
        if id(detector) not in twins:
            detector.to(self.device).eval()
            twins[id(detector)] = detector if self.alone else _sharing(detector)
        return twins[id(detector)]


def _sharing(detector: Detector) -> Detector:
    """A copy of the detector that holds the very same tensors."""
    return copy.deepcopy(detector, {id(tensor): tensor for tensor in (*detector.parameters(), *detector.buffers())})


@contextmanager
def _crew(number: int) -> Iterator[_Crew]:
    """As many threads as PyTorch would use for one operation, for a device; within each it uses one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if threads == 1:
            yield _Crew(map, True, number)
            return
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield _Crew(pool.map, False, number)
    finally:
        torch.set_num_threads(threads)


def _read(detector: Detector, corpus: Corpus, row: int) -> NDArray[Any] | None:
    try:
        return what_it_reads(detector, corpus, row)
    except RejectedPictureError:
        return None
