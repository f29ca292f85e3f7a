"""Hidden rounds: nothing handed out tells a label, a broken promise is named, and no one can climb on what is told."""

import dataclasses
import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import stand_ins
from redqueen.cli import main
from redqueen.corpus.decode import pixels
from redqueen.errors import DigestError, UserError
from redqueen.evaluation import benchmark, scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.leaderboard import commitment, ladder, rounds
from redqueen.leaderboard.new_round import Plan, new
from redqueen.leaderboard.records import records
from redqueen.leaderboard.rounds import Round, coin, keyed, opaque
from redqueen.perturbations.suite import CLEAN, Suite

SECRET, OTHER = "ab" * 32, "cd" * 32
CLEAN_ONLY = Suite("clean", 1, {CLEAN: []})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"), stand_ins.Pictures(photos=60, others=10, generated=60))


def plan(**changes):
    return dataclasses.replace(Plan("2027-q1", CLEAN_ONLY, canaries=24, twins=6, draws=50), **changes)


@pytest.fixture(scope="module")
def made(corpus, tmp_path_factory):
    return new(corpus, tmp_path_factory.mktemp("round"), plan(), SECRET)


@pytest.fixture
def copy(made, tmp_path):
    shutil.copytree(made.public.parent, tmp_path / "round")
    return Round.open(tmp_path / "round")


def committed(copy):
    commitment.commit(copy, "2027-01-01")
    return copy


def table(found, score, folder, name="scores.parquet"):
    """A table in which `score` of (row of the answers) is each picture's score."""
    answers = found.answers()
    values = np.asarray([score(row) for row in answers.table.to_pylist()], float)
    logits = {("known", CLEAN): np.log(values / (1 - values))}
    origin = scores.Origin(found.digest, found.card.suite, "mine", {"known": 0.5})
    scores.write(folder / name, scores.Scores(scores.table_of(["known"], [CLEAN], answers.ids, logits), origin))
    return folder / name


def noise(row, weight=0.0, word=""):
    """Chance from the picture alone (twins agree), pulled towards the label of what counts."""
    chance = int.from_bytes(keyed(SECRET, "noise", word, row["twin"] or row["image_id"])[:4], "big") / 2**32
    truth = row["label"] if row["kind"] != "canary" else 0.5
    return 0.02 + 0.96 * (weight * truth + (1 - weight) * chance)


def test_what_a_round_holds(corpus, made):
    answers = made.answers()
    kinds = list(answers.column("kind"))
    assert (kinds.count("canary"), kinds.count("twin")) == (24, 6)
    assert len(made.card.pictures) == len(kinds) == len(set(answers.ids))
    assert list(made.card.pictures) == sorted(made.card.pictures)
    counted = answers.rows("test", ("hidden",))
    ids = {opaque(SECRET, str(one)): row for row, one in enumerate(corpus.column("image_id"))}
    for row in counted[:5]:  # the answers are the corpus's, the pixels as well
        there = ids[answers.ids[row]]
        assert answers.column("label")[row] == corpus.column("label")[there]
        assert answers.column("generator")[row] == corpus.column("generator")[there]
        assert (pixels(made.picture(answers.ids[row])) == corpus.pixels(there)).all()
    for row in answers.table.to_pylist():
        if row["twin"]:
            assert made.picture(row["image_id"]) == made.picture(row["twin"])
        if row["canary"]:
            assert row["label"] == coin(SECRET, row["image_id"])
    assert not set(answers.rows("test", ("hidden",))) & set(np.flatnonzero(np.isin(kinds, ["canary", "twin"])))


