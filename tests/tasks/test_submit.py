"""`redqueen submit` on a finished run that nobody had to train."""

import json
import os
import re
import shutil
import socket
from pathlib import Path

import pytest
import yaml

from leaderboard import runs, world
from redqueen.cli import main
from redqueen.evaluation import scores
from redqueen.files import digest_file, digest_of
from redqueen.leaderboard import manifest, schema

WORDS = ["benchmark=bench", "card=card.yaml"]


def prepared(folder, **changes):
    """A working folder with a run, its benchmark and its card."""
    made = world.make(folder / "world")
    run = runs.make(made, folder / "work", **changes)
    shutil.copytree(made.benchmark.folder, folder / "work" / "bench")
    return made, run


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    return prepared(folder)[0], folder


@pytest.fixture
def work(stored, tmp_path, monkeypatch):
    """A copy to work in."""
    shutil.copytree(stored[1] / "work", tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def submit(*words):
    return main(["submit", "runs/track", *words])


def card(**changes):
    Path("card.yaml").write_text(yaml.safe_dump({**runs.CARD, **changes}))


def test_a_run_becomes_a_bundle(stored, work, capfd):
    assert submit("detector=npr", *WORDS) == 0
    folder = work / "submissions" / "a-submission"
    said = capfd.readouterr().err.replace("\n", "")
    assert manifest.read(folder).root in said
    assert "redqueen verify submissions/a-submission benchmark=bench" in said
    assert [check.outcome for check in manifest.check(folder)] == ["passed"]
    for name, model in schema.MODELS.items():
        schema.parse(model, (folder / name).read_bytes())
    assert (folder / schema.CONFIG).is_file() and not (folder / "model").exists()
    submission = schema.parse(schema.Submission, (folder / schema.CARD).read_bytes())
    assert submission.created.isoformat() == runs.DATE
    assert submission.benchmark.digest == stored[0].benchmark.digest
    assert submission.attempts_on_public == 2


def test_its_figures_are_those_of_its_scores_and_of_the_run(stored, work):
    """The run divides logits by a temperature of 2; what is handed on are probabilities after that."""
    assert submit(*WORDS) == 0
    folder = work / "submissions" / "a-submission"
    table = scores.read(folder / schema.predictions(world.SUITE))
    assert table.origin.thresholds == dict.fromkeys(world.CUTOFFS, 0.5)
    assert table.table.num_rows == len(stored[0].benchmark.ids) * 4
    claimed = schema.parse_result((folder / schema.RESULT).read_bytes())
    run = schema.parse_result(Path("runs/track/results/npr.json").read_bytes())
    assert [c.auroc.value for c in claimed.cells] == pytest.approx([c.auroc.value for c in run.cells], abs=1e-4)
    claims = schema.parse(schema.Submission, (folder / schema.CARD).read_bytes()).claims
    assert claims["auroc/next/clean"] == claimed.next_period[0].auroc.value
    calibration = schema.parse(schema.Calibration, (folder / schema.CALIBRATION).read_bytes())
    assert {one.threshold for one in calibration.cutoffs.values()} == {0.5}
    learned = schema.parse(schema.TrainingData, (folder / schema.TRAINING).read_bytes()).cutoffs
    assert learned["2026-01"].generators == ("maker-a", "maker-b")
    assert learned["2026-02"].newest_release_allowed == "2026-02"


def test_the_same_run_has_the_same_root_whenever_and_wherever(work, tmp_path, monkeypatch, capfd):
    assert submit(*WORDS) == 0
    first = manifest.read(work / "submissions" / "a-submission").root
    elsewhere = tmp_path / "another" / "place"
    shutil.copytree(work, elsewhere)
    shutil.rmtree(elsewhere / "submissions")
    os.utime(elsewhere / "card.yaml", (0, 0))
    monkeypatch.chdir(elsewhere / "runs")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert main(["submit", "track", "benchmark=../bench", "card=../card.yaml", "output=out"]) == 0
    assert manifest.read(elsewhere / "runs" / "out" / "a-submission").root == first
    monkeypatch.chdir(work)
    capfd.readouterr()
    assert submit(*WORDS) == 0
    assert "is there already" in capfd.readouterr().err


def test_nothing_of_this_machine_goes_along(tmp_path, monkeypatch, capfd):
    place = tmp_path / "home" / "somebody"
    secrets = {"hub": {"token": "hf_" + "aB3" * 12}, "source": {"path": str(place)}, "note": f"from {Path.home()}/x"}
    prepared(tmp_path, settings=secrets)
    monkeypatch.chdir(tmp_path / "work")
    assert submit("model=true", *WORDS) == 0
    assert "blacked out in run/config.yaml: hub.token" in capfd.readouterr().err.replace("\n", "")
    files = [path for path in Path("submissions").rglob("*") if path.is_file()]
    for word in (str(tmp_path), str(Path.home()) + "/", "hf_aB3", str(Path(__file__).parents[2])):
        assert not [path for path in files if word.encode() in path.read_bytes()]
    texts = "".join(path.read_text() for path in files if path.suffix in (".json", ".yaml"))
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", texts)
    config = yaml.safe_load(Path("submissions/a-submission/run/config.yaml").read_text())
    assert config["hub"] == {"token": "[redacted]"}
    assert config["source"] == {"path": "…/somebody"}


def test_weights_go_along_if_they_are_asked_for(work):
    assert submit("model=true", *WORDS) == 0
    for cutoff in world.CUTOFFS:
        folder, store = Path("submissions/a-submission/model") / cutoff, Path("runs/store/checkpoint") / cutoff
        assert sorted(path.name for path in folder.iterdir()) == sorted(schema.MODEL_FILES)
        assert all((folder / name).read_bytes() == (store / name).read_bytes() for name in schema.MODEL_FILES)


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"_target_": "os.system", "command": "true"}, "builds no detector of this package"),
        ({"_target_": "mine.Detector"}, "builds no detector of this package"),
    ],
)
def test_weights_that_nobody_may_build_are_refused(work, capfd, node, says):
    for cutoff in world.CUTOFFS:
        (Path("runs/store/checkpoint") / cutoff / "detector.yaml").write_text(yaml.safe_dump(node))
    assert submit("model=true", *WORDS) == 2
    assert says in capfd.readouterr().err
    assert not Path("submissions").exists()


