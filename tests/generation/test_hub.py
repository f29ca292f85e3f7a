"""Weights on the Hub, by stand-ins: of a pinned commit, with their parts; each failure in one line."""

import json
import warnings
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest
import torch
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

import tiny_pipelines
from redqueen.errors import UserError
from redqueen.generation import hub, pipelines
from redqueen.generation.pins import Repository
from redqueen.generation.pipelines import Loading, Weights
from redqueen.types import Generator

pytestmark = pytest.mark.filterwarnings(r"ignore::Warning:diffusers\..*")

SILENCE = HfHubHTTPError.__bases__[0]  # of the HTTP library, whichever the Hub's client uses
COMMIT, OTHER = "a" * 40, "b" * 40
ENTRY = Generator("tiny-1", "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0")
ON_HUB = replace(ENTRY, weights="hub:owner/name", pipeline="StableDiffusionPipeline")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return tiny_pipelines.save("StableDiffusionPipeline", tmp_path_factory.mktemp("sd"))


def copy(folder, to):
    import shutil

    return shutil.copytree(folder, to / "copy")


class StandIn:
    """A Hub that knows a few commits."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def model_info(self, repo_id, *, revision=None):
        self.asked.append((repo_id, revision))
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(sha=self.answer)


def refusal(kind, status=404):
    return kind("refused\nat length", response=httpx.Response(status, request=httpx.Request("GET", "http://hub")))


REFUSALS = [
    (refusal(GatedRepoError, 403), "gated: accept its terms on its page and log in with `hf auth login`"),
    (refusal(RepositoryNotFoundError), "not found: withdrawn, renamed or private"),
    (refusal(RevisionNotFoundError), "the Hub has no such commit of it: pin it again"),
    (OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE forbids to fetch it: unset HF_HUB_OFFLINE"),
    (LocalEntryNotFoundError("not there"), "not in the cache"),
    (refusal(HfHubHTTPError, 503), "."),
]


@pytest.mark.parametrize(("error", "told"), REFUSALS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("wrapped", [False, True])
def test_every_refusal_says_what_to_do_in_one_line(error, told, wrapped):
    def download():
        if wrapped:
            raise OSError("Cannot load model") from error  # as diffusers does
        raise error

    with pytest.raises(UserError, match=told) as caught:
        hub.fetched("owner/name", download)
    message = str(caught.value)
    assert message.startswith("hub:owner/name: ")
    assert message.endswith("or give a folder that holds the pipeline as generator.NAME.weights=FOLDER")
    assert "\n" not in message


def test_a_hub_that_is_out_says_why_where_it_may_be_asked(monkeypatch):
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(UserError, match=r"the Hub does not answer \(no route\): check the network and run this again"):
        hub.fetched("owner/name", lambda: (_ for _ in ()).throw(SILENCE("no route\nmore")))


def test_a_repository_without_a_pipeline_is_told(monkeypatch):
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    error = refusal(RemoteEntryNotFoundError)
    with pytest.raises(UserError, match="it holds no pipeline in diffusers' layout"):
        hub.fetched("owner/name", lambda: (_ for _ in ()).throw(error))


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused"), TimeoutError(110, "too late")])
def test_a_line_that_is_cut_is_told(error, monkeypatch):
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(UserError, match="the Hub does not answer"):
        hub.fetched("owner/name", lambda: (_ for _ in ()).throw(error))


def test_a_full_disk_is_not_the_hubs_fault():
    with pytest.raises(OSError, match="No space left"):
        hub.fetched("owner/name", lambda: (_ for _ in ()).throw(OSError(28, "No space left on device")))


def test_a_pinned_commit_is_not_asked_for():
    known = {"owner/name": COMMIT, "owner/name@fp16": OTHER}
    assert hub.commit_of(Repository("owner/name"), known, StandIn(AssertionError())) == COMMIT
    assert hub.commit_of(Repository("owner/name", "fp16"), known, StandIn(AssertionError())) == OTHER


def test_what_is_not_pinned_is_asked_for_and_told(capsys):
    asked = StandIn(COMMIT)
    assert hub.commit_of(Repository("owner/name", "fp16"), {}, asked) == COMMIT
    assert asked.asked == [("owner/name", "fp16")]
    assert "hub:owner/name@fp16 is not pinned" in capsys.readouterr().err


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds one commit of one repository."""
    folder = tmp_path / "models--owner--name"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "model_index.json").write_text("{}")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_the_cache_answers_where_the_hub_is_switched_off(cache, monkeypatch):
    found = hub.try_to_load_from_cache("owner/name", "model_index.json", cache_dir=cache)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda repo_id, name, revision: found)
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    assert hub.commit_of(Repository("owner/name"), {}, StandIn(AssertionError())) == COMMIT


