"""What cards say of measured quality: nothing but the figures, in their place, once."""

import json
from dataclasses import asdict, replace

import pytest

from redqueen.generation.card import interval_text, quality_section, write_quality
from redqueen.generation.quality import Distance, Quality
from redqueen.types import Interval

NEAR = Distance(Interval(0.1, 0.05, 0.2, 190, 150), Interval(1.5, 1.25, 2.0, 190, 150), 90, 80)
FAR = Distance(Interval(0.3, 0.25, 0.4, 190, 150), Interval(7.0, 6.5, 7.5, 190, 150), 90, 80)
NONE = Distance(None, None, 3, 3, "3 pictures; at least 50 are needed")
FOUND = Quality("small-net", "a" * 64, 100, 70, False, 1000, 0, {"far": FAR, "near": NEAR, "rare": NONE})
CARD = {"name": "x", "digest": "d", "counts": {"rows": 3}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(CARD))
    return tmp_path


def card(folder):
    return json.loads((folder / "card.json").read_text())


def test_the_card_keeps_what_it_had_and_gets_the_figures(folder):
    write_quality(folder, FOUND)
    assert card(folder) == {**CARD, "quality": {"a" * 64: asdict(FOUND)}}
    assert card(folder)["quality"]["a" * 64]["generators"]["rare"] == {
        "kid": None,
        "cmmd": None,
        "pictures": 3,
        "groups": 3,
        "reason": "3 pictures; at least 50 are needed",
    }
    assert not (folder / "README.md").exists()


def test_another_backbone_joins_and_the_same_one_is_replaced(folder):
    write_quality(folder, FOUND)
    write_quality(folder, replace(FOUND, backbone="other", backbone_digest="b" * 64))
    write_quality(folder, replace(FOUND, seed=7))
    found = card(folder)["quality"]
    assert {digest: (one["backbone"], one["seed"]) for digest, one in found.items()} == {
        "a" * 64: ("small-net", 7),
        "b" * 64: ("other", 0),
    }


@pytest.mark.parametrize("text", ["# A corpus\n\nText.\n", "---\nlicense: x\n---\n# A corpus"])
def test_the_readme_gets_one_section_at_its_end(folder, text):
    (folder / "README.md").write_text(text)
    write_quality(folder, FOUND)
    first = (folder / "README.md").read_text()
    assert first == f"{text.rstrip()}\n\n{quality_section([FOUND])}\n"
    write_quality(folder, FOUND)
    assert (folder / "README.md").read_text() == first
    (folder / "README.md").write_text(first + "\n## After\n")
    write_quality(folder, replace(FOUND, backbone="other", backbone_digest="b" * 64))
    last = (folder / "README.md").read_text()
    assert last.startswith(text.rstrip())
    assert last.endswith("\n## After\n")
    assert last.count("## Quality of the generators") == 1
    assert "On `small-net`" in last
    assert "On `other`" in last


def test_the_section_has_a_row_a_generator_the_nearest_first():
    rows = [line for line in quality_section([FOUND]).splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| near | 90 | 80 | 0.1000 (0.0500 to 0.2000) | 1.500 (1.250 to 2.000) |",
        "| far | 90 | 80 | 0.3000 (0.2500 to 0.4000) | 7.000 (6.500 to 7.500) |",
        "| rare | 3 | 3 | 3 pictures; at least 50 are needed |  |",
    ]
    assert "to 100 photographs of 70 groups, 1000 draws, seed 0" in quality_section([FOUND])
    assert "to 100 matched photographs" in quality_section([replace(FOUND, matched=True)])


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.25, 0.2, 0.3, 9, 9), "0.25 (0.20 to 0.30)"),
        (Interval(0.25, None, None, 9, 9), "0.25 (? to ?)"),
        (Interval(None, None, None, 9, 1), "-"),
        (None, "-"),
    ],
)
def test_text_of_a_figure(interval, text):
    assert interval_text(interval, 2) == text
