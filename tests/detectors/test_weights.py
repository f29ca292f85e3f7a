"""Where weights lie: a path, or a pinned commit of the hub; what cannot be had is told in one line."""

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors

from redqueen.detectors.weights import locate, title, weight_file
from redqueen.errors import UserError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def snapshot(folder, held):
    """A hub that has the files `held`: what it was asked for, and its answer."""
    asked = []

    def download(repository, *, revision, allow_patterns):
        asked.append((repository, revision, tuple(allow_patterns)))
        for name in held:
            if any(Path(name).match(pattern) for pattern in allow_patterns):
                (folder / name).touch()
        return str(folder)

    return asked, download


def test_a_path_is_itself(tmp_path):
    assert locate(str(tmp_path)) == tmp_path
    with pytest.raises(UserError, match=r"no such file or folder; give hub:OWNER/NAME@COMMIT or a path"):
        locate(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    "weights",
    ["hub:owner/name", "hub:owner/name@main", f"hub:owner/name@{COMMIT[:12]}", f"hub:name@{COMMIT}", f"hub:@{COMMIT}"],
)
def test_a_hub_model_is_pinned(weights):
    with pytest.raises(UserError, match="all 40 hex digits"):
        locate(weights)


@pytest.mark.parametrize(
    ("held", "times"), [(["model.safetensors", "pytorch_model.bin"], 1), (["pytorch_model.bin", "config.json"], 2)]
)
def test_fetches_one_set_of_weights_at_the_commit(held, times, tmp_path, monkeypatch):
    asked, download = snapshot(tmp_path, held)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert locate(f"hub:owner/name@{COMMIT}") == tmp_path
    assert [one[:2] for one in asked] == [("owner/name", COMMIT)] * times
    assert weight_file(tmp_path, "x").name == held[0]


def test_a_model_without_weights_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot(tmp_path, ["config.json"])[1])
    with pytest.raises(UserError, match="has no model.safetensors and no pytorch_model.bin"):
        locate(f"hub:owner/name@{COMMIT}")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (errors.GatedRepoError, "owner/name is gated: ask for access"),
        (errors.RepositoryNotFoundError, f"the hub has no owner/name at commit {COMMIT}"),
        (errors.RevisionNotFoundError, f"the hub has no owner/name at commit {COMMIT}"),
        (errors.LocalEntryNotFoundError, "the hub does not answer and its cache has no owner/name@0123456789ab: copy"),
        (errors.OfflineModeIsEnabled, "the hub does not answer"),
        (ConnectionError, "the hub does not answer"),
    ],
)
def test_a_hub_that_refuses_is_one_line(kind, message, monkeypatch):
    def refuse(*args, **kwargs):
        raise kind.__new__(kind)  # some want a response, which is of no use here

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(UserError, match=message) as caught:
        locate(f"hub:owner/name@{COMMIT}")
    assert "\n" not in str(caught.value)


def test_title():
    assert title(f"hub:owner/name@{COMMIT}") == "owner/name"
    assert title("/models/clip/") == "clip"
