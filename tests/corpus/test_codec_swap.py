"""The codec-swap probe finds a planted history, and takes content for none."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

import stand_ins
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.codec_swap import AS_IS, MEAN, SHIFTED, Probe
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import SourcePicture
from redqueen.errors import UserError
from redqueen.types import Window

SIDE = 96
MONTH = Window("2026-01", "2026-01", "2026-01")


def texture(number, detail):
    rng = np.random.default_rng(number)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize((SIDE, SIDE)), dtype=np.float64
        )
        for n in (5, 24, SIDE)
    ]
    return Image.fromarray(np.average(layers, axis=0, weights=(4, 2, detail)).astype(np.uint8))


class Planted:
    """Human-made and generated pictures of one month; the human-made ones were saved before, or have more detail."""

    name = "planted"

    def __init__(self, earlier=None, detail=1.0, pairs=90):
        self.earlier, self.detail, self.pairs = earlier, detail, pairs

    def fingerprint(self):
        return "planted"

    def pictures(self) -> Iterator[SourcePicture]:
        for number in range(2 * self.pairs):
            made = number % 2
            yield SourcePicture(
                name=str(number),
                read=lambda number=number, made=made: self.encoded(number, made),
                kind="generated" if made else "photo",
                group_id=f"g{number}",
                source="planted",
                licence="CC0-1.0",
                generator="made-up" if made else None,
                released="2026-01" if made else None,
            )

    def encoded(self, number, made):
        picture = texture(number, 1.0 if made else self.detail)
        if self.earlier and not made:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=self.earlier)
            picture = Image.open(io.BytesIO(buffer.getvalue()))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return buffer.getvalue()


def corpus(folder, **planted):
    treat(Planted(**planted), Normalise(size=SIDE), folder / "treated", strict=True)
    return finish(folder / "treated", folder / "corpus", Plan("planted", stand_ins.SHARES, [MONTH]))


PROBE = Probe(codecs=("JPEG 75",), draws=80)


def savings(part):
    return {saving.name: saving for saving in part.savings}


def test_an_earlier_saving_of_one_class_is_history(tmp_path):
    found = PROBE(corpus(tmp_path, earlier=75))
    assert found.verdict == "history"
    assert [part.name for part in found.parts] == ["all", MEAN, "2026-01"]
    for part in found.parts:
        assert list(savings(part)) == [AS_IS, SHIFTED, "JPEG 75"]
        assert savings(part)[AS_IS].auroc.value > 0.95
        assert part.history.low > 0.9
        assert part.verdict == "history"


def test_content_is_no_history(tmp_path):
    found = PROBE(corpus(tmp_path, detail=0.1))
    assert savings(found.parts[0])[AS_IS].auroc.low > 0.6, "the probe sees this content, or the test says nothing"
    assert found.parts[0].history.low < 0.55
    assert found.verdict != "history"


def test_nothing_planted_nothing_found(tmp_path):
    found = PROBE(corpus(tmp_path))
    assert found.verdict != "history"
    assert savings(found.parts[0])[AS_IS].auroc.low < 0.5 < savings(found.parts[0])[AS_IS].auroc.high


def test_looks_at_as_many_of_each_class_and_says_how_many(tmp_path):
    made = corpus(tmp_path)
    few = Probe(pictures=40, codecs=(), draws=20)
    found = few(made)
    assert found.pictures <= 40 < found.of == made.card["counts"]["matched"]["2026-01"]
    assert found.too_few == ("2026-01",)
    assert len(found.parts) == 1
    assert few(made) == found
    assert Probe(pictures=40, codecs=(), draws=20, seed=1)(made) != found


def test_a_corpus_of_one_class_has_nothing_to_compare(tmp_path):
    source = stand_ins.Pictures(generated=0)
    found = Probe(codecs=(), draws=20)(stand_ins.corpus(tmp_path, source))
    assert (found.verdict, found.pictures) == ("undetermined", 0)


@pytest.mark.parametrize("name", ["PNG 90", "JPEG", "JPEG 0", "JPEG 101", "jpeg 75", "WEBP -1", ""])
def test_a_codec_that_is_none(name):
    with pytest.raises(UserError, match="a space and a quality"):
        Probe(codecs=(name,))
