"""The codec-swap probe: does the compression history in the pixels tell generated from human-made pictures?

A probe reads nothing but traces of JPEG compression (`jpeg_traces`), and traces depend on content too. So the same
pixels are swapped into a file without their history: cropped off their grid and saved as the corpus saves. What a
picture loses by it is its history, nearly free of content, and a second probe that sees this alone decides. On 400
photographs that never were compressed, half of them blurred, sharpened, darkened, enlarged or made noisy, its AUROC was
0.52 to 0.61, and that of the first probe up to 0.99; with an earlier JPEG of quality 60 to 85 in one half it was 1.00,
of quality 92 0.73, of 95 0.63, and 0.64 to 0.69 where the picture had been cropped since. A JPEG that was shrunk
afterwards leaves next to nothing here, so the answer is no proof of absence.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from redqueen.console import track
from redqueen.corpus.audit import LIMIT
from redqueen.corpus.decode import open_picture, to_rgb
from redqueen.corpus.jpeg_traces import SMALLEST, history, traces
from redqueen.corpus.ridge_probe import Sample, refitted_auroc
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.metrics.statistics import LEVEL, auroc_from_draws, group_weights, mean_interval, percentile_interval
from redqueen.types import SPLITS, Interval

AS_IS, SHIFTED = "as they are", "off their grid"
_HISTORY = "history"  # among the features: what of the first is gone in the second
MEAN = "mean over windows"
CODECS = ("JPEG", "WEBP")
CROP = (5, 3)  # pixels from the left and the top: neither onto the grid nor half a block off it
LEAST = SMALLEST + 8  # pixels a side of the pictures that are looked at
FEWEST = 50  # pictures of each class that a window needs

Verdict = Literal["history", "none seen", "undetermined"]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Saving:
    """The probe that sees all traces, on pictures saved in one way: AS_IS, SHIFTED, or codec and quality."""

    name: str
    auroc: Interval


@dataclass(frozen=True)
class Part:
    """All sampled pictures, the mean over windows, or those that were matched in one window.

    Attributes:
        name: of the part.
        history: AUROC of the probe that sees history alone.
        savings: of the one that sees all traces, by how the pictures were saved.
        verdict: "history" if the interval of `history` lies above LIMIT, "none seen" if it ends at or below it.
    """

    name: str
    history: Interval
    savings: tuple[Saving, ...]
    verdict: Verdict


@dataclass(frozen=True)
class CodecSwap:
    """What the probe found.

    Attributes:
        verdict: history if any part shows it; none seen if neither all pictures nor the mean over windows do.
        pictures: how many were looked at, as many of each class in each split.
        of: how many there were to choose from, of LEAST pixels a side or more.
        parts: all pictures; if there are windows with enough pictures of each class, their mean, and each of them.
            A window's own verdict is at a level corrected for their number (Bonferroni).
        too_few: names of the windows with too few pictures.
    """

    verdict: Verdict
    pictures: int
    of: int
    parts: tuple[Part, ...]
    too_few: tuple[str, ...]


@dataclass(frozen=True)
class Probe:
    """The probe's settings.

    Args:
        pictures: at most so many are looked at, half of each class; 0.04 seconds each.
        codecs: how all pictures are saved once more, "CODEC QUALITY" each.
        draws: of the bootstrap over groups.
        seed: of the choice of pictures and of the bootstrap.

    Raises:
        UserError: a codec that is none of CODECS, or a quality outside 1-100.
    """

    pictures: Annotated[int, Field(ge=2)] = 4000
    codecs: tuple[str, ...] = ("JPEG 75", "WEBP 80")
    draws: Annotated[int, Field(ge=1)] = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the codecs."""
        for name in self.codecs:
            codec, _, quality = name.partition(" ")
            if codec not in CODECS or not (quality.isdecimal() and 1 <= int(quality) <= 100):
                raise UserError(f"codec '{name}': give one of {', '.join(CODECS)}, a space and a quality of 1-100")

    def __call__(self, corpus: Corpus) -> CodecSwap:
        """Measure a corpus: its matched rows, or all of them where nothing was matched."""
        names = [window.name for window in corpus.periods]
        matched = {name: np.concatenate([corpus.rows(split, [name]) for split in SPLITS]) for name in names}
        there = np.unique(np.concatenate(list(matched.values()))) if matched else np.arange(len(corpus.column("label")))
        there = there[np.minimum(corpus.column("width"), corpus.column("height"))[there] >= LEAST]
        rows = _sample(corpus, there, self.pictures, self.seed)
        found = self._features(corpus, rows)
        sample = self._draws(corpus, rows)
        inside = {name: np.flatnonzero(np.isin(rows, matched[name])) for name in names}
        few = [name for name in names if np.bincount(sample.labels[inside[name]], minlength=2).min() < FEWEST]
        everything = _Cell.of("all", found, sample, np.arange(len(rows)))
        windows = [_Cell.of(name, found, sample, inside[name]) for name in names if name not in few]
        parts = [everything.part(LEVEL)]
        if windows:
            level = 1 - (1 - LEVEL) / len(windows)
            parts += [_mean(windows), *(cell.part(level) for cell in windows)]
        return CodecSwap(_overall(parts), len(rows), len(there), tuple(parts), tuple(few))

    def _draws(self, corpus: Corpus, rows: NDArray[np.int64]) -> Sample:
        labels = corpus.column("label")[rows].astype(np.int64)
        groups, splits = (corpus.column(name)[rows].astype(np.str_) for name in ("group_id", "split"))
        index, weights = group_weights(list(groups), [str(label) for label in labels], self.draws, self.seed)
        once = np.ones((1, weights.shape[1]), np.uint8)
        return Sample(labels, splits, index, np.concatenate([once, weights]))

    def _features(self, corpus: Corpus, rows: NDArray[np.int64]) -> Mapping[str, FloatArray]:
        """Traces of each picture, (n, WIDTH), by how it was saved; and of its history, (n, d)."""
        usual = _usual_saving(corpus, rows)
        found: dict[str, list[FloatArray]] = {}
        for row in track(rows.tolist(), "reading traces of compression"):
            for name, picture in _saved(to_rgb(open_picture(corpus.encoded(row))), self.codecs, usual):
                found.setdefault(name, []).append(traces(np.asarray(picture.convert("L"))))
        seen = {name: np.stack(values) for name, values in found.items()}
        codec, _, quality = (usual or "").partition(" ")
        last = int(quality) if codec == "JPEG" else None
        return {_HISTORY: history(seen[AS_IS], seen[SHIFTED], last), **seen} if seen else {}