def test_the_public_folder_says_nothing_of_a_label(made):
    answers = made.answers()
    labels = dict(zip(answers.ids, answers.column("label"), strict=True))
    files = sorted((made.public / "pictures").iterdir(), key=lambda path: path.name)
    truth = [labels[path.stem] for path in files]
    stats = [path.stat() for path in files]
    assert len({one.st_size for one in stats}) == 1
    assert len({(one.st_mtime_ns, one.st_mode, len(path.name)) for one, path in zip(stats, files, strict=True)}) == 1
    seen = {
        "order": range(len(files)),
        "first byte of the name": [int(path.stem[:2], 16) for path in files],
        "last byte of the name": [int(path.stem[-2:], 16) for path in files],
        "place on the disk": [one.st_ino for one in stats],
        "entry of the card": [list(made.card.pictures).index(path.stem) for path in files],
    }
    spread = 1 / np.sqrt(12 / (1 / truth.count(0) + 1 / truth.count(1)))  # of AUROC under chance
    for name, values in seen.items():
        assert abs(roc_auc_score(truth, list(values)) - 0.5) < 4 * spread, name
    heads = {path.read_bytes()[:41] for path in files}  # signature, IHDR, and the start of the only other chunk
    assert len(heads) == 1
    assert all(path.read_bytes().count(b"IDAT") >= 1 and b"tEXt" not in path.read_bytes() for path in files)
    assert set(json.loads((made.public / "round.json").read_text())) == {
        "name", "suite", "views", "cutoff", "width", "height", "pictures", "schema_version",
    }  # fmt: skip
    assert {path.name for path in made.public.iterdir()} == {"round.json", "pictures"}


def test_two_rounds_of_one_corpus_have_no_name_in_common(corpus, made, tmp_path):
    again = new(corpus, tmp_path / "again", plan(), OTHER)
    assert not set(again.card.pictures) & set(made.card.pictures)
    same = new(corpus, tmp_path / "same", plan(), SECRET)
    assert same.card == made.card, "the secret decides everything"


def test_the_private_part_is_for_its_owner(made):
    assert made.private.stat().st_mode & 0o777 == 0o700
    assert (made.private / "secret.json").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_a_round(corpus, made, tmp_path):
    with pytest.raises(UserError, match="is not empty"):
        new(corpus, made.public.parent, plan(), SECRET)
    with pytest.raises(UserError, match="not enough for n=5000"):
        new(corpus, tmp_path / "a", plan(n=5000), SECRET)
    with pytest.raises(UserError, match="fewer than two groups"):
        new(corpus, tmp_path / "b", plan(n=1, twins=0), SECRET)
    with pytest.raises(UserError, match="a slug"):
        plan(name="../up")
    assert len(new(corpus, tmp_path / "c", plan(n=30), SECRET).card.pictures) == 30 + 24 + 6


def test_a_promise_that_is_kept(copy):
    promise = commitment.commit(copy, "2027-01-01")
    assert promise.pictures == len(copy.card.pictures)
    assert commitment.commit(copy, "2027-01-01") == promise, "the same again"
    with pytest.raises(DigestError, match="never written again"):
        commitment.commit(copy, "2027-01-02")
    commitment.reveal(copy)
    public = shutil.copytree(copy.public, copy.public.parent.parent / "downloaded")
    anyone = Round.open(public)
    assert anyone.private is None
    assert list(commitment.differences(anyone, public / "reveal", promise.digest)) == []
    assert anyone.answers().digest == copy.answers().digest


def change(folder, edit):
    """Change rows of the answers, with every digest in the definition made right again."""
    opened = Benchmark.open(folder)
    rows = opened.table.to_pylist()
    edit(rows)
    form = opened.table.schema.remove_metadata()
    changed = pa.Table.from_pylist(rows, form)
    card = dataclasses.replace(opened.card, answers_digest=benchmark.answers_digest(changed))
    benchmark.write(folder, card, changed)
    return rows


def swap(rows):
    first = next(row for row in rows if row["label"] == 0 and row["kind"] == "photo")
    second = next(row for row in rows if row["label"] == 1 and row["kind"] == "generated")
    first["label"], second["label"] = 1, 0


def rename(rows):
    next(row for row in rows if row["generator"])["generator"] = "another"


def throw_again(rows):
    one = next(row for row in rows if row["canary"])
    one["label"] = 1 - one["label"]


@pytest.mark.parametrize("edit", [swap, rename, throw_again])
def test_a_changed_answer_is_named(copy, edit):
    committed(copy)
    before = {row["image_id"]: row for row in copy.answers().table.to_pylist()}
    after = {row["image_id"]: row for row in change(copy.private, edit)}
    first = min(name for name in before if before[name] != after[name])
    wrong = next(commitment.differences(copy, copy.private))
    assert wrong == f"picture {first}: its answer is not the one that was promised"
    with pytest.raises(DigestError, match="nothing was revealed"):
        commitment.reveal(copy)
    assert not copy.revealed


