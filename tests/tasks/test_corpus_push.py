"""`redqueen corpus push`: what the command hands to the Hub, and what it says when it cannot."""

from types import SimpleNamespace

import pytest
from huggingface_hub.errors import LocalTokenNotFoundError

import stand_ins
from redqueen.cli import main
from redqueen.tasks import corpus_push


class Hub:
    """An empty Hub that takes everything and remembers the calls."""

    def __init__(self):
        self.calls, self.error = [], None

    def __call__(self):
        return self

    def whoami(self):
        if self.error:
            raise self.error

    def dataset_info(self, repo_id):
        return SimpleNamespace(private=True, siblings=[])

    def create_repo(self, repo_id, **options):
        self.calls.append((repo_id, options["private"]))

    def upload_folder(self, **options):
        self.calls.append(tuple(options["allow_patterns"]))
        return SimpleNamespace(repo_url="http://hub/x", oid="0123abc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(stand_ins.corpus(tmp_path_factory.mktemp("corpus")).folder)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = Hub()
    monkeypatch.setattr(corpus_push, "HfApi", made)
    return made


@pytest.mark.parametrize(("words", "private"), [([], True), (["private=false"], False)])
def test_private_unless_told_otherwise(folder, hub, capfd, words, private):
    assert main(["corpus", "push", folder, "someone/pictures", *words]) == 0
    assert hub.calls[0] == ("someone/pictures", private)
    assert hub.calls[-1] == ("README.md", "card.json")
    told = capfd.readouterr().err.splitlines()
    assert told[0].startswith("http://hub/x: ")
    assert told[1] == "revision 0123abc"


def test_no_token_is_one_line(folder, hub, capfd):
    hub.error = LocalTokenNotFoundError("none")
    assert main(["corpus", "push", folder, "someone/pictures"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "hf auth login" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "to"), (["pictures"], "give OWNER/NAME"), (["someone/pictures", "private=maybe"], "private=maybe")],
)
def test_bad_input_is_one_line(folder, hub, capfd, words, said):
    assert main(["corpus", "push", folder, *words]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line
    assert hub.calls == []
