"""What is published: every result reads strictly, and the README says what the results say."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from redqueen.cli import main
from redqueen.evaluation.benchmark import Benchmark
from redqueen.files import configs
from redqueen.leaderboard.records import records
from redqueen.settings import composed
from redqueen.tasks.evaluate import read

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "results").glob("*/*-v*/*.json"))
FIELD = ROOT / "results" / "field"
BESIDE = sorted(FIELD.glob("beside/*/*.json"))
VIEWS = {"clean-v1": 1, "basic-v1": 2}  # of what is compared
README = (ROOT / "README.md").read_text()


def publisher():
    spec = importlib.util.spec_from_file_location("publish", ROOT / "scripts" / "publish.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_result_lies_where_it_belongs(path):
    result = read(path)
    card = json.loads((path.parents[1] / "card.json").read_text())
    assert path.relative_to(ROOT / "results") == Path(result.corpus, result.protocol, f"{result.detector}.json")
    assert result.corpus_digest == card["digest"]
    assert result.biased == card["audit"]["biased"]
    assert len(result.cells) == len(result.thresholds) * len(result.windows) * 13  # clean, nine platforms, three chains
    assert [life.view for life in result.half_life] == list(dict.fromkeys(cell.view for cell in result.cells))


@pytest.mark.parametrize("path", BESIDE, ids=lambda path: str(path.relative_to(FIELD)))
def test_what_is_compared_was_measured_on_the_same_pictures(path):
    result, main = read(path), read(RESULTS[0])
    assert path.stem.startswith(result.detector)
    assert result.corpus_digest == main.corpus_digest
    assert (result.protocol, result.windows, result.labels) == (main.protocol, main.windows, "true")
    assert len(result.cells) == len(result.thresholds) * len(result.windows) * VIEWS[result.suite]


def test_the_same_heads_stand_on_two_encoders():
    assert {"clip_b16_probe", "rine_clip_b16", "lite0_probe", "rine_lite0"} <= {path.stem for path in RESULTS}


def test_aligned_training_is_compared():
    assert len(compared("aligned")) >= 3
    assert compared("aligned") <= {path.stem for path in RESULTS}
    examples = {read(path).examples for path in BESIDE if path.parent.name == "aligned"}
    assert all(said.startswith("aligned") for said in examples)


def compared(name):
    return {path.stem for path in BESIDE if path.parent.name == name}


def test_the_readme_says_what_the_results_say():
    publish = publisher()
    shown = README.split(publish.BEGIN)[1].split(publish.END)[0].strip()
    assert shown == publish.block(FIELD).strip()


def test_the_results_page_says_what_the_results_say():
    shown = (FIELD / "README.md").read_text()
    assert shown == publisher().page(FIELD)
    for path in [*RESULTS, *BESIDE]:
        result = read(path)
        assert (
            f"**{path.stem}**" if path.stem == result.detector else f"| {result.detector} | {result.strategy} |"
        ) in shown


def test_the_index_says_what_the_results_say():
    shown = (ROOT / "results" / "README.md").read_text()
    assert shown == publisher().index()
    assert all((ROOT / "results" / link).exists() for link in re.findall(r"\]\(([^)]+)\)", shown))


def test_shuffled_labels_land_at_chance():
    by_detector = json.loads((FIELD / "shuffled.json").read_text())
    assert set(by_detector) == {path.stem for path in RESULTS}
    assert all(abs(found["mean"] - 0.5) <= 0.05 for found in by_detector.values())


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_a_link_of_the_readme_leads_somewhere(link):
    assert link.startswith("https://") or (ROOT / link).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"redqueen (track experiment=[^\n`]*)", README))))
def test_a_command_of_the_readme_composes(command):
    task, *overrides = command.split()
    assert composed(configs(), task, overrides) is not None
    assert f"experiment={composed(configs(), task, overrides).name}" in overrides


def test_what_is_published_stands_in_an_unbroken_log_and_is_of_the_benchmark_beside_it():
    found = records(FIELD / "field-v1")  # raises where a file is not that of its line, or a line does not follow
    assert {record.result.detector for record in found} == {path.stem for path in RESULTS}
    benchmark = Benchmark.open(FIELD / "benchmark")
    assert benchmark.card.corpus_digest == found[0].result.corpus_digest
    tiers = {record.result.detector: record.tier for record in found}
    assert tiers["lite0_probe"] == "re-run"
    for record in found:
        assert record.result.windows == benchmark.card.windows
        if record.tier != "claimed":
            card = json.loads((FIELD / "field-v1" / "bundles" / record.submission / "submission.json").read_text())
            assert card["benchmark"]["digest"] == benchmark.digest


def test_the_site_is_made_of_what_is_published(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["leaderboard", "build", f"results={ROOT / 'results'}", "output=site"]) == 0
    page = (tmp_path / "site" / "index.html").read_text()
    assert all(f'href="s/{path.stem}.html"' in page for path in RESULTS)
