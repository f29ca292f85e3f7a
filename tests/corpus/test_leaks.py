"""What the files give away, from the source to the card: flagged where bytes are kept, gone where they are treated."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.match import Match
from redqueen.corpus.normalise import Keep, Normalise, Treatment
from redqueen.corpus.schema import Source, SourcePicture
from redqueen.corpus.store import Corpus
from redqueen.types import Window

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]
Saved = tuple[int, int, str, dict[str, Any]]  # width, height, format, options
Plant = Callable[[np.random.Generator, bool], Saved]

WINDOWS = (Window("2022", "2022-01", "2022-12"), Window("2023", "2023-01", "2023-12"))
SHARES = {"train": 0.4, "val": 0.3, "test": 0.3}
SIZE = 24


def _codec(rng: np.random.Generator, made: bool) -> Saved:
    """Generators write PNG, cameras JPEG; one in fifty has been converted."""
    png = made == (rng.random() < 0.98)
    return (SIZE, SIZE, "PNG", {}) if png else (SIZE, SIZE, "JPEG", {"quality": 90})


def _shape(rng: np.random.Generator, made: bool) -> Saved:
    """Generated pictures are square, photographs mostly wide: the same short side, and so the same factor."""
    wide = made != (rng.random() < 0.97)
    return SIZE + 12 * wide, SIZE, "JPEG", {"quality": 90}


def _quality(rng: np.random.Generator, made: bool) -> Saved:
    return SIZE, SIZE, "JPEG", {"quality": int(np.clip(rng.normal(92 if made else 80, 4), 60, 98))}


LEAKS: dict[str, Plant] = {"codec": _codec, "size": _shape, "quality": _quality}


class Planted:
    """Photographs and pictures by two dated generators, saved as the plant says."""

    name = "planted"

    def __init__(self, plant: Plant, each: int, scene: Scene, encode: Encode) -> None:
        self.plant, self.each, self.scene, self.encode = plant, each, scene, encode

    def fingerprint(self) -> str:
        return "planted"

    def pictures(self) -> Iterator[SourcePicture]:
        for number in range(3 * self.each):
            month = (None, "2022-08", "2023-03")[number % 3]
            width, height, form, options = self.plant(np.random.default_rng(number), bool(month))
            data = self.encode(self.scene(number, width, height), form, **options)
            yield SourcePicture(
                str(number),
                lambda data=data: data,
                "generated" if month else "photo",
                f"group {number}",
                "here",
                "CC0-1.0",
                generator=month and f"by {month}",
                released=month,
            )


def _corpus(source: Source, treatment: Treatment, folder: Path, match: Match | None = None) -> Corpus:
    treat(source, treatment, folder / "treated")
    return finish(folder / "treated", folder / "corpus", Plan("planted", SHARES, WINDOWS, match=match or Match()))


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_flagged_where_bytes_are_kept_and_is_gone_where_they_are_treated(
    leak: str, scene: Scene, encode: Encode, tmp_path: Path
) -> None:
    source = Planted(LEAKS[leak], 250, scene, encode)
    kept = _corpus(source, Keep(), tmp_path / "keep")
    assert kept.audit.biased
    for window in kept.audit.windows:
        assert window.verdict == "leak"
        assert window.after.value is not None
        assert window.after.value >= 0.9
    assert (
        "**Biased**: metadata alone tells the classes apart in 2022, 2023." in (kept.folder / "README.md").read_text()
    )
    treated = _corpus(source, Normalise(SIZE), tmp_path / "square")
    assert not treated.audit.biased
    assert [window.verdict for window in treated.audit.windows] == ["clear", "clear"]
    for window in treated.source_audit.windows:  # and the card does not forget what was there before
        assert window.verdict == "leak"
        assert window.after.value is not None
        assert window.after.value >= 0.9


def test_a_leak_of_the_factor_is_matched_away(scene: Scene, encode: Encode, tmp_path: Path) -> None:
    """Generated pictures come larger: the factor tells after treatment too, until rows are dropped; it is counted."""

    def larger(rng: np.random.Generator, made: bool) -> Saved:
        side = int(SIZE * rng.choice([1.0, 1.5, 2.0], p=(0.04, 0.08, 0.88) if made else (0.88, 0.08, 0.04)))
        return side, side, "JPEG", {"quality": 90}

    corpus = _corpus(Planted(larger, 1200, scene, encode), Normalise(SIZE), tmp_path)
    for window in corpus.audit.windows:
        assert window.before.value is not None
        assert window.before.value >= 0.9
        assert window.before.n == 2400
        assert window.after.low is not None
        assert window.after.low <= 0.5
    assert not corpus.audit.biased
    for name, sides in corpus.card["matching"]["windows"].items():
        kept = int(corpus.windows[name].sum()) // 2
        expected = {"rows": 1200, "kept": kept, "dropped": 1200 - kept}
        assert sides == {"human-made": expected, "generated": expected}
        assert 100 < kept < 400


def test_a_codec_is_matched_away_without_any_treatment(scene: Scene, encode: Encode, tmp_path: Path) -> None:
    def mostly(rng: np.random.Generator, made: bool) -> Saved:
        png = made == (rng.random() < 0.8)
        return (SIZE, SIZE, "PNG", {}) if png else (SIZE, SIZE, "JPEG", {"quality": 90})

    corpus = _corpus(Planted(mostly, 300, scene, encode), Keep(), tmp_path, Match(exactly=["format"]))
    assert all(window.before.value > 0.75 for window in corpus.audit.windows)
    assert all(window.after.value == pytest.approx(0.5, abs=0.03) for window in corpus.audit.windows)
    assert json.loads((corpus.folder / "card.json").read_text())["matching"]["exactly"] == ["format"]
