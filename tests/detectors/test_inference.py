"""Inference over rows of a corpus: resumable, cached, and blind to how often it was interrupted."""

import numpy as np
import pytest
import torch

import stand_ins
from redqueen.corpus.store import Corpus
from redqueen.detectors import inference, one_pass
from redqueen.errors import RejectedPictureError, UserError
from redqueen.perturbations.functional import jpeg
from redqueen.perturbations.suite import CLEAN, Suite

SUITE = Suite("two", 1, {CLEAN: [], "rough": [lambda pixels, rng: jpeg(pixels, rng, quality=10)]})


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(one_pass, "CHUNK", 6)


@pytest.fixture
def reads(monkeypatch):
    """Rows whose picture was read, in order."""
    seen: list[int] = []
    original = Corpus.encoded
    monkeypatch.setattr(Corpus, "encoded", lambda self, row: seen.append(int(row)) or original(self, row))
    return seen


@pytest.fixture
def rows(corpus):
    return inference.in_order(corpus, np.flatnonzero(corpus.column("split") == "test"))


def run(name, corpus, rows, cache, view=CLEAN, suite=SUITE, identity="weights"):
    return inference.logits(
        inference.Judge(stand_ins.detector(name), identity), inference.Pictures(corpus, rows, suite, cache), view
    )


@pytest.mark.parametrize("name", ["npr", "spectral"])
def test_logits_are_the_detectors_own(name, corpus, rows, tmp_path, small_chunks):
    detector = stand_ins.detector(name).eval()
    with torch.inference_mode():
        expected = [detector(detector.prepare(corpus.pixels(row))[None]).item() for row in rows]
    np.testing.assert_allclose(run(name, corpus, rows, tmp_path), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["npr", "spectral"])
