"""What is published: every result reads strictly, and the README says what the results say."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from redqueen.files import configs
from redqueen.settings import composed
from redqueen.tasks.evaluate import read

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "results").glob("*/*/*.json"))
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
    assert len(result.cells) == len(result.thresholds) * len(result.windows) * 2  # two views


def test_the_readme_says_what_the_results_say():
    found = [read(path) for path in RESULTS if path.parts[-3] == "field"]
    card = json.loads((ROOT / "results" / "field" / "card.json").read_text())
    publish = publisher()
    shown = README.split(publish.BEGIN)[1].split(publish.END)[0].strip()
    assert shown == publish.block(found, card).strip()


def test_the_results_page_says_what_the_results_say():
    found = [read(path) for path in RESULTS if path.parts[-3] == "field"]
    card = json.loads((ROOT / "results" / "field" / "card.json").read_text())
    shown = (ROOT / "results" / "field" / "README.md").read_text()
    assert shown == publisher().page(found, card)
    for result in found:
        assert f"**{result.detector}**" in shown


def test_shuffled_labels_land_at_chance():
    by_detector = json.loads((ROOT / "results" / "field" / "shuffled.json").read_text())
    assert set(by_detector) == {path.stem for path in RESULTS if path.parts[-3] == "field"}
    assert all(abs(found["mean"] - 0.5) <= 0.05 for found in by_detector.values())


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_a_link_of_the_readme_leads_somewhere(link):
    assert link.startswith("https://") or (ROOT / link).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"redqueen (track experiment=[^\n`]*)", README))))
def test_a_command_of_the_readme_composes(command):
    task, *overrides = command.split()
    assert composed(configs(), task, overrides) is not None
    assert f"experiment={composed(configs(), task, overrides).name}" in overrides