def test_a_missing_or_added_answer_is_named(copy):
    committed(copy)
    (gone,) = [change(copy.private, lambda rows: rows.pop(3)) and None or sorted(copy.card.pictures)[3]]
    assert next(commitment.differences(copy, copy.private)) == f"picture {gone} is missing among the answers"


def test_another_secret_is_told(copy):
    committed(copy)
    (copy.private / "secret.json").write_text(json.dumps({"secret": OTHER}))
    assert list(commitment.differences(copy, copy.private)) == ["the secret is not the one that was promised"]
    (copy.private / "secret.json").write_text(json.dumps({"secret": SECRET + "00"}))  # HMAC pads a shorter key with 0
    with pytest.raises(UserError, match="no secret of 64"):
        list(commitment.differences(copy, copy.private))


def test_another_picture_card_or_promise_is_told(copy):
    promise = commitment.commit(copy, "2027-01-01")
    name = sorted(copy.card.pictures)[0]
    path = copy.public / "pictures" / f"{name}.png"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\0")
    assert next(commitment.differences(copy, copy.private)) == f"pictures/{name}.png is another picture"
    path.unlink()
    assert next(commitment.differences(copy, copy.private)) == f"pictures/{name}.png is missing"
    path.write_bytes(whole)
    (path.parent / "x.png").touch()
    assert next(commitment.differences(copy, copy.private)) == "pictures/x.png is no picture of the round"
    (path.parent / "x.png").unlink()
    assert list(commitment.differences(copy, copy.private, promise.digest)) == []
    assert "published was 0000" in next(commitment.differences(copy, copy.private, "0" * 64))
    card = json.loads((copy.public / "round.json").read_text())
    (copy.public / "round.json").write_text(json.dumps(card | {"name": "other"}))
    assert next(commitment.differences(Round.open(copy.public.parent), copy.private)).startswith("round.json is not")


def test_another_definition_is_told(copy):
    committed(copy)
    opened = Benchmark.open(copy.private)
    benchmark.write(copy.private, dataclasses.replace(opened.card, draws=51), opened.table)
    assert list(commitment.differences(copy, copy.private)) == ["benchmark.json is not the one that was promised"]


def test_the_promise_says_nothing_of_a_label(copy):
    promise = commitment.commit(copy, "2027-01-01")
    labels = dict(zip(copy.answers().ids, copy.answers().column("label"), strict=True))
    bits = [int(value[:8], 16) for value in promise.answers.values()]
    assert abs(roc_auc_score([labels[name] for name in promise.answers], bits) - 0.5) < 0.2
    assert len(set(promise.answers.values())) == len(labels)


def test_a_team_learns_in_steps_and_only_of_progress(copy, tmp_path):
    rules = ladder.Rules(step=0.05, most=3)
    weights = {"weak": 0.1, "same": 0.13, "strong": 0.6, "more": 0.7}
    files = {
        name: table(copy, partial(noise, weight=weight), tmp_path, f"{name}.parquet")
        for name, weight in weights.items()
    }
    real = {name: ladder.figures(ladder.evaluated(copy, path)[0])["auroc"].figure.value for name, path in files.items()}
    told = {}
    for name in ("weak", "same", "strong"):
        told[name] = ladder.enter(copy, files[name], "us", "2027-02-01", rules).told["auroc"]
    assert told["weak"] == pytest.approx(round(real["weak"] / 0.05) * 0.05)
    assert real["same"] != real["weak"]
    assert told["same"] == told["weak"]
    assert told["strong"] == pytest.approx(round(real["strong"] / 0.05) * 0.05)
    assert ladder.enter(copy, files["weak"], "us", "2027-02-09", rules).sequence == 1, "the same table costs nothing"
    with pytest.raises(UserError, match="team us has had its 3 evaluations"):
        ladder.enter(copy, files["more"], "us", "2027-02-01", rules)
    assert ladder.enter(copy, files["more"], "they", "2027-02-01", rules).sequence == 4
    assert [one.team for one in ladder.ledger(copy.private)] == ["us", "us", "us", "they"]


def test_the_figure_is_that_of_the_pictures_that_count(made, tmp_path):
    path = table(made, lambda row: noise(row, 0.2), tmp_path)
    result, _, checks = ladder.evaluated(made, path)
    rows = [row for row in made.answers().table.to_pylist() if row["window:hidden"]]
    area = roc_auc_score([row["label"] for row in rows], [noise(row, 0.2) for row in rows])
    found = ladder.figures(result)["auroc"].figure
    assert found.value == pytest.approx(area)
    assert (found.n, found.low < area < found.high) == (len(rows), True)
    assert {one.kind for one in result.false_positives} == {"photo", "collage", "drawing"}
    assert [check.outcome for check in checks] == ["passed", "passed"]