def test_the_cache_answers_where_the_hub_does_not(cache, monkeypatch, capsys):
    found = hub.try_to_load_from_cache("owner/name", "model_index.json", cache_dir=cache)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda repo_id, name, revision: found)
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    assert hub.commit_of(Repository("owner/name"), {}, StandIn(SILENCE("no route"))) == COMMIT
    assert "taking commit aaaaaaaaaaaa from the cache" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(GatedRepoError, 403), "gated: ask for access"),
        (refusal(RepositoryNotFoundError), "not found: withdrawn, renamed or private"),
        (SILENCE("no route"), "the Hub does not answer"),
        (OfflineModeIsEnabled("off"), "switched off by HF_HUB_OFFLINE"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_repository_of_unknown_commit_is_one_line(answer, told):
    with pytest.raises(UserError, match=told) as caught:
        pipelines.resolve(ON_HUB, {}, StandIn(answer))
    assert "generator.NAME.weights=FOLDER" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_real_hub_is_not_asked_where_it_is_switched_off():
    """Without a stand-in: tests run with HF_HUB_OFFLINE, and without a network."""
    with pytest.raises(UserError, match=r"hub:owner/no-such-name: the Hub is switched off by HF_HUB_OFFLINE"):
        pipelines.resolve(replace(ON_HUB, weights="hub:owner/no-such-name"), {})


def test_the_real_download_of_what_is_not_there_is_one_line():
    weights = Weights(replace(ON_HUB, weights="hub:owner/no-such-name"), COMMIT)
    with warnings.catch_warnings(), pytest.raises(UserError, match=r"not in the cache, and HF_HUB_OFFLINE forbids"):
        warnings.simplefilter("ignore")
        pipelines.open_pipeline(weights, "cpu", Loading())
    with pytest.raises(UserError, match=r"not in the cache, and HF_HUB_OFFLINE forbids"):
        pipelines.open_autoencoder(weights, "cpu", "float32")


@pytest.fixture
def downloads(monkeypatch):
    """Repository -> folder that the Hub would give; notes what was asked."""
    folders, asked = {}, []

    def give(repository, commit):
        asked.append((repository, commit))
        return folders[repository]

    monkeypatch.setattr(hub, "pipeline", lambda kind, repository, commit: give(repository, commit))
    monkeypatch.setattr(hub, "component", lambda repository, commit, folders=(): give(repository, commit))
    return folders, asked


def test_a_pipeline_from_the_hub_is_of_its_commit(text, downloads):
    folders, asked = downloads
    folders["owner/name"] = text
    weights = pipelines.resolve(ON_HUB, {"owner/name": COMMIT})
    pipeline, parts = pipelines.open_pipeline(weights, "cpu", Loading())
    assert type(pipeline).__name__ == "StableDiffusionPipeline"
    assert (asked, parts) == ([("owner/name", COMMIT)], {})


def test_a_combined_pipeline_takes_its_prior_at_a_pinned_commit(tmp_path, downloads):
    """As on the Hub: the decoder's card names the repository of the prior."""
    whole = pipelines.load(tiny_pipelines.save("KandinskyV22CombinedPipeline", tmp_path / "whole"), "cpu")
    whole.decoder_pipe.save_pretrained(tmp_path / "decoder")
    whole.prior_pipe.save_pretrained(tmp_path / "prior")
    (tmp_path / "decoder" / "README.md").write_text("---\nprior:\n- owner/prior\n---\n")
    folders, asked = downloads
    folders |= {"owner/name": tmp_path / "decoder", "owner/prior": tmp_path / "prior"}
    entry = replace(ON_HUB, pipeline="KandinskyV22CombinedPipeline")
    weights = pipelines.resolve(entry, {"owner/name": COMMIT, "owner/prior": OTHER})
    pipeline, parts = pipelines.open_pipeline(weights, "cpu", Loading())
    assert asked == [("owner/name", COMMIT), ("owner/prior", OTHER)]
    assert parts == {"hub:owner/prior": OTHER}
    given = {"num_inference_steps": 2, "prior_num_inference_steps": 2, "height": 32, "width": 32, "output_type": "np"}
    made = [one("a street", generator=torch.Generator().manual_seed(3), **given).images for one in (pipeline, whole)]
    assert (made[0] == made[1]).all()


def test_parts_that_lie_elsewhere_are_loaded(text, tmp_path, downloads):
    """As HiDream's fourth text encoder does."""
    folder = copy(text, tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    del index["text_encoder"], index["tokenizer"]
    (folder / "model_index.json").write_text(json.dumps(index))
    folders, asked = downloads
    folders |= {"owner/name": folder, "owner/words": text / "text_encoder", "owner/letters": text / "tokenizer"}
    entry = replace(ON_HUB, parts={"text_encoder": "hub:owner/words", "tokenizer": "hub:owner/letters"})
    commits = {"owner/name": COMMIT, "owner/words": OTHER, "owner/letters": OTHER}
    pipeline, parts = pipelines.open_pipeline(pipelines.resolve(entry, commits), "cpu", Loading())
    assert parts == {"hub:owner/words": OTHER, "hub:owner/letters": OTHER}
    whole = pipelines.load(text, "cpu")
    ours, theirs = (one.text_encoder.state_dict() for one in (pipeline, whole))
    assert all((ours[key] == theirs[key]).all() for key in theirs)
    assert pipeline.tokenizer("a street").input_ids == whole.tokenizer("a street").input_ids


def test_a_reconstruction_fetches_the_autoencoder_alone(monkeypatch):
    asked = {}

    def snapshot(repository, **wanted):
        asked[repository] = wanted
        raise OfflineModeIsEnabled("off")

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    with pytest.raises(UserError):
        pipelines.open_autoencoder(Weights(ON_HUB, COMMIT), "cpu", "float32")
    assert asked["owner/name"]["revision"] == COMMIT
    patterns = asked["owner/name"]["allow_patterns"]
    assert "model_index.json" in patterns
    assert "vae/*.safetensors" in patterns
    assert not [pattern for pattern in patterns if pattern.startswith(("unet", "transformer", "text_encoder", "*"))]
