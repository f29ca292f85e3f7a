"""The lock: every repository once, what fails is told apart, what is known is kept. The Hub is a stand-in."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from redqueen.errors import UserError
from redqueen.generation.pins import HubSilentError, Repository, add, read, repositories, resolve
from redqueen.types import Generator
from redqueen.vocabulary import packaged

ONE = Generator("one", "2024-08", "one", "tests", "XX", "made up", "CC0-1.0", "FluxPipeline", "hub:tests/one")
SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Knows some repositories' commits, raises for the others, and counts what it was asked."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def model_info(self, repo_id, *, revision=None):
        self.asked.append((repo_id, revision))
        answer = self.answers[repo_id]
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(sha=answer)


def http(kind, status=404):
    request = SimpleNamespace(method="GET", url="the Hub")
    return kind("no", response=SimpleNamespace(status_code=status, headers={}, request=request))


def test_repositories_are_those_of_the_weights_and_of_their_parts_once_each():
    two = replace(
        ONE, name="two", weights="hub:tests/two", revision="diffusers", parts={"text_encoder": "hub:tests/t5"}
    )
    three = replace(two, name="three", weights="hub:tests/three", revision=None)
    seen = replace(ONE, name="seen", weights=None, pipeline=None)
    here = replace(ONE, name="here", weights="package:lineage/lineage-1")
    keys = [repository.key for repository in repositories([ONE, two, three, seen, here])]
    assert keys == ["tests/one", "tests/two@diffusers", "tests/t5", "tests/three"]


def test_the_packaged_generators_lie_in_repositories_that_can_be_asked_for():
    wanted = repositories(packaged())
    assert len(wanted) >= 45
    assert len({repository.key for repository in wanted}) == len(wanted)


def test_commits_come_from_the_branch_that_is_asked_for():
    hub = Hub({"tests/one": SHA, "tests/two": SHA[::-1]})
    found = list(resolve([Repository("tests/one"), Repository("tests/two", "diffusers")], hub))
    assert [outcome.commit for outcome in found] == [SHA, SHA[::-1]]
    assert hub.asked == [("tests/one", None), ("tests/two", "diffusers")]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (http(GatedRepoError, 403), "gated: ask for access"),
        (http(RepositoryNotFoundError), "not found: withdrawn"),
        (http(RevisionNotFoundError), "no such branch or tag"),
        (http(HfHubHTTPError, 500), "the Hub answered with status 500"),
    ],
)
def test_what_fails_is_told_and_the_next_one_is_asked_for(error, reason):
    hub = Hub({"tests/one": error, "tests/two": SHA})
    first, second = resolve([Repository("tests/one"), Repository("tests/two")], hub)
    assert first.commit is None
    assert reason in first.reason
    assert second.commit == SHA


transport = HfHubHTTPError.__bases__[0]("no route to host")  # of the HTTP library, whichever the Hub's client uses


@pytest.mark.parametrize("error", [transport, ConnectionError("refused"), TimeoutError()])
def test_a_hub_that_does_not_answer_ends_it_with_one_line(error):
    hub = Hub({"tests/one": error, "tests/two": SHA})
    with pytest.raises(HubSilentError, match=r"^the Hub does not answer \(.+\): check the network and run this again$"):
        list(resolve([Repository("tests/one"), Repository("tests/two")], hub))
    assert hub.asked == [("tests/one", None)]


def test_a_hub_that_is_switched_off_says_so():
    with pytest.raises(HubSilentError, match="HF_HUB_OFFLINE: unset it"):
        list(resolve([Repository("tests/one")], Hub({"tests/one": OfflineModeIsEnabled("off")})))


def test_a_lock_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "lock.json"
    assert read(path) == {}
    add(path, Repository("tests/one"), SHA)
    add(path, Repository("tests/two", "diffusers"), SHA[::-1])
    assert read(path) == {"tests/one": SHA, "tests/two@diffusers": SHA[::-1]}
    assert set(json.loads(path.read_text())["tests/one"]) == {"commit", "when"}


@pytest.mark.parametrize("text", ["", "[]", "3", '{"tests/one": "abc"}', '{"tests/one": {"commit": "main"}}'])
def test_a_file_that_is_no_lock_is_refused(tmp_path, text):
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"lock\.json is no lock of generators"):
        read(path)