def _sample(corpus: Corpus, there: NDArray[np.int64], pictures: int, seed: int) -> NDArray[np.int64]:
    """Some of these rows, as many of each class in each split, in table order."""
    labels, splits = corpus.column("label")[there], corpus.column("split")[there]
    cells = {split: [there[(splits == split) & (labels == label)] for label in (0, 1)] for split in sorted(set(splits))}
    pairs = {split: min(len(human), len(made)) for split, (human, made) in cells.items()}
    share = min(1.0, pictures / max(1, 2 * sum(pairs.values())))
    chosen = [
        _shuffled(cell, seed, split, label)[: int(share * pairs[split])]
        for split, both in cells.items()
        for label, cell in enumerate(both)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else there


def _shuffled(rows: NDArray[np.int64], *salt: object) -> NDArray[np.int64]:
    return np.random.default_rng(seed_from("codec-swap", *salt)).permutation(rows)


def _usual_saving(corpus: Corpus, rows: NDArray[np.int64]) -> str | None:
    """Codec and quality of most pictures; None where most are saved without loss."""
    codecs, qualities = corpus.column("format")[rows], corpus.column("quality")[rows]
    common = Counter(zip(codecs.tolist(), qualities.tolist(), strict=True)).most_common(1)
    codec, quality = common[0][0] if common else ("PNG", 100)
    return f"{codec} {int(quality)}" if codec in CODECS and quality > 0 else None


def _saved(picture: Image.Image, codecs: Sequence[str], usual: str | None) -> Iterator[tuple[str, Image.Image]]:
    """One picture as it is, cropped off its grid and saved as usual, and saved by each codec."""
    yield AS_IS, picture
    shifted = picture.crop((*CROP, *picture.size))
    yield SHIFTED, shifted if usual is None else _again(shifted, usual)
    for name in codecs:
        yield name, _again(picture, name)


def _again(picture: Image.Image, name: str) -> Image.Image:
    codec, _, quality = name.partition(" ")
    buffer, options = io.BytesIO(), {"subsampling": "4:2:0"} if codec == "JPEG" else {"method": 0}
    picture.save(buffer, codec, quality=int(quality), **options)
    return to_rgb(open_picture(buffer.getvalue()))


@dataclass(frozen=True)
class _Cell:
    """AUROC of some rows by how they were saved: (1 + draws,), the point estimate first."""

    name: str
    rows: NDArray[np.intp]
    labels: NDArray[np.int64]
    index: NDArray[np.intp]
    areas: Mapping[str, FloatArray]

    @classmethod
    def of(cls, name: str, found: Mapping[str, FloatArray], sample: Sample, rows: NDArray[np.intp]) -> "_Cell":
        some = sample.take(rows)
        areas = {way: refitted_auroc(features[rows], some) for way, features in found.items()}
        return cls(name, rows, some.labels, some.index, areas)

    def part(self, level: float) -> Part:
        """The figures with 95 % intervals, and the verdict at `level`."""
        return _part(self.name, self._auroc, _verdict(self._auroc(_HISTORY, level)), self.areas)

    def _auroc(self, way: str, level: float = LEVEL) -> Interval:
        if way not in self.areas:
            return Interval(None, None, None, len(self.labels), len(np.unique(self.index)))
        draws = self.areas[way][1:]
        found = auroc_from_draws(_point(self.areas[way]), draws, self.labels, self.index)
        if found.low is None or found.value in (0.0, 1.0):
            return found
        return percentile_interval(found.value, draws, found.n, found.n_groups, level)


def _part(name: str, figure: Callable[[str], Interval], verdict: Verdict, ways: Iterable[str]) -> Part:
    savings = tuple(Saving(way, figure(way)) for way in ways if way != _HISTORY)
    return Part(name, figure(_HISTORY), savings, verdict)


def _point(draws: FloatArray) -> float | None:
    return None if np.isnan(draws[0]) else float(draws[0])


def _mean(cells: Sequence[_Cell]) -> Part:
    """The mean over windows."""
    groups = len(np.unique(np.concatenate([cell.index for cell in cells])))
    rows = len(np.unique(np.concatenate([cell.rows for cell in cells])))

    def over(way: str) -> Interval:
        values = [cell.areas[way] for cell in cells]
        return mean_interval([_point(one) for one in values], [one[1:] for one in values], rows, groups)

    return _part(MEAN, over, _verdict(over(_HISTORY)), cells[0].areas)


def _verdict(seen: Interval) -> Verdict:
    """By LIMIT, not by chance: content moves the figure by a few hundredths."""
    if seen.low is None or seen.high is None:
        return "undetermined"
    if seen.low > LIMIT:
        return "history"
    return "none seen" if seen.high <= LIMIT else "undetermined"


def _overall(parts: Sequence[Part]) -> Verdict:
    if any(part.verdict == "history" for part in parts):
        return "history"
    return "none seen" if all(part.verdict == "none seen" for part in parts[:2]) else "undetermined"
