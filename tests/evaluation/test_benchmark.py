"""A benchmark without pictures gives the figures that its corpus gives, and says so when it was touched."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stand_ins
from redqueen.errors import DigestError, UserError
from redqueen.evaluation import benchmark, scores
from redqueen.evaluation.benchmark import Benchmark, Definition
from redqueen.evaluation.evaluate import Evaluation, Scored
from redqueen.evaluation.measured import Facts, Slicing, measured
from redqueen.evaluation.protocols import Temporal
from redqueen.evaluation.scores import Origin, Scores

PROTOCOL = Temporal("tiny", 1, [["2026-01", "2026-01"], ["2026-02", "2026-02"]])
VIEWS = ("clean", "jpeg50")
CUTOFFS = ("2026-01", "2026-02")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def made(corpus, tmp_path_factory):
    return benchmark.write(tmp_path_factory.mktemp("benchmark"), *defined(corpus))


def defined(corpus, **changes):
    table = benchmark.answers(corpus, PROTOCOL.windows)
    card = Definition(
        name="stand-in",
        version=1,
        corpus_digest=corpus.digest,
        windows_digest=corpus.windows_digest,
        protocol=PROTOCOL.label,
        suite="basic-v1",
        views=VIEWS,
        cutoffs=CUTOFFS,
        windows=PROTOCOL.windows,
        last=None,
        nominal_dates=False,
        draws=50,
        seed=3,
        answers_digest=benchmark.answers_digest(table),
        biased=False,
        reason="",
        limits=("Noise.",),
    )
    return replace(card, **changes), table


def logits(ids, seed=0):
    """By picture, so that any order of rows gives the same."""
    drawn = {one: np.random.default_rng([seed, at]).normal(size=4) for at, one in enumerate(sorted(ids))}
    places = [(cutoff, view) for cutoff in CUTOFFS for view in VIEWS]
    return {place: np.asarray([drawn[one][at] for one in ids]) for at, place in enumerate(places)}


def exchanged(made, seed=0, thresholds=None):
    table = scores.table_of(CUTOFFS, VIEWS, made.ids, logits(made.ids, seed))
    return Scores(table, Origin(made.digest, "basic-v1", "noise", thresholds or dict.fromkeys(CUTOFFS, 0.4)))


def facts(corpus):
    fields = {"detector": "noise", "control": False, "suite": "basic-v1", "corpus": "stand-in", "labels": "true"}
    return Facts(**fields, corpus_digest=corpus.digest, predictions_digest="", seed=0, biased=False)


def test_the_same_figures_with_and_without_pictures(corpus, made):
    whole = Evaluation(corpus, PROTOCOL, 50, 3)
    by_cutoff = logits(whole.ids)
    threshold = float(np.log(0.4 / 0.6))
    windows = PROTOCOL.windows
    direct = [Scored(one, {view: by_cutoff[one.name, view] for view in VIEWS}, threshold) for one in windows]
    ours, _ = measured(whole, direct, facts(corpus), Slicing())
    theirs, _ = measured(made.evaluation, scores.scored(exchanged(made), made), facts(corpus), Slicing())
    assert len(ours.cells) == 8 and ours.cells[0].auroc.low is not None
    for name in ("cells", "next_period", "same_period", "false_positives", "change", "half_life", "reliability"):
        assert close(getattr(ours, name), getattr(theirs, name))
    assert close(ours.measures, theirs.measures)


def close(ours, theirs):
    """Equal to 1e-9 in every number, and in everything else."""
    if isinstance(ours, float) or isinstance(theirs, float):
        return ours == pytest.approx(theirs, abs=1e-9)
    if isinstance(ours, tuple):
        return len(ours) == len(theirs) and all(close(a, b) for a, b in zip(ours, theirs, strict=True))
    if hasattr(ours, "__dataclass_fields__"):
        return all(close(getattr(ours, name), getattr(theirs, name)) for name in ours.__dataclass_fields__)
    return ours == theirs


def test_nothing_but_test_pictures_and_no_name_of_a_group(corpus, made):
    test = corpus.column("split") == "test"
    assert sorted(made.ids) == sorted(corpus.column("image_id")[test])
    groups = set(corpus.column("group_id")[test])
    text = (made.folder / benchmark.ANSWERS).read_bytes() + (made.folder / benchmark.CARD).read_bytes()
    assert not any(group.encode() in text for group in groups)
    assert len(set(made.column("group_id"))) == len(groups)


def test_a_changed_label_is_seen(corpus, made, tmp_path):
    card, table = defined(corpus)
    benchmark.write(tmp_path, card, table)
    assert Benchmark.open(tmp_path).digest == made.digest
    labels = table.column("label").to_numpy().copy()
    labels[0] = 1 - labels[0]
    pq.write_table(table.set_column(1, "label", pa.array(labels, pa.int8())), tmp_path / benchmark.ANSWERS)
    with pytest.raises(DigestError, match=r"answers\.parquet is not what benchmark\.json was made with"):
        Benchmark.open(tmp_path)


def test_another_definition_is_another_benchmark(corpus, made, tmp_path):
    assert benchmark.write(tmp_path, *defined(corpus, version=2)).digest != made.digest


def test_no_benchmark(tmp_path):
    with pytest.raises(UserError, match="no benchmark at"):
        Benchmark.open(tmp_path)
    (tmp_path / benchmark.CARD).write_text(json.dumps({"name": "x"}))
    (tmp_path / benchmark.ANSWERS).write_bytes(b"PAR1")
    with pytest.raises(UserError, match="no benchmark"):
        Benchmark.open(tmp_path)


def test_scores_come_back_as_they_were_written(made, tmp_path):
    found = exchanged(made)
    scores.write(tmp_path / "a.parquet", found)
    scores.write(tmp_path / "b.parquet", found)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    again = scores.read(tmp_path / "a.parquet")
    assert again.origin == found.origin
    assert again.table.equals(found.table)


def test_extreme_scores_stay_finite(made):
    table = exchanged(made).table
    values = table.column("score").to_numpy().copy()
    values[:2] = [0.0, 1.0]
    found = Scores(table.set_column(3, "score", pa.array(values)), exchanged(made).origin)
    assert all(np.isfinite(one.logits[view]).all() for one in scores.scored(found, made) for view in VIEWS)


def test_not_every_picture_once(made):
    found = exchanged(made)
    for table in (found.table.slice(1), pa.concat_tables([found.table, found.table.slice(0, 1)])):
        with pytest.raises(UserError, match="every test picture needs one score"):
            scores.scored(Scores(table, found.origin), made)


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.0001, 57.0])
def test_no_probability(made, value):
    found = exchanged(made)
    values = found.table.column("score").to_numpy().copy()
    values[7] = value
    with pytest.raises(UserError, match=r"1 pictures have no score in \[0, 1\]"):
        scores.scored(Scores(found.table.set_column(3, "score", pa.array(values)), found.origin), made)


def test_scores_of_another_benchmark(corpus, made, tmp_path):
    other = benchmark.write(tmp_path, *defined(corpus, version=2))
    with pytest.raises(DigestError, match="are of benchmark"):
        scores.scored(exchanged(made), other)


@pytest.mark.parametrize("threshold", [0.0, 1.0, float("nan")])
def test_a_threshold_outside(made, threshold):
    with pytest.raises(UserError, match="threshold of cutoff '2026-01'"):
        scores.scored(exchanged(made, thresholds={"2026-01": threshold, "2026-02": 0.5}), made)


def test_a_file_that_is_no_table_of_scores(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"nothing")
    pq.write_table(pa.table({"image_id": ["x"], "label": [1]}), tmp_path / "b.parquet")
    for name in "ab":
        with pytest.raises(UserError):
            scores.read(tmp_path / f"{name}.parquet")
