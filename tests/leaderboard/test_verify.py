"""Verification as a whole: where it stops, what it reaches, what becomes of an error of ours."""

import datetime
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard import world as worlds
from leaderboard.cases import tarred
from redqueen.cli import main
from redqueen.errors import DigestError, UserError
from redqueen.leaderboard import forensics, recompute, statements
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.schema import CARD, CONFIG, COST, TRAINING
from redqueen.leaderboard.verify import RUN_AGAIN, Options, verify


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return worlds.make(tmp_path_factory.mktemp("world") / "made")


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    shutil.copytree(made.folder, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    return replace(made, folder=tmp_path / "world")


def check(world, **options):
    return verify(world.bundle, Options(**{"benchmark": Path("benchmark"), **options}))


def outcomes(report, outcome):
    return [one.id for one in report.checks if one.outcome == outcome]


def test_a_valid_bundle_is_recomputed_whatever_it_is_packed_in(world):
    folder = check(world)
    archive = verify(tarred(world), Options(benchmark=Path("benchmark")))
    for report in (folder, archive):
        assert (report.code, report.tier, report.stage) == (0, "recomputed", "run")
        assert not outcomes(report, "rejected")
    assert archive.checks == folder.checks
    assert archive.root == folder.root is not None
    assert archive.result == folder.result
    assert list(archive.draws) == list(folder.draws)


def test_figures_are_those_of_the_scores_and_not_those_that_are_claimed(world):
    honest = check(world).result
    worlds.edit(world.bundle, CARD, lambda card: card["claims"].update({"auroc/next/clean": 0.999}))
    report = check(world)
    assert report.code == 1
    assert report.tier == "claimed"
    assert report.result.next_period == honest.next_period


def test_it_stops_where_nothing_safe_is_left(world):
    worlds.edit(world.bundle, CARD, lambda card: card.update(more=1))
    (world.bundle / COST).write_text("{}\n")
    report = check(world)
    assert (report.code, report.stage, report.submission) == (1, "statements", None)
    assert {"metadata.schema", "manifest.changed"} <= set(outcomes(report, "rejected"))
    (world.bundle / "x.py").write_text("")
    report = check(world)
    assert (report.code, report.stage, len(report.checks)) == (4, "container", 1)


def test_the_benchmark_is_found_by_its_digest(world):
    with pytest.raises(UserError, match=r"none in results/\): give --benchmark FOLDER"):
        check(world, benchmark=None)
    shutil.copytree("benchmark", "results/tiny/benchmark")
    assert check(world, benchmark=None).benchmark == "tiny version 1"
    changed = json.loads(Path("benchmark/benchmark.json").read_text()) | {"version": 2}
    Path("benchmark/benchmark.json").write_text(json.dumps(changed))
    assert "metadata.benchmark" in outcomes(check(world), "rejected")


def test_no_bundle_is_bad_usage(world, capfd):
    assert main(["verify", "nothing", "--benchmark", "benchmark"]) == 2
    assert "no bundle at nothing" in capfd.readouterr().err
    assert main(["verify", "--benchmark", "benchmark"]) == 2
    assert main(["verify", str(world.bundle), str(world.bundle)]) == 2
    assert main(["verify", str(world.bundle), "--benchmark", "nowhere"]) == 2
    assert main(["verify", str(world.bundle), "--benchmark", "benchmark", "--format", "pdf"]) == 2


def test_a_name_of_a_file_is_never_a_setting(world, capfd):
    shutil.copytree(world.bundle, "${oc.env:HOME}")
    assert main(["verify", "${oc.env:HOME}", "--benchmark", "benchmark"]) == 0
    assert "bundle                   ${oc.env:HOME}\n" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("module", "name", "stage"),
    [(statements, "read", "statements"), (recompute, "recomputed", "recomputation"), (forensics, "check", "forensics")],
)
@pytest.mark.parametrize("error", [ZeroDivisionError("a\nbug"), RecursionError(), MemoryError(), OSError(28, "full")])
def test_an_error_of_ours_is_one_line_and_a_code_of_its_own(module, name, stage, error, world, monkeypatch, capfd):
    def fails(*arguments):
        raise error

    monkeypatch.setattr(module, name, fails)
    words = ["verify", str(world.bundle), "--benchmark", "benchmark", "--format"]
    assert main([*words, "text"]) == 5
    first, *_ = capfd.readouterr().out.splitlines()
    assert first.startswith(f"No verdict: internal error in stage {stage}: {type(error).__name__}: ")
    assert main([*words, "junit"]) == 5
    assert "<error message=" in capfd.readouterr().out