def test_a_template_is_written_where_there_is_no_card(work, capfd):
    assert submit("benchmark=bench") == 2
    assert "card=submission.yaml was not there: a template is there now" in capfd.readouterr().err
    assert not Path("submissions").exists()
    found = yaml.safe_load(Path("submission.yaml").read_text())
    assert found["submission_id"] == "npr"
    assert found["detector"]["paper"] == "https://arxiv.org/abs/2312.10461"
    assert submit("benchmark=bench") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "fill in detector.family, detector.method, detector.licence, team.names, team.contact" in line
    assert "checklist.may_be_run_again_and_published" in line
    assert "Input should be" not in line


def test_everything_that_is_wrong_is_told_in_one_line(work, capfd):
    team = {"names": ["A group"], "contact": "two\nlines"}
    card(team=team, attempts_on_public=0, submission_id="../up", selection={"checkpoint": "x", "threshold": "y",
                                                                              "split": "test"})  # fmt: skip
    assert submit(*WORDS) == 2
    (line,) = capfd.readouterr().err.splitlines()
    for part in ("submission_id", "team.contact", "attempts_on_public", "selection.split: 'test'"):
        assert part in line
    assert not Path("submissions").exists()


def test_a_no_is_handed_in_and_told(work, capfd):
    card(checklist={**runs.CARD["checklist"], "one_final_run": False})
    assert submit(*WORDS) == 0
    assert "answered with no, which verification will ask about: one_final_run" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "cannot be read as YAML"),
        ("- a", "unknown: a file without keys"),
        ("surprise: 1\ndetector: {more: 2}", "unknown: detector.more, surprise"),
        ("!!python/object/apply:os.system ['true']", "cannot be read as YAML"),
        ("", "fill in submission_id, detector.family"),
    ],
)
def test_a_card_of_another_form(work, capfd, text, says):
    Path("card.yaml").write_text(text)
    assert submit(*WORDS) == 2
    assert says in capfd.readouterr().err


def test_benchmark_and_card_are_asked_for_at_once(work, capfd):
    assert submit() == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "no benchmark below results/" in line and "redqueen benchmark runs/track output=FOLDER" in line
    assert "a template is there now" in line


def test_a_published_benchmark_is_found(work):
    shutil.copytree("bench", "results/tiny/benchmark")
    assert submit("card=card.yaml") == 0