@pytest.mark.parametrize("stop_after", [0, 3, 7, 20])
def test_resumed_after_a_kill_gives_the_same_bytes(name, stop_after, corpus, rows, tmp_path, small_chunks, monkeypatch):
    whole = run(name, corpus, rows, tmp_path / "whole")
    original, left = Corpus.encoded, [stop_after]

    def dying(self, row):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return original(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(Corpus, "encoded", dying)
        with pytest.raises(KeyboardInterrupt):
            run(name, corpus, rows, tmp_path / "killed")
    resumed = run(name, corpus, rows, tmp_path / "killed")
    assert resumed.tobytes() == whole.tobytes()


def test_a_resumed_run_reads_only_what_is_missing(corpus, rows, tmp_path, small_chunks, reads):
    run("npr", corpus, rows, tmp_path)
    assert reads == list(rows)
    (folder,) = tmp_path.iterdir()
    (folder / "part-00001.npy").unlink()
    reads.clear()
    run("npr", corpus, rows, tmp_path)
    assert reads == list(rows[6:12])


@pytest.mark.parametrize("name", ["npr", "spectral"])
def test_a_second_call_reads_no_picture(name, corpus, rows, tmp_path, reads):
    first = run(name, corpus, rows, tmp_path)
    assert len(reads) == len(rows)
    assert run(name, corpus, rows, tmp_path).tobytes() == first.tobytes()
    assert len(reads) == len(rows)


def test_features_are_computed_once_for_all_heads_and_all_subsets(corpus, tmp_path, reads):
    detector = stand_ins.detector("spectral")
    train = np.flatnonzero(corpus.column("split") == "train")
    some = train[[5, 2, 11]]
    part = inference.features(detector, corpus, some, SUITE, CLEAN, tmp_path)
    assert sorted(reads) == list(train)  # whole splits, whatever the rows
    whole = inference.features(stand_ins.detector("spectral", seed=9), corpus, train, SUITE, CLEAN, tmp_path)
    assert len(reads) == len(train)
    np.testing.assert_array_equal(part, whole[[5, 2, 11]])


def test_rows_of_several_splits_come_in_the_order_asked_for(corpus, tmp_path):
    detector = stand_ins.detector("spectral")
    rows = np.random.default_rng(0).permutation(len(corpus.table))[:30]
    found = inference.features(detector, corpus, rows, SUITE, CLEAN, tmp_path)
    batch = torch.stack([detector.prepare(corpus.pixels(row)) for row in rows])
    np.testing.assert_allclose(found, detector.features(batch).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["npr", "spectral"])
def test_cached_views_leave_no_trace(name, corpus, rows, tmp_path):
    """A view gives the same bytes whether another was computed before it or not."""
    alone = run(name, corpus, rows, tmp_path / "alone", view="rough")
    run(name, corpus, rows, tmp_path / "after", view=CLEAN)
    after = run(name, corpus, rows, tmp_path / "after", view="rough")
    assert alone.tobytes() == after.tobytes()
    assert not np.array_equal(alone, run(name, corpus, rows, tmp_path / "after", view=CLEAN))


def test_other_weights_other_rows_other_suite_are_not_mixed_up(corpus, rows, tmp_path):
    run("npr", corpus, rows, tmp_path)
    run("npr", corpus, rows, tmp_path, identity="other weights")
    run("npr", corpus, rows[:4], tmp_path)
    run("npr", corpus, rows, tmp_path, suite=Suite("two", 2, SUITE.views), view="rough")
    run("npr", corpus, rows, tmp_path, view="rough")
    assert len(list(tmp_path.iterdir())) == 5


def test_an_untouched_picture_is_the_same_in_every_suite(corpus, rows, tmp_path):
    first = run("npr", corpus, rows, tmp_path)
    second = run("npr", corpus, rows, tmp_path, suite=Suite("two", 2, SUITE.views))
    assert len(list(tmp_path.iterdir())) == 1
    assert (first == second).all()


@pytest.mark.parametrize("name", ["npr", "spectral"])
def test_a_picture_that_fails_is_nan_and_harms_no_other(name, corpus, rows, tmp_path, small_chunks, monkeypatch):
    whole = run(name, corpus, rows, tmp_path / "whole")
    bad = {int(row) for row in rows[6:12]} | {int(rows[1])}  # one of a batch, and a whole chunk
    original = Corpus.pixels

    def pixels(self, row):
        if int(row) in bad:
            raise RejectedPictureError("broken")
        return original(self, row)

    monkeypatch.setattr(Corpus, "pixels", pixels)
    found = run(name, corpus, rows, tmp_path / "broken")
    failed = np.isin(rows, list(bad))
    assert np.isnan(found[failed]).all()
    np.testing.assert_allclose(found[~failed], whole[~failed], atol=1e-5)


def test_rows_digest_depends_on_rows_and_corpus(corpus, rows):
    digest = inference.rows_digest(corpus, rows)
    assert digest == inference.rows_digest(corpus, rows.tolist())
    assert digest != inference.rows_digest(corpus, rows[::-1])
    assert digest != inference.rows_digest(corpus, rows[:-1])


def unresized(name):
    detector = stand_ins.detector(name)
    if name == "lite0_probe":
        detector.resize = None
    return detector


@pytest.mark.parametrize("name", ["npr", "lite0_probe"])
def test_pictures_of_several_sizes_under_the_crop_are_told_in_one_line(name, corpus, rows, tmp_path, monkeypatch):
    small, original = int(rows[2]), Corpus.pixels
    monkeypatch.setattr(
        Corpus, "pixels", lambda self, row: original(self, row)[: (24 if int(row) == small else 32), :28]
    )
    with pytest.raises(UserError, match=r"inputs of 28 x 24 and of 28 x 32: .* crop .* normalise\.size") as told:
        inference.logits(
            inference.Judge(unresized(name), "x"), inference.Pictures(corpus, rows, SUITE, tmp_path), CLEAN
        )
    assert str(told.value).startswith(type(stand_ins.detector(name)).__name__)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["npr", "lite0_probe"])
def test_pictures_of_one_size_under_the_crop_are_scored_whole(name, corpus, rows, tmp_path, monkeypatch):
    original = Corpus.pixels
    monkeypatch.setattr(Corpus, "pixels", lambda self, row: original(self, row)[:24, :28])
    detector = unresized(name).eval()
    found = inference.logits(inference.Judge(detector, "x"), inference.Pictures(corpus, rows, SUITE, tmp_path), CLEAN)
    with torch.inference_mode():
        expected = [detector(detector.prepare(corpus.pixels(row))[None]).item() for row in rows]
    np.testing.assert_allclose(found, expected, atol=1e-5)