def test_an_error_before_any_stage_has_that_code_too(world, monkeypatch, capfd):
    from redqueen.tasks import verify as task

    monkeypatch.setattr(task, "verify", lambda *arguments: 1 / 0)
    assert main(["verify", str(world.bundle), "--benchmark", "benchmark"]) == 5
    assert capfd.readouterr().err == "redqueen: internal error: ZeroDivisionError: division by zero\n"


def test_the_report_goes_where_it_is_asked_for(world, capfd):
    words = ["verify", str(world.bundle), "--benchmark", "benchmark", "--format", "json", "--output", "out/report.json"]
    assert main(words) == 0
    assert capfd.readouterr().out.startswith("Accepted: recomputed; next-period AUROC ")
    assert json.loads(Path("out/report.json").read_text())["code"] == 0


@pytest.mark.parametrize(
    ("found", "code", "tier"),
    [
        (Check(RUN_AGAIN, "passed", "256 of 256"), 0, "re-run"),
        (Check(RUN_AGAIN, "noted", "of some cutoffs"), 0, "recomputed"),
        (Check(RUN_AGAIN, "rejected", "3 of 256"), 1, "claimed"),
        (Check("run.time", "review", "too slow"), 3, "recomputed"),
        (Check("run.network", "unsafe", "asked for the network"), 4, "claimed"),
    ],
)
def test_the_tier_is_what_was_reached(found, code, tier, world):
    report = check(world, run=lambda folder, benchmark: [found])
    assert (report.code, report.tier) == (code, tier)


def test_what_it_is_run_on_must_be_the_benchmarks_corpus(world):
    def run(folder, benchmark):
        raise DigestError("another corpus")

    with pytest.raises(DigestError):
        check(world, run=run)


def test_nothing_is_left_behind(world, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    check(world)
    assert not list((tmp_path / "temporary").iterdir())


SAID = {
    "tomorrow": (CARD, lambda card: card.update(created="2026-05-02"), None),
    "in two days": (CARD, lambda card: card.update(created="2026-05-03"), "metadata.date"),
    "another protocol": (CARD, lambda card: card["benchmark"].update(protocol="other-v1"), "metadata.benchmark"),
    "another suite": (CARD, lambda card: card["benchmark"].update(suite="other-v1"), "metadata.benchmark"),
    "a cutoff less": (
        TRAINING,
        lambda said: {**said, "cutoffs": {"2026-01": said["cutoffs"]["2026-01"]}},
        "metadata.cutoffs",
    ),
    "a later window": (
        TRAINING,
        lambda said: said["cutoffs"]["2026-01"].update(windows=["2026-02"]),
        "metadata.training",
    ),
    "an unknown generator": (TRAINING, lambda said: said["cutoffs"]["2026-01"]["generators"].append("mine"), None),
}


@pytest.mark.parametrize("name", SAID)
def test_statements_are_held_against_benchmark_and_calendar(name, world):
    file, change, refused = SAID[name]
    worlds.edit(world.bundle, file, change)
    report = check(world, today=datetime.date(2026, 5, 1))
    assert outcomes(report, "rejected")[:1] == ([refused] if refused else [])


def test_what_is_declared_is_no_offence(world):
    def change(said):
        said["cutoffs"]["2026-01"]["generators"].append("maker-c")
        said["exclusions"] = [{"what": "maker-c", "reason": "was in a pretrained set"}]

    worlds.edit(world.bundle, TRAINING, change)
    report = check(world)
    assert report.code == 0
    assert "metadata.training" in outcomes(report, "noted")


def test_a_promise_that_is_not_given_needs_a_human(world):
    worlds.edit(world.bundle, CARD, lambda card: card["checklist"].update(one_final_run=False))
    report = check(world)
    assert report.code == 3
    assert any("one_final_run" in one.message for one in report.checks if one.outcome == "review")


def test_files_that_no_bundle_has(world):
    (world.bundle / "README.md").write_text("# look")
    (world.bundle / CONFIG).unlink()
    worlds.seal(world.bundle)
    assert outcomes(check(world), "rejected") == ["metadata.missing", "metadata.layout"]


def test_an_archive_without_a_folder_around_it(world):
    path = world.folder / "plain.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(world.bundle.iterdir()):
            archive.add(file, file.name)
    assert verify(path, Options(benchmark=Path("benchmark"))).code == 0
