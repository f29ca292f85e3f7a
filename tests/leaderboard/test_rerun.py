"""Running weights again: honest ones pass, and each way in which scores can be another's is told."""

from collections import Counter
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
import yaml

import hostile_detectors
import stand_ins
from leaderboard import rerun_world as world
from redqueen.detectors import one_pass
from redqueen.errors import DigestError
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.scores import Scores
from redqueen.leaderboard import rerun
from redqueen.leaderboard.rerun import Again, Place, Sample, agreement, check, draw, drawn_by
from redqueen.leaderboard.sandbox import child
from redqueen.training.checkpoint import NODE

BOUNDS = Bounds(memory=2048, processor=60, seconds=60, start=60)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    source = stand_ins.Pictures(photos=12, others=2, generated=8)
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"), source)


@pytest.fixture(scope="module")
def bench(corpus, tmp_path_factory):
    return world.frozen(corpus, tmp_path_factory.mktemp("benchmark"))


@pytest.fixture(scope="module")
def bundle(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    return folder, world.weights(corpus, folder)


@pytest.fixture(scope="module")
def honest(corpus, bench, bundle):
    return world.scored(corpus, bench, bundle[1])


def sample(n=16, **settings):
    return Sample(drawn_by("root"), n, bounds=BOUNDS, **settings)


def outcomes(checks):
    return {check.id: check.outcome for check in checks}


def test_honest_weights_pass(bundle, bench, corpus, honest):
    found = check(bundle[0], bench, corpus, world.SUITE, honest, sample())
    assert outcomes(found) == {"run.isolation": "noted", "run.scores": "passed"}
    assert "16 of 16 scores came out within 0.001" in found[-1].message


def test_scores_of_another_model_are_rejected_with_the_figures(bundle, bench, corpus, honest):
    column = pc.power(honest.table.column("score"), 3)  # a monotone map: every rank is kept
    forged = Scores(honest.table.set_column(3, "score", column), honest.origin)
    found = check(bundle[0], bench, corpus, world.SUITE, forged, sample())
    assert outcomes(found)["run.scores"] == "rejected"
    assert "0 of 16 scores" in found[-1].message
    assert "verdicts are others" in found[-1].message


def test_without_weights_pictures_or_all_cutoffs(tmp_path, bundle, bench, corpus, honest):
    given = (bench, corpus, world.SUITE, honest, sample(4))
    assert outcomes(check(tmp_path, *given)) == {"run.weights": "skipped"}
    assert outcomes(check(bundle[0], bench, None, *given[2:])) == {"run.corpus": "skipped"}
    world.weights(corpus, tmp_path)
    (tmp_path / "model" / "2026-02").rename(tmp_path / "elsewhere")
    found = check(tmp_path, *given)
    assert outcomes(found)["run.scores"] == "noted", "not every score is vouched for"
    assert "weights of 2026-02 are not in the bundle" in found[-1].message
    (tmp_path / "model" / "2031-01").mkdir()
    assert "2031-01: no cutoff of the benchmark" in check(tmp_path, *given)[0].message


def test_another_corpus_or_suite_is_a_usage_error(bundle, bench, corpus, honest, tmp_path):
    other = stand_ins.corpus(tmp_path, stand_ins.Pictures(photos=4, others=1, generated=4, seed=1))
    with pytest.raises(DigestError, match="is not the benchmark's"):
        check(bundle[0], bench, other, world.SUITE, honest, sample())


def test_weights_that_rest_on_what_is_not_here_are_skipped(tmp_path, bench, corpus, honest):
    world.weights(corpus, tmp_path)
    for cutoff in world.CUTOFFS:
        world.edit_record(tmp_path / "model" / cutoff, frozen="0" * 64)
    (found,) = check(tmp_path, bench, corpus, world.SUITE, honest, sample(4))
    assert (found.id, found.outcome) == ("run.weights", "skipped")
    assert "rests on other frozen weights" in found.message


def test_weights_that_lie_elsewhere_are_skipped(tmp_path, bench, corpus, honest):
    world.weights(corpus, tmp_path)
    absent = {"_target_": "redqueen.detectors.backbones.timm_backbone", "model": "resnet18.a1_in1k", "weights": "gone"}
    node = {"_target_": "redqueen.detectors.linear_probe.LinearProbe", "backbone": absent}
    for cutoff in world.CUTOFFS:
        (tmp_path / "model" / cutoff / NODE).write_text(yaml.safe_dump(node))
    (found,) = check(tmp_path, bench, corpus, world.SUITE, honest, sample(4))
    assert (found.id, found.outcome) == ("run.weights", "skipped")
    assert "weights 'gone': no such file" in found.message


def test_a_detector_that_reads_metadata_is_rejected(tmp_path, bench, corpus, honest):
    world.weights(corpus, tmp_path, "metadata_probe")
    (found,) = check(tmp_path, bench, corpus, world.SUITE, honest, sample(4))
    assert (found.id, found.outcome) == ("run.weights", "rejected")
    assert "reads metadata, no pixels" in found.message


def test_a_wrong_temperature_is_told(tmp_path, bench, corpus, honest):
    world.weights(corpus, tmp_path, temperature="1.5")
    (found,) = check(tmp_path, bench, corpus, world.SUITE, honest, sample(4))
    assert (found.id, found.outcome) == ("run.weights", "rejected")
    assert "temperature '1.5' is no number over 0" in found.message


def test_the_sample_is_even_and_its_seed_decides_it(bench):
    few = draw(bench, world.CUTOFFS, 16, drawn_by("root"))
    labels = dict(zip(bench.ids, bench.column("label"), strict=True))
    assert set(Counter((one.cutoff, one.view, int(labels[one.image_id])) for one in few).values()) == {2}
    assert len(set(few)) == 16
    assert few == draw(bench, world.CUTOFFS, 16, drawn_by("root"))
    assert few != draw(bench, world.CUTOFFS, 16, drawn_by("root", "salt"))
    assert len(draw(bench, world.CUTOFFS, 10**6, 0)) == len(bench.ids) * 4


@pytest.mark.parametrize(
    ("apart", "tolerance", "outcome"),
    [(0.0009, 1e-3, "passed"), (0.0011, 1e-3, "rejected"), (0.015, 2e-2, "passed"), (np.nan, 2e-2, "rejected")],
)
def test_tolerance(apart, tolerance, outcome):
    places = [Place("c", "v", str(number)) for number in range(100)]
    theirs = np.full(100, 0.3)
    assert agreement(places, theirs, theirs + apart, np.full(100, 0.5), tolerance, ()).outcome == outcome


def test_one_in_a_hundred_may_differ_but_no_verdict(corpus):
    places = [Place("c", "v", str(number)) for number in range(100)]
    theirs, thresholds = np.full(100, 0.3), np.full(100, 0.5)
    ours = theirs.copy()
    ours[0] = 0.4
    assert agreement(places, theirs, ours, thresholds, 1e-3, ()).outcome == "passed"
    ours[0] = 0.6
    assert "1 verdicts are others" in agreement(places, theirs, ours, thresholds, 1e-3, ()).message
    near = np.full(100, 0.4995)  # at the threshold a verdict may fall either way
    assert agreement(places, near, near + 0.0009, thresholds, 1e-3, ()).outcome == "passed"
    ours[:2] = 0.4
    assert agreement(places, theirs, ours, thresholds, 1e-3, ()).outcome == "rejected", "two in a hundred"


def test_a_declared_precision_has_its_tolerance():
    assert [sample(precision=name).tolerance for name in ("float32", "bfloat16", "int3")] == [1e-3, 2e-2, 1e-3]


@pytest.mark.parametrize("name", ["Remembers", "AveragesTheBatch", "Dropout"])
def test_what_depends_on_more_than_the_picture_is_seen(name, bench, corpus, honest):
    found = Again(bench, corpus, world.SUITE, honest, sample()).checks(
        dict.fromkeys(world.CUTOFFS, partial(hostile_detectors.made, name))
    )
    assert outcomes(found) == {"run.isolation": "noted", "run.repeat": "rejected"}


def test_a_damaged_picture_of_the_corpus_is_nobodys_fault(monkeypatch, bundle, bench, corpus, honest):
    monkeypatch.setattr(rerun, "BATCH", 1)
    broken = type(corpus)(corpus.folder, corpus.card, corpus.known)
    object.__setattr__(broken, "_pictures", {row: b"" for row in range(corpus.known.num_rows)})
    vars(broken)["_pictures"] = dict.fromkeys(range(corpus.known.num_rows), b"")
    found = check(bundle[0], bench, broken, world.SUITE, honest, sample(2))
    assert outcomes(found) == {"run.corpus": "skipped"}


def test_missing_scores_are_no_agreement(bundle, bench, corpus, honest):
    empty = Scores(honest.table.slice(0, 0), honest.origin)
    assert isinstance(empty.table, pa.Table)
    assert outcomes(check(bundle[0], bench, corpus, world.SUITE, empty, sample(4)))["run.scores"] == "rejected"


@pytest.mark.parametrize("name", ["npr", "spectral"])
def test_it_is_run_in_the_precision_that_is_declared(name, bundle, monkeypatch):
    """Networks, or the features of a head: as the engine does it, not a step otherwise."""

    class Record:
        record = {"temperature": 2.0}

    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)

    def scored(precision):
        monkeypatch.setattr(child, "restored", lambda folder: (stand_ins.detector(name), Record))
        detector, temperature = child.of_checkpoint(bundle[0], precision)
        assert temperature == 2.0
        return one_pass.scores(detector.eval(), [detector.prepare(picture)])[0]

    plain, other = stand_ins.detector(name).eval(), scored("bfloat16")
    column = one_pass.Column(plain, np.zeros(1, np.int64), "clean", bundle[0], "x", "bfloat16")
    with torch.inference_mode():
        found = column.of(plain, one_pass.laid_out([plain.prepare(picture)] * one_pass.BATCH)).float()
        expected = plain.score(found)[0].item() if name == "spectral" else found[0].item()
    assert other == pytest.approx(expected, abs=1e-6)
    assert (other != scored("float32")) == (name == "npr")
