"""Aligned training: pairs that differ by the autoencoder alone, in the same groups, made once."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import stand_ins
import tiny_diffusion
from redqueen.corpus.audit import metadata_features
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.decode import open_picture
from redqueen.corpus.normalise import Keep
from redqueen.errors import UserError
from redqueen.generation.reconstruct import Autoencoder
from redqueen.training import aligned
from redqueen.training.aligned import Aligned, AsItIs
from redqueen.training.fit import fit
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows

WHERE = str(tiny_diffusion.autoencoder())
WINDOWS = ("2026-01", "2026-02")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("reconstructions")


@pytest.fixture(scope="module")
def pairs(corpus, cache):
    return Aligned(WHERE)(corpus, cache)


def of(pairs):
    """Row of each reconstruction -> row of its original, by what its provenance says."""
    ids = {name: row for row, name in enumerate(pairs.column("image_id"))}
    said = [json.loads(text) for text in pairs.column("provenance")]
    return {row: ids[told["of"]] for row, told in enumerate(said) if told.get("mode") == "reconstruction"}


def test_the_corpus_as_it_is_is_the_corpus(corpus, tmp_path):
    assert AsItIs()(corpus, tmp_path) is corpus
    assert AsItIs().identity == {}


def test_every_matched_human_made_row_has_its_reconstruction(corpus, pairs):
    kinds, labels = pairs.column("kind"), pairs.column("label")
    matched = np.any([corpus.windows[name] for name in WINDOWS], axis=0)
    wanted = matched & (corpus.column("label") == 0) & (corpus.column("split") != "test")
    assert set(pairs.column("image_id")[labels == 0]) == set(corpus.column("image_id")[wanted])
    assert (labels == 1).sum() == (labels == 0).sum() == wanted.sum() > 0
    assert set(kinds[labels == 0]) == {"photo", "collage", "drawing"}
    assert sorted(of(pairs).values()) == np.flatnonzero(labels == 0).tolist()


def test_a_pair_shares_group_split_windows_and_form(pairs):
    for made, real in of(pairs).items():
        for column in ("group_id", "split", "width", "height", "format", "quality", "resample_factor", "topic"):
            assert pairs.column(column)[made] == pairs.column(column)[real]
        assert all(mask[made] == mask[real] for mask in pairs.windows.values())
        first, second = (open_picture(pairs.encoded(row)) for row in (made, real))
        assert (first.format, first.size, first.quantization) == (second.format, second.size, second.quantization)
        assert first.layer == second.layer  # subsampling
    rows = list(of(pairs).items())
    seen = metadata_features(pairs.metadata)
    np.testing.assert_array_equal(seen[[made for made, _ in rows]], seen[[real for _, real in rows]])


def test_a_reconstruction_is_what_the_autoencoder_gives(corpus, pairs):
    from redqueen.detectors.diffusion import autoencoder

    network = Autoencoder(autoencoder(WHERE).network, "cpu")
    for made, real in list(of(pairs).items())[:5]:
        buffer = io.BytesIO()
        quality = int(pairs.column("quality")[real])
        Image.fromarray(network(pairs.pixels(real))).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
        np.testing.assert_array_equal(pairs.pixels(made), np.asarray(Image.open(buffer)))
        assert (pairs.pixels(made) != pairs.pixels(real)).any()
        told = pairs.table.slice(made, 1).to_pylist()[0]
        assert told["generator"] == f"autoencoder-{autoencoder(WHERE).digest[:12]}"
        assert told["kind"] == "generated"


def test_it_says_that_it_is_made(pairs):
    made, _ = next(iter(of(pairs).items()))
    assert b"trainedAlgorithmicMedia" in pairs.encoded(made)


def test_they_are_made_once_and_a_kill_costs_one_part(corpus, cache, pairs, monkeypatch, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.parquet")}
    assert Aligned(WHERE)(corpus, cache).digest == pairs.digest
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.parquet")} == before

    monkeypatch.setattr(aligned, "PART", 8)
    calls = []
    whole = Aligned._row

    def row(self, *arguments):
        calls.append(1)
        if len(calls) == 13:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setattr(Aligned, "_row", row)
    with pytest.raises(KeyboardInterrupt):
        Aligned(WHERE)(corpus, tmp_path)
    assert len(list(tmp_path.rglob("part-*.parquet"))) == 1
    again = Aligned(WHERE)(corpus, tmp_path)
    assert again.digest == pairs.digest
    assert len(calls) == 13 + (pairs.column("label") == 1).sum() - 8
    assert [again.encoded(row) for row in of(again)] == [pairs.encoded(row) for row in of(pairs)]


def test_the_digest_and_the_identity_tell_settings_apart(corpus, cache, pairs):
    others = [
        Aligned(str(tiny_diffusion.autoencoder(1))),
        Aligned(WHERE, kinds=("photo",)),
        Aligned(WHERE, mix=0.5),
        Aligned(WHERE, blend=0.5),
    ]
    digests = {one(corpus, cache).digest for one in others} | {pairs.digest, corpus.digest}
    assert len(digests) == 6
    assert len({json.dumps(one.identity) for one in (Aligned(WHERE), *others)}) == 5


@pytest.mark.parametrize("kinds", [("photo",), ("collage", "drawing")])
def test_kinds_are_those_asked_for(corpus, cache, kinds):
    found = Aligned(WHERE, kinds=kinds)(corpus, cache)
    assert set(found.column("kind")) == {*kinds, "generated"}


@pytest.mark.parametrize("mix", [0.5, 0.8])
def test_mix_is_the_share_of_reconstructions(corpus, cache, mix):
    found = Aligned(WHERE, mix=mix)(corpus, cache)
    for split in ("train", "val"):
        for window in WINDOWS:
            rows = found.rows(split, [window])
            made = [str(name).startswith("autoencoder-") for name in found.column("generator")[rows]]
            generated = (found.column("label")[rows] == 1).sum()
            available = (corpus.column("label")[corpus.rows(split, [window])] == 1).sum()
            wanted = round(sum(made) * (1 - mix) / mix)
            assert generated - sum(made) == min(wanted, available)
            assert available > 0
    others = [row for row in range(len(found.origin)) if found.column("label")[row] == 1]
    assert all(found.encoded(row) == corpus.encoded(found.origin[row]) for row in others)


def test_blend_keeps_up_to_its_share_of_the_original(corpus, cache, pairs):
    found = Aligned(WHERE, blend=0.6)(corpus, cache)
    kept = [json.loads(found.column("provenance")[row])["kept"] for row in of(found)]
    assert len(set(kept)) == len(kept)
    assert 0 <= min(kept) < 0.2
    assert 0.4 < max(kept) < 0.6
    from redqueen.detectors.diffusion import autoencoder

    network = Autoencoder(autoencoder(WHERE).network, "cpu")
    for (made, real), share in list(zip(of(found).items(), kept, strict=True))[:3]:
        pixels = found.pixels(real).astype(np.float64)
        mixed = np.rint(share * pixels + (1 - share) * network(found.pixels(real))).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(mixed).save(buffer, "JPEG", quality=int(found.column("quality")[real]), subsampling="4:2:0")
        np.testing.assert_array_equal(found.pixels(made), np.asarray(Image.open(buffer)))


@pytest.mark.parametrize("name", ["npr", "spectral", "drct"])
def test_any_detector_learns_from_pairs(pairs, tmp_path, name):
    """A random autoencoder leaves marks that a detector sees at once."""
    from functools import partial

    import pytorch_lightning as pl

    from redqueen.training.fit import Machine, calibrated

    rows = Rows.choose(pairs, ("2026-01",), shuffled=False, seed=0)
    assert set(rows.makers) >= {"photo"}
    detector = stand_ins.detector(name)
    settings = {"accelerator": "cpu", "logger": False, "enable_model_summary": False}
    recipe = Recipe(steps=12, batch_size=8, learning_rate=1e-2, steps_a_block=6)
    fit(detector, rows, recipe, 0, tmp_path / "work", tmp_path / "cache", Machine(partial(pl.Trainer, **settings)))
    found = calibrated(detector, rows, tmp_path / "cache", "x")
    assert found["fitted_on"]["pictures"] == len(rows.val)
    with torch.no_grad():
        scores = {row: float(detector.eval()(detector.prepare(pairs.pixels(row))[None])) for row in rows.val}
    apart = [scores[made] > scores[real] for made, real in of(pairs).items() if made in scores]
    assert np.mean(apart) > 0.8


def test_an_autoencoder_that_saw_too_much_is_refused(corpus, tmp_path, cache):
    import shutil

    folder = tmp_path / "autoencoder"
    shutil.copytree(WHERE, folder)
    groups, split = corpus.column("group_id"), corpus.column("split")
    (folder / "record.json").write_text(json.dumps({"training_groups": [str(groups[split == "train"][0])]}))
    Aligned(str(folder))(corpus, cache)
    leaked = str(groups[split == "val"][0])
    (folder / "record.json").write_text(json.dumps({"training_groups": [leaked]}))
    with pytest.raises(UserError, match=f"learned from {leaked}") as caught:
        Aligned(str(folder))(corpus, cache)
    assert "fit_autoencoder" in str(caught.value)


class Lossy(stand_ins.Pictures):
    """The same pictures as WebP files."""

    def pictures(self):
        for one in super().pictures():
            yield replace(one, read=lambda one=one: webp(one.read()))


def webp(data):
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


@pytest.mark.parametrize(("source", "fits"), [(stand_ins.Pictures, True), (Lossy, False)])
def test_untreated_pictures_are_saved_as_they_were_or_refused(source, fits, tmp_path):
    treat(source(photos=8, others=0, generated=8), Keep(), tmp_path / "treated", strict=True)
    plan = Plan("kept", stand_ins.SHARES, stand_ins.WINDOWS)
    corpus = finish(tmp_path / "treated", tmp_path / "corpus", plan)
    if fits:
        assert set(Aligned(WHERE)(corpus, tmp_path / "cache").column("format")) == {"PNG"}
        return
    with pytest.raises(UserError, match="a corpus picture is WEBP"):
        Aligned(WHERE)(corpus, tmp_path / "cache")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": ()}, "kinds"),
        ({"kinds": ("generated",)}, "give some of photo, collage, drawing"),
        ({"mix": 0.0}, "examples=corpus"),
        ({"mix": 1.5}, "at most 1"),
        ({"blend": 1.0}, "below 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(UserError, match=said):
        Aligned(WHERE, **wrong)


def test_an_autoencoder_that_is_not_there_is_told_in_one_line(corpus, tmp_path):
    with pytest.raises(UserError, match="'nowhere': no such folder"):
        Aligned("nowhere")(corpus, tmp_path)
