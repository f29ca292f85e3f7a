"""A protocol or a suite that results name does not change under its version: who changes one raises the version."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import stand_ins
from redqueen.files import configs, digest_of

PUBLISHED = json.loads((Path(__file__).parent / "data" / "frozen.json").read_text())


@pytest.mark.parametrize("group", ["protocol", "suite"])
def test_settings_of_a_version_stay_as_they_were(group):
    """`tests/data/frozen.json` holds the digest of each version: add a line for a new one, never change one."""
    for name in stand_ins.names(group):
        node = OmegaConf.to_container(OmegaConf.load(configs() / group / f"{name}.yaml"), resolve=True)
        assert PUBLISHED[group][f"{name}-v{node['version']}"] == digest_of([node])[:16], f"{group} {name} has changed"


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[1].glob("results/*/*-v*/*.json")), ids=lambda p: p.stem)
def test_published_results_have_the_windows_of_their_protocol(path):
    result = json.loads(path.read_text())
    name, _, version = result["protocol"].rpartition("-v")
    node = OmegaConf.load(configs() / "protocol" / f"{name}.yaml")
    assert str(node.version) == version
    assert [[window["start"], window["end"]] for window in result["windows"]] == [list(span) for span in node.periods]
