"""A finished corpus looked at afresh: agrees with its card, and says what it is in one sentence."""

import dataclasses
import json

import pytest

import stand_ins
from redqueen.corpus.codec_swap import MEAN, CodecSwap, Part, Probe, Saving
from redqueen.corpus.inspection import Inspection, inspect, swap_sentence
from redqueen.corpus.store import CARD
from redqueen.types import Audit, Interval

QUICK = Probe(codecs=(), draws=20)
FIGURE = Interval(0.625, 0.5, 0.75, 90, 40)
NOTHING = Interval(None, None, None, 0, 0)


def swap(verdict="none seen", figure=FIGURE):
    parts = tuple(Part(name, figure, (Saving("as they are", figure),), verdict) for name in ("all", MEAN))
    return CodecSwap(verdict, 90, 90, parts, ())


def inspection(biased=False, verdict="none seen", one_class=None):
    metadata = Audit((), NOTHING, FIGURE, biased, "because")
    return Inspection(one_class, metadata, (), None, swap(verdict), ())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


def test_agrees_with_the_card_that_was_just_written(corpus):
    found = inspect(corpus, QUICK)
    assert found.card_differs == ()
    assert found.metadata == corpus.audit
    assert found.source == corpus.source_audit
    assert list(found.cells) == corpus.card["cells"]
    assert found.one_class is None


def test_says_where_the_card_says_otherwise(corpus):
    card = json.loads((corpus.folder / CARD).read_text())
    card["audit"]["biased"] = not card["audit"]["biased"]
    found = inspect(dataclasses.replace(corpus, card=card), QUICK)
    assert len(found.card_differs) == 1
    assert "became" in found.card_differs[0]


@pytest.mark.parametrize(
    ("found", "standing", "start"),
    [
        (inspection(), "not biased", "Not biased: because; compression history in the pixels: none seen."),
        (inspection(verdict="undetermined"), "not biased", "Not biased: because; compression history in the pixels: u"),
        (inspection(biased=True), "biased", "Biased: because; compression history in the pixels: none seen."),
        (
            inspection(verdict="history"),
            "biased",
            "Biased: compression history in the pixels tells the classes apart (AUROC 0.62 (0.50-0.75); all); metadata",
        ),
        (
            inspection(biased=True, one_class="human-made"),
            "nothing to audit",
            "Nothing to audit: one class, all pictures are human-made.",
        ),
    ],
)
def test_the_finding(found, standing, start):
    assert found.standing == standing
    assert found.biased == (standing == "biased")
    assert found.finding.startswith(start)


@pytest.mark.parametrize(
    ("source", "windows", "one_class"),
    [
        (stand_ins.Pictures(generated=0), stand_ins.WINDOWS, "human-made"),
        (stand_ins.Pictures(generated=0), (), "human-made"),
        (stand_ins.Pictures(photos=0, others=0), stand_ins.WINDOWS, "AI-generated"),
    ],
)
def test_a_corpus_of_one_class(tmp_path, source, windows, one_class):
    found = inspect(stand_ins.corpus(tmp_path, source, windows), QUICK)
    assert found.one_class == one_class
    assert found.standing == "nothing to audit"
    assert not found.biased
    assert found.codec_swap.verdict == "undetermined"
    assert sum(cell["rows"] for cell in found.cells) > 0 or not windows


def test_without_windows_both_classes_are_still_probed(tmp_path):
    found = inspect(stand_ins.corpus(tmp_path, windows=()), QUICK)
    assert found.standing == "not biased"
    assert "no release windows" in found.finding


def test_sentences_of_the_codec_swap_probe():
    assert swap_sentence(swap()).startswith("no compression history was seen")
    assert "is undetermined (AUROC 0.62 (0.50-0.75))" in swap_sentence(swap("undetermined"))
    assert swap_sentence(swap("undetermined", NOTHING)).startswith("compression history was not probed")


def test_pictures_too_small_for_traces_are_not_called_clean(corpus):
    found = inspect(corpus, QUICK).codec_swap
    assert stand_ins.SIDE < 40
    assert (found.verdict, found.pictures, found.of) == ("undetermined", 0, 0)