def test_who_knows_the_coins_is_caught(copy, tmp_path):
    path = table(copy, lambda row: 0.9 if row["label"] else 0.1, tmp_path)
    entry = ladder.enter(copy, path, "us", "2027-02-01", ladder.Rules())
    assert entry.failed == ("forensics.canaries",)
    assert entry.told == {}
    line = ladder.line(copy, entry, [entry], ladder.Rules())
    assert line.endswith("not scored; the maintainers will say why")


def test_scores_by_name_are_caught(copy, tmp_path):
    path = table(copy, lambda row: noise(row | {"twin": None}), tmp_path)
    assert ladder.enter(copy, path, "us", "2027-02-01", ladder.Rules()).failed == ("forensics.twins",)


def test_scores_of_another_round_are_refused(corpus, made, tmp_path):
    other = new(corpus, tmp_path / "other", plan(), OTHER)
    with pytest.raises(DigestError, match="not of round 2027-q1"):
        ladder.evaluated(made, table(other, noise, tmp_path))


@pytest.mark.parametrize("settings", [{"step": 0}, {"step": 0.6}, {"most": 0}])
def test_rules_that_are_none(settings):
    with pytest.raises(UserError, match="rules"):
        ladder.Rules(**settings)


def test_from_the_corpus_to_the_reveal_by_commands(corpus, tmp_path, monkeypatch, capsys):
    import yaml
    from omegaconf import OmegaConf

    from redqueen.training.checkpoint import save

    node = yaml.safe_dump(OmegaConf.to_container(stand_ins.node("dct"), resolve=True))
    record = {"detector": "dct", "corpus_digest": corpus.digest, "seed": 0, "threshold": 0.2, "temperature": 2.0}
    save(tmp_path / "dct", stand_ins.detector("dct"), node, record)
    monkeypatch.chdir(tmp_path)
    new_round = ["round", "new", str(corpus.folder), "output=r", "name=r-1", "canaries=8", "twins=4", "draws=20"]
    assert main(new_round) == 0
    assert main(["round", "commit", "r", "date=2027-01-01"]) == 0
    digest = capsys.readouterr().out.strip()
    assert digest == commitment.promised(Round.open(tmp_path / "r")).digest
    public = shutil.copytree("r/public", "downloaded")
    assert main(["round", "predict", public, "--detector", "dct", "--output", "s.parquet"]) == 0
    given = scores.read(tmp_path / "s.parquet")
    assert given.origin.thresholds == pytest.approx({"known": 1 / (1 + np.exp(-0.1))})
    assert main(["round", "score", "s.parquet", "r", "team=us", "rules.step=0.1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("round r-1, team us, evaluation 1 of 5: AUROC ")
    assert out.count("\n") == 1
    assert main(["round", "score", "s.parquet", "r"]) == 2
    assert main(["round", "score", "s.parquet", "r", "team=us", "submission=ours"]) == 2, "its answers are hidden"
    assert main(["round", "reveal", "r", "check=true"]) == 2, "nothing is revealed yet"
    assert main(["round", "reveal", "r"]) == 0
    assert main(["round", "reveal", "r/public", "check=true", f"published={digest}"]) == 0
    capsys.readouterr()
    assert main(["round", "score", "s.parquet", "r/public", "submission=ours", "results=results"]) == 0
    assert "AUROC 1.0000 (0.9" in capsys.readouterr().out
    (record,) = records(next(Path("results").glob("*/*")))
    assert (record.submission, record.tier, record.result.detector) == ("ours", "hidden", given.origin.detector)
    answers = pq.read_table("r/public/reveal/answers.parquet").to_pylist()
    swap(answers)
    pq.write_table(pa.Table.from_pylist(answers), "r/public/reveal/answers.parquet")
    assert main(["round", "reveal", "r/public", "check=true"]) == 1
    assert "its answer is not the one that was promised" in " ".join(capsys.readouterr().err.split())
    assert os.environ.get("REDQUEEN_SECRET") is None
    assert rounds.secret_in(tmp_path / "r" / "private") != SECRET
