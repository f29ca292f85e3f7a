"""Protocols from a list of generators, from the command line: windows by name, and a leak in one line."""

import json
import re

import pytest

COUNTED = """\
_target_: redqueen.evaluation.protocols.Counted
name: {name}
version: 1
size: 1
released: {{tiny-1: "{first}", tiny-2: "{second}"}}
"""


@pytest.fixture(scope="module")
def run(world):
    folder = world.folder / "configs" / "protocol"
    folder.mkdir()
    for name, first, second in (("listed", "2026-01-05", "2026-01-20"), ("leaking", "2026-05-01", "2026-04-01")):
        (folder / f"{name}.yaml").write_text(COUNTED.format(name=name, first=first, second=second))
    words = [word for word in world.words if not word.startswith("protocol.")]
    small = ("detector=[spectral]", "detector.spectral.size=32", "recipe.balance=generator")

    chosen = type("Listed", (type(world),), {"words": [*words, *small]})
    return chosen(world.folder).run


@pytest.mark.slow  # renders, trains and predicts
def test_windows_of_one_month_are_told_apart_by_their_generators(run, world):
    assert run("evaluate", "protocol=listed", "augment=views") == 0
    path = world.folder / "runs/evaluate/results/spectral.json"
    result = json.loads(path.read_text())
    assert (result["protocol"], [window["generators"] for window in result["windows"]]) == (
        "listed-v1",
        [["tiny-1"], ["tiny-2"]],
    )
    assert {one["generator"] for one in result["generators"]} == {"tiny-2"}  # the one that is new
    assert all(cell["auroc"]["n"] > 0 for cell in result["cells"])
    assert re.fullmatch(r"Views\(suite=basic-v1 [0-9a-f]{16}, without=None, share=0.5\)", result["augment"])
    assert {one["tested_on"] for one in result["mistakes"]} <= {window["name"] for window in result["windows"][1:]}


def test_a_protocol_with_a_leak_ends_in_one_line(run, capfd):
    assert run("train", "protocol=leaking") == 2
    text = capfd.readouterr().err.strip().splitlines()
    assert text[-1].endswith(
        "protocol 'leaking-v1', trained up to 2026-04-01: generator 'tiny-1' counts as new in 2026-05-01, but came out "
        "in 2026-01, before 2026-04-01: put it into an earlier window or mend its date"
    )
