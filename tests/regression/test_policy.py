"""A policy is strict: what it does not know is an error that names the nearest key."""

import re

import pytest

from redqueen.errors import UserError
from redqueen.regression.policy import read
from regression import world

GATE = {"metric": "auroc", "margin": 0.02}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"gate": [GATE]}, "unknown key of policy .* 'gate'; did you mean 'gates'"),
        ({"gates": [{**GATE, "margni": 1}]}, "unknown key of policy .* gates.0 'margni'; did you mean 'margin'"),
        ({"slices": {"bye": []}}, "unknown key of policy .* slices 'bye'"),
        ({"slices": {"by": ["generators"]}}, "slices.by.0: input should be 'generator'"),
        ({"gates": []}, "gates: "),
        ({"gates": [{"metric": "auroc", "margin": 0}]}, "gates.0.margin: input should be greater than 0"),
        ({"gates": [{"metric": "auroc", "margin": 2}]}, "gates.0.margin: "),
        ({"gates": [GATE, GATE]}, "two gates are called 'auroc'"),
        ({"gates": [{**GATE, "alpha": 0.1}]}, "alpha of 'auroc' is above the check's own, 0.05"),
        ({"floors": [{"metric": "auroc"}]}, "floors.0: a floor has either `min` or `max`"),
        ({"floors": [{"metric": "auroc", "min": 0.1, "max": 0.2}]}, "either `min` or `max`"),
        ({"waivers": [{"gate": "auroc", "until": "soon", "issue": "#1"}]}, "waivers.0.until: "),
        ({"on_inconclusive": "ignore"}, "on_inconclusive: input should be 'warn' or 'fail'"),
    ],
)
def test_one_line_that_says_what_is_wrong(said, message, tmp_path):
    with pytest.raises(UserError) as caught:
        read(world.policy(tmp_path, **said))
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "!!python/object/apply:os.system [true]", "", "\x00"])
def test_what_is_no_policy_at_all(text, tmp_path):
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    with pytest.raises(UserError):
        read(tmp_path / "p.yaml")
    with pytest.raises(UserError, match="No such file"):
        read(tmp_path / "none.yaml")


def test_where_it_lies_is_no_key(tmp_path):
    path = world.policy(tmp_path)
    path.write_text(path.read_text("utf-8") + "folder: x\n", "utf-8")
    with pytest.raises(UserError, match="unknown key of policy .* 'folder'"):
        read(path)


def test_names_of_gates_and_the_digest(tmp_path):
    gates = [GATE, {**GATE, "view": "jpeg50", "period": "whole"}, {**GATE, "slice": "kind=collage"}]
    found = read(world.policy(tmp_path, gates=gates))
    assert [gate.label for gate in found.gates] == ["auroc", "auroc@jpeg50@whole", "auroc kind=collage"]
    (tmp_path / "b").mkdir()
    assert read(world.policy(tmp_path / "b", gates=gates)).digest == found.digest
    assert read(world.policy(tmp_path, gates=gates, alpha=0.01)).digest != found.digest
