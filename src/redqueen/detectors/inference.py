"""Running a detector over rows of a corpus under one view: in chunks, each written as it is done, resumable.

The composition of every batch depends on the list of rows alone, so that a resumed run computes the same bytes.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from redqueen.console import bar
from redqueen.corpus.audit import metadata_features
from redqueen.corpus.store import Corpus
from redqueen.detectors.base import Detector, FeatureDetector, JointDetector
from redqueen.detectors.memory import in_parts
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import digest_of, write_bytes
from redqueen.perturbations.suite import Suite

CHUNK = 256  # rows a part: what a kill can cost
BATCH = 32

_Function = tuple[Callable[[Tensor], Tensor], tuple[int, ...]]  # of a batch, and the shape of what it gives a picture


def rows_digest(corpus: Corpus, rows: Sequence[int] | NDArray[np.int64]) -> str:
    """Digest of a list of rows of one corpus, by their ids."""
    ids = corpus.column("image_id")
    return digest_of([corpus.digest, [ids[row] for row in rows]])


def _input_digest(detector: Detector, corpus: Corpus, rows: NDArray[np.int64]) -> str:
    """Digest of what the detector reads of a list of rows: `rows_digest` covers the pixels, not the file's metadata."""
    if detector.reads == "metadata":
        values = metadata_features(corpus.metadata.take(pa.array(rows)))
        return digest_of([rows_digest(corpus, rows), hashlib.sha256(values.tobytes()).hexdigest()])
    return rows_digest(corpus, rows)


def what_it_reads(detector: Detector, corpus: Corpus, row: int) -> NDArray[Any]:
    """One row of the corpus as `prepare` takes it: pixels, or the row of metadata; raises RejectedPictureError."""
    if detector.reads == "metadata":
        return np.asarray(metadata_features(corpus.metadata.slice(row, 1))[0].astype(np.float32))
    return corpus.pixels(row)


def prepare(detector: Detector, corpus: Corpus, suite: Suite, view: str, row: int) -> Tensor:
    """One row of the corpus under a view, as the detector's input; raises RejectedPictureError."""
    given = what_it_reads(detector, corpus, row)
    if detector.reads == "pixels":
        given = suite.apply(view, given, str(corpus.column("image_id")[row]))
    return detector.prepare(given)


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


def features(
    detector: FeatureDetector, corpus: Corpus, rows: NDArray[np.int64], suite: Suite, view: str, cache: Path
) -> NDArray[np.float32]:
    """Features of the rows, (n, *shape); computed once for each (split of the corpus, detector identity, view).

    Whole splits are computed, whatever the rows: every cutoff of a track asks for another part of the same pictures.
    """
    where = corpus.column("split")
    result = np.zeros((len(rows), *detector.shape), np.float32)
    for split in sorted(set(where[rows])):
        all_rows = np.flatnonzero(where == split)
        key = digest_of([_input_digest(detector, corpus, all_rows), detector.identity, suite.key(view)])[:16]
        function = (detector.features, detector.shape)
        found = _in_chunks(detector, function, corpus, all_rows, (suite, view), cache / f"features-{key}")
        wanted = where[rows] == split
        result[wanted] = found[np.searchsorted(all_rows, rows[wanted])]
    return result


def logits(
    detector: Detector, corpus: Corpus, rows: NDArray[np.int64], suite: Suite, view: str, cache: Path, identity: str
) -> NDArray[np.float32]:
    """Logits of the rows, (n,), of a detector whose weights `identity` names; NaN for a picture that failed."""
    if isinstance(detector, JointDetector):
        each = part_logits(detector, corpus, rows, suite, view, cache, identity)
        with torch.inference_mode():
            return detector.cpu().combine(torch.from_numpy(each)).numpy()
    if isinstance(detector, FeatureDetector):
        found = torch.from_numpy(features(detector, corpus, rows, suite, view, cache))
        with torch.inference_mode():
            return detector.eval().score(found.to(next(detector.head.parameters()).device)).cpu().numpy()
    key = digest_of([_input_digest(detector, corpus, rows), identity, suite.key(view)])[:16]
    return _in_chunks(detector, (detector, ()), corpus, rows, (suite, view), cache / f"logits-{key}")


def part_logits(
    detector: JointDetector,
    corpus: Corpus,
    rows: NDArray[np.int64],
    suite: Suite,
    view: str,
    cache: Path,
    identity: str,
) -> NDArray[np.float32]:
    """Logits of the rows, (n, parts), of all parts of a detector."""
    parts = detector.parts().items()
    return np.stack(
        [logits(one, corpus, rows, suite, view, cache, f"{identity}/{name}") for name, one in parts], axis=1
    )


def _in_chunks(
    detector: Detector,
    function: _Function,
    corpus: Corpus,
    rows: NDArray[np.int64],
    what: tuple[Suite, str],
    folder: Path,
) -> NDArray[np.float32]:
    """`function` of every row, (n, *shape), from the parts in `folder` as far as they are there."""
    whole = folder / "all.npy"
    if whole.exists():
        return np.asarray(np.load(whole))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    detector.to(device).eval()
    parts: list[NDArray[np.float32]] = []
    with bar(f"{type(detector).__name__} on {what[1]}", len(rows)) as progress, torch.inference_mode():
        for start in range(0, len(rows), CHUNK):
            path = folder / f"part-{start // CHUNK:05d}.npy"
            chunk = rows[start : start + CHUNK]
            if not path.exists():
                _save(path, _run(detector, function, corpus, chunk, what, device))
            parts.append(np.load(path))
            progress.advance(progress.task_ids[0], len(chunk))
    result = np.concatenate(parts) if parts else np.zeros((0,), np.float32)
    _save(whole, result)
    return result


def _run(
    detector: Detector,
    function: _Function,
    corpus: Corpus,
    rows: NDArray[np.int64],
    what: tuple[Suite, str],
    device: torch.device,
) -> NDArray[np.float32]:
    outputs: list[Tensor | None] = []
    for start in range(0, len(rows), BATCH):
        inputs = [_try(detector, corpus, what, int(row)) for row in rows[start : start + BATCH]]
        good = [tensor for tensor in inputs if tensor is not None]
        check_sizes(detector, good)
        scored = iter(in_parts(function[0], torch.stack(good), device)) if good else iter(())
        outputs += [None if tensor is None else next(scored) for tensor in inputs]
    failed = np.full(function[1], np.nan, np.float32)
    return np.stack([failed if output is None else output.numpy() for output in outputs])


def _try(detector: Detector, corpus: Corpus, what: tuple[Suite, str], row: int) -> Tensor | None:
    try:
        return prepare(detector, corpus, *what, row)
    except RejectedPictureError:
        return None


def _save(path: Path, values: NDArray[np.float32]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes(path, buffer.getvalue())