class Counted:
    """An operation that counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, pixels, rng):
        self.calls += 1
        return jpeg(pixels, rng, quality=10)


def judges():
    names = ("npr", "cnndetection", "spectral", "lite0_probe", "metadata_probe", "ensemble")
    return [inference.Judge(stand_ins.detector(name), f"{name}'s weights") for name in names]


def scores(pictures, view):
    found = [inference.logits(one, pictures, view) for one in judges()]
    return np.stack(found)


def test_many_detectors_and_views_take_one_pass(corpus, rows, tmp_path, reads):
    """Each picture is decoded once, each view of it made once, and what is found is what each finds alone."""
    operation = Counted()
    suite = Suite("two", 1, {CLEAN: [], "rough": [operation]})
    together = inference.Pictures(corpus, rows, suite, tmp_path / "together")
    inference.fill(judges(), together)
    assert sorted(reads) == sorted(rows)
    assert operation.calls == len(rows)
    alone = inference.Pictures(corpus, rows, suite, tmp_path / "alone")
    for view in suite.views:
        assert scores(together, view).tobytes() == scores(alone, view).tobytes()
    assert len(reads) > 5 * len(rows)  # the usual way


def test_judges_of_one_preparation_share_it(corpus, rows, tmp_path, monkeypatch):
    first, second = (stand_ins.detector("npr", seed=seed) for seed in (0, 1))
    calls, prepare = [], type(first).prepare
    monkeypatch.setattr(type(first), "prepare", lambda self, *given: calls.append(1) or prepare(self, *given))
    shared = [inference.Judge(first, "first", "npr's"), inference.Judge(second, "second", "npr's")]
    inference.fill(shared, inference.Pictures(corpus, rows, SUITE, tmp_path))
    assert len(calls) == len(rows) * len(SUITE.views)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("chunk", [5, 128])
def test_threads_and_parts_leave_no_trace(threads, chunk, corpus, rows, tmp_path, monkeypatch):
    pictures = [inference.Pictures(corpus, rows, SUITE, tmp_path / name) for name in ("one", "other")]
    inference.fill(judges(), pictures[0])
    monkeypatch.setattr(one_pass, "CHUNK", chunk)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        inference.fill(judges(), pictures[1])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    (one, other) = (
        {path.name: np.concatenate([np.load(part) for part in sorted(path.glob("*.npy"))]) for path in all_.iterdir()}
        for all_ in (tmp_path / "one", tmp_path / "other")
    )
    assert one.keys() == other.keys() and len(one) > 6
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize("name", stand_ins.names("detector"))
def test_a_pictures_score_does_not_depend_on_its_company(name, corpus, rows, tmp_path):
    """The same bytes alone, in another order, and among others: kernels do not see a place in the batch."""
    detector = stand_ins.detector(name)

    def column(chosen, folder):
        return one_pass.Column(detector, chosen, "rough", tmp_path / folder, "")

    backwards, alone = column(rows[::-1], "backwards"), column(rows[5:6], "alone")
    whole = column(rows, "whole")
    for each in (whole, backwards, alone):
        one_pass.fill([each], corpus, SUITE)
    (values,), (turned,), (one,) = (list(each.parts()) for each in (whole, backwards, alone))
    assert values.tobytes() == turned[::-1].tobytes()
    assert values[5].tobytes() == one[0].tobytes()


EXACT = {"constant", "dct", "jpeg_quality_probe", "metadata_probe", "spectral"}  # no products of networks


@pytest.mark.parametrize("name", stand_ins.names("detector"))
def test_bfloat16_is_kept_apart_and_moves_scores_a_little(name, corpus, rows, tmp_path):
    judge = inference.Judge(stand_ins.detector(name), "weights")

    def logits(precision):
        folder = tmp_path / precision
        return inference.logits(judge, inference.Pictures(corpus, rows, SUITE, folder, precision), CLEAN)

    reduced, whole = logits("bfloat16"), logits("float32")
    assert np.array_equal(reduced, whole) == (name in EXACT)
    assert name in EXACT or np.corrcoef(reduced, whole)[0, 1] > 0.97
    assert not {one.name for one in (tmp_path / "bfloat16").iterdir()} & {
        one.name for one in (tmp_path / "float32").iterdir()
    }


@pytest.mark.parametrize("name", ["freqnet", "lgrad", "npr"])
def test_a_network_learns_in_bfloat16(name):
    detector = stand_ins.detector(name)
    pictures = [stand_ins.human_pixels(number) for number in range(4)]
    batch, labels = torch.stack([detector.prepare(one) for one in pictures]), torch.tensor([0.0, 1.0, 0.0, 1.0])
    with torch.autocast("cpu", torch.bfloat16):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(detector(batch), labels)
    loss.backward()
    moved = [one.grad for one in detector.parameters() if one.requires_grad and one.grad is not None]
    assert moved
    assert all(torch.isfinite(one).all() for one in moved)


@pytest.mark.parametrize("shape", [(3, 6, 4), (192,)])
def test_batches_hold_what_they_are_made_of(shape):
    inputs = list(torch.rand(5, *shape))
    batch = one_pass.laid_out(inputs)
    assert torch.equal(batch, torch.stack(inputs))
    assert len(shape) == 1 or batch.is_contiguous(memory_format=torch.channels_last)
