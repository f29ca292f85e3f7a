"""Each thing that scores give away is found where it is, and not found where it is not."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from leaderboard import world
from leaderboard.cases_predictions import TABLE, put
from redqueen.corpus.audit import metadata_features
from redqueen.evaluation import scores
from redqueen.files import canonical
from redqueen.leaderboard import canaries, fingerprint, forensics, revisions, schema
from redqueen.leaderboard.findings import Check, exit_code


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    found = world.make(tmp_path_factory.mktemp("world"), canaries=40, twins=6)
    found.add("rival", seed=1)
    return found


@pytest.fixture
def bundle(made, tmp_path):
    return shutil.copytree(made.bundle, tmp_path / "example")


def checked(made, bundle, *rivals):
    card = schema.parse(schema.Submission, (bundle / schema.CARD).read_bytes())
    return {check.id: check for check in forensics.check(bundle, card, made.benchmark, rivals)}


def own(bundle):
    return scores.read(bundle / TABLE).table["score"].to_numpy()


def test_an_honest_submission_raises_nothing(made):
    found = checked(made, made.bundle, made.submissions / "rival")
    assert exit_code(found.values()) == 0
    assert {name for name, one in found.items() if one.outcome == "passed"} == {
        f"forensics.{name}" for name in ("copy", "canaries", "twins", "rows", "metadata", "perfect")
    }


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda score: score**3, "rejected"),
        (lambda score: score.astype(np.float16).astype(float), "rejected"),
        (lambda score: np.clip(score + np.random.default_rng(0).normal(0, 0.01, score.shape), 0, 1), "review"),
    ],
)
def test_a_copy_of_a_rival_is_found_by_its_scores(made, bundle, change, outcome):
    rival = made.submissions / "rival"
    put(made, bundle, lambda _: change(own(rival)))
    found = checked(made, bundle, rival)["forensics.copy"]
    assert found.outcome == outcome and "like rival in 4 of 4 blocks" in found.message


def test_a_copy_of_some_blocks_is_for_people_to_judge(made, bundle):
    rival = made.submissions / "rival"
    rows = len(made.benchmark.ids)
    put(made, bundle, lambda score: np.concatenate([own(rival)[:rows], score[rows:]]))
    found = checked(made, bundle, rival)["forensics.copy"]
    assert found.outcome == "review" and "like rival in 1 of 4 blocks: the same order" in found.message


def test_an_own_earlier_submission_is_no_copy_and_that_of_others_is(made, bundle):
    rival = made.submissions / "rival"
    put(made, bundle, lambda _: own(rival) ** 3)
    world.edit(bundle, schema.CARD, lambda card: card.update(revision_of="rival"))
    assert checked(made, bundle, rival)["forensics.copy"].outcome == "noted"
    world.edit(bundle, schema.CARD, lambda card: card["team"].update(contact="thief@example.org"))
    found = checked(made, bundle, rival)["forensics.copy"]
    assert found.outcome == "review" and "of another contact" in found.message


def test_a_submission_is_not_compared_with_itself(made):
    assert checked(made, made.bundle, made.bundle)["forensics.copy"].outcome == "skipped"


def test_a_rival_that_cannot_be_read_is_named(made, tmp_path):
    (tmp_path / "nothing").mkdir()
    assert (
        "not compared with nothing: submission.json"
        in checked(made, made.bundle, tmp_path / "nothing")["forensics.rivals"].message
    )


def log(folder, checks, name="rival"):
    """A log that says what verification found of a submission."""
    folder.mkdir(parents=True, exist_ok=True)
    event = {
        "sequence": 1, "event": "published", "submission": name, "date": "2026-03-01", "tier": "recomputed",
        "result_sha256": "a" * 64, "checks": [vars(one) for one in checks], "previous": None,
    }  # fmt: skip
    (folder / "log.jsonl").write_text(canonical(event) + "\n")
    return folder


def test_a_copy_is_found_by_the_fingerprint_in_a_published_log(made, bundle, tmp_path):
    rival = made.submissions / "rival"
    published = log(tmp_path / "published", [checked(made, rival)["forensics.fingerprint"]])
    assert checked(made, made.bundle, published)["forensics.copy"].outcome == "passed"
    put(made, bundle, lambda _: own(rival) ** 3)
    found = checked(made, bundle, published)["forensics.copy"]
    assert found.outcome == "review" and "like rival by its fingerprint" in found.message
    world.edit(bundle, schema.CARD, lambda card: card.update(revision_of="rival"))
    assert "of an unknown contact" in checked(made, bundle, published)["forensics.copy"].message
    assert checked(made, bundle, published, rival)["forensics.copy"].outcome == "noted"  # whose scores are better known


def test_results_beside_the_benchmark_are_always_compared_with(made, bundle):
    rival = made.submissions / "rival"
    beside = log(made.benchmark.folder.parent / world.PROTOCOL, [checked(made, rival)["forensics.fingerprint"]])
    put(made, bundle, lambda _: own(rival) ** 3)
    assert checked(made, bundle)["forensics.copy"].outcome == "review"
    shutil.rmtree(beside)


def test_a_fingerprint_that_is_none_says_nothing(made):
    scored = scores.scored(scores.read(made.bundle / TABLE), made.benchmark)
    for text in ("", "?", "AAAA"):
        assert fingerprint.compared(scored, text, made.benchmark) is None
    assert fingerprint.published([Check("forensics.fingerprint", "noted", "fingerprint <b>")]) is None
    assert fingerprint.published([Check("other", "noted", "fingerprint AAAA")]) is None


def test_a_leak_of_coin_flips_is_told_from_luck(made):
    data, coin = made.benchmark, made.benchmark.column("canary").astype(bool)
    scored = scores.scored(scores.read(made.bundle / TABLE), data)
    rng = np.random.default_rng(0)

    def outcome(noise, labels):
        logits = {
            view: np.where(coin, noise * rng.normal(size=len(coin)) + labels - 0.5, one)
            for view, one in scored[0].logits.items()
        }
        return next(canaries.check([replace(scored[0], logits=logits), *scored[1:]], data)).outcome

    lucky = [outcome(1.0, rng.integers(0, 2, len(coin))) for _ in range(60)]
    assert lucky.count("rejected") <= 1  # at 0.1 % together: 0.06 of 60
    assert [outcome(noise, data.evaluation.labels) for noise in (0.0, 0.3, 0.5)] == ["rejected"] * 3


def test_a_score_that_depends_on_the_id_is_found_by_a_twin(made, bundle):
    def change(score):
        score[len(made.benchmark.ids) * 2 :] += 1e-2 * np.random.default_rng(0).uniform(size=len(score) // 2)
        return np.clip(score, 0, 1)

    put(made, bundle, lambda score: np.round(score, 4))
    assert checked(made, bundle)["forensics.twins"].outcome == "passed"
    put(made, bundle, change)
    found = checked(made, bundle)["forensics.twins"]
    assert found.outcome == "rejected" and "of 6 pictures that are there twice" in found.message


def test_scores_in_the_order_of_ids_are_found_whatever_the_truth(made, bundle):
    rows = len(made.benchmark.ids)
    place = np.tile(np.arange(rows) / rows, 4)
    labels = np.tile(made.benchmark.evaluation.labels, 4)
    put(made, bundle, lambda _: place)
    assert checked(made, bundle)["forensics.rows"].outcome == "rejected"
    put(made, bundle, lambda _: 0.1 * np.random.default_rng(0).uniform(size=4 * rows) + 0.1 * place + 0.6 * labels)
    found = checked(made, bundle)
    assert found["forensics.rows"].outcome == "review" and found["forensics.perfect"].outcome == "review"


def test_a_scorer_of_file_metadata_is_found(made, bundle):
    seen = metadata_features(made.benchmark.table)
    put(made, bundle, lambda _: np.tile(1 / (1 + np.exp(-seen @ [0.5, 0.0, 0.0, 0.0, 0.0, 8.0, 1.0] + 9)), 4))
    found = checked(made, bundle)["forensics.metadata"]
    assert found.outcome == "review" and "metadata explain 100%" in found.message
    world.edit(bundle, schema.CARD, lambda card: card["detector"].update(control=True))
    assert checked(made, bundle)["forensics.metadata"].outcome == "noted"


def test_a_revision_that_only_gains_is_told_from_one_that_moves(made, tmp_path):
    labels = np.tile(made.benchmark.evaluation.labels, 4)
    for name, change, outcome in (
        ("better", lambda score: np.where((score >= 0.5) == labels, score, 1 - score), "review"),
        ("moved", lambda score: np.clip(score + np.random.default_rng(0).normal(0, 0.2, len(score)), 0, 1), "passed"),
    ):
        revised = made.add(name, seed=0, revision_of="example")
        put(made, revised, change)
        found = checked(made, revised, made.bundle)["forensics.revision"]
        assert found.outcome == outcome, found
    assert checked(made, revised)["forensics.revision"].outcome == "noted"


def test_nine_gains_may_be_chance_and_ten_may_not():
    before, groups = np.zeros(12, bool), np.array([f"{group:02d}" for group in range(12)])
    for gained in (9, 10):
        assert revisions.churn(before, np.arange(12) < gained, groups) == (gained, 0)
        assert (0.5**gained < revisions.LEVEL) == (gained == 10)
    assert revisions.churn(before, ~before, np.array(["a"] * 12)) == (1, 0)


def test_messages_are_one_plain_line(made, bundle):
    world.edit(bundle, schema.CARD, lambda card: card.update(submission_id="other"))
    for check in checked(made, bundle, made.bundle).values():
        assert "\n" not in check.message and check.message.isascii() and len(check.message) < 800
        json.dumps(vars(check))