def test_a_run_on_something_else_is_refused(work, capfd):
    path = Path("runs/track/results/npr.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"corpus_digest": "0" * 64, "suite": "codecs-v1"}))
    assert submit(*WORDS) == 2
    assert "it has corpus 000000000000, not cccccccccccc; suite codecs-v1, not basic-v1" in capfd.readouterr().err


def test_predictions_that_the_result_was_not_made_from_are_refused(stored, work, capfd):
    runs.predictions(stored[0], "2026-01", Path("runs/store/predictions/2026-01/predictions.parquet"), seed=9)
    assert submit(*WORDS) == 2
    assert "its result was made from other predictions" in capfd.readouterr().err


def test_probabilities_that_are_all_one_are_told(stored, work, capfd):
    """Logits of hundreds: their order is lost in a probability."""
    path, files = Path("runs/track/results/npr.json"), []
    for cutoff in world.CUTOFFS:
        files.append(Path("runs/store/predictions") / cutoff / "predictions.parquet")
        runs.predictions(stored[0], cutoff, files[-1], sharp=500.0)
    digest = digest_of([digest_file(file) for file in files])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"predictions_digest": digest}))
    assert submit(*WORDS) == 0
    assert "by its scores, of which too many are 1" in capfd.readouterr().err.replace("\n", " ")


def test_shuffled_labels_are_no_submission(work, capfd):
    path = Path("runs/track/results/npr.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": "shuffled"}))
    assert submit(*WORDS) == 2
    assert "labels=shuffled: a control" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("artefacts.json", "has no artefacts.json"),
        ("hardware.json", "missing: runs/track/hardware.json"),
        ("results/npr.json", "missing: runs/track/results/npr.json"),
        ("../store/checkpoint/2026-02/record.json", "checkpoint/2026-02/record.json"),
        ("../store/predictions/2026-01/predictions.parquet", "predictions/2026-01/predictions.parquet"),
    ],
)
def test_what_is_missing_of_a_run_is_named(work, capfd, name, says):
    (Path("runs/track") / name).unlink()
    assert submit(*WORDS) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize("name", ["artefacts.json", "environment.json", "config.yaml", "results/npr.json"])
def test_what_is_damaged_of_a_run_is_named(work, capfd, name):
    (Path("runs/track") / name).write_text("]")
    assert submit(*WORDS) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert f"runs/track/{name}" in line


def test_a_detector_that_the_run_does_not_have(work, capfd):
    assert submit("detector=nrp", *WORDS) == 2
    assert "unknown detector of this run 'nrp'; did you mean 'npr'?" in capfd.readouterr().err


def test_a_run_without_its_date_is_told_to_run_again(work, capfd):
    path = Path("runs/track/environment.json")
    path.write_text(json.dumps(runs.flat()))
    assert submit(*WORDS) == 2
    assert "environment.json: has no date; run the same" in capfd.readouterr().err


def test_weights_that_are_named_by_a_place_are_not_handed_in(work, capfd):
    for cutoff in world.CUTOFFS:
        path = Path("runs/store/checkpoint") / cutoff / "detector.yaml"
        node = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump({**node, "weights": "/home/somebody/x.pth"}))
    assert submit("model=true", *WORDS) == 2
    assert "model/2026-01/detector.yaml: weights names a place on this machine" in capfd.readouterr().err
    assert not Path("submissions").exists()
    assert submit(*WORDS) == 0


def test_what_people_know_of_the_training_joins_what_the_run_knows(work):
    said = {
        "data_sets": [{"name": "more pictures", "digest": None}],
        "pretrained": [{"name": "an encoder", "until": "2024-01", "source": "its paper"}],
        "exclusions": [{"what": "maker-d", "reason": "The encoder may have seen it."}],
    }
    card(training=said)
    assert submit(*WORDS) == 0
    found = json.loads(Path("submissions/a-submission/training_data.json").read_text())
    assert found["data_sets"] == [{"name": "tiny", "digest": world.CORPUS}, *said["data_sets"]]
    assert (found["pretrained"], found["exclusions"]) == (said["pretrained"], said["exclusions"])


def test_what_is_wrong_of_the_training_is_told(work, capfd):
    card(training={"pretrained": [{"name": "an encoder", "until": "January", "source": "its paper"}]})
    assert submit(*WORDS) == 2
    assert "pretrained.0.until: 'January'" in capfd.readouterr().err


def test_unknown_cost_is_null(work):
    path = Path("runs/store/checkpoint/2026-01/record.json")
    found = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in found.items() if name != "cost"}))
    assert submit(*WORDS) == 0
    cost = json.loads(Path("submissions/a-submission/run/cost.json").read_text())["cutoffs"]
    assert cost["2026-01"] == {"seconds": None, "steps": None, "pictures": None}
    assert cost["2026-02"]["steps"] == 10
