"""Pushing a corpus to a Hub that is a folder: what is sent, in which order, and every refusal in one line."""

import dataclasses
import fnmatch
import inspect as python
import json
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

import stand_ins
from redqueen.corpus.push import check_licences, may_be_passed_on, push
from redqueen.corpus.store import CARD, README, REJECTS, WINDOWS
from redqueen.errors import UserError

TO = "someone/pictures"
http = import_module(HfHubHTTPError.__bases__[0].__module__.partition(".")[0])  # the HTTP library that the Hub's uses


def http_error(status, kind=HfHubHTTPError):
    return kind("it says no", response=http.Response(status, request=http.Request("GET", "http://hub")))


class Hub:
    """As much of `HfApi` as a push needs, with repositories in memory; the calls bind to the real signatures."""

    def __init__(self, folder):
        self.folder, self.repos, self.commits, self.fails = Path(folder), {}, [], {}

    def _call(self, name, *args, **kwargs):
        python.signature(getattr(HfApi, name)).bind(self, *args, **kwargs)
        if name in self.fails:
            raise self.fails.pop(name)

    def whoami(self):
        self._call("whoami")

    def dataset_info(self, repo_id):
        self._call("dataset_info", repo_id)
        if repo_id not in self.repos:
            raise http_error(404, RepositoryNotFoundError)
        repo = self.repos[repo_id]
        return SimpleNamespace(private=repo["private"], siblings=[SimpleNamespace(rfilename=n) for n in repo["files"]])

    def create_repo(self, repo_id, **options):
        self._call("create_repo", repo_id, **options)
        assert options["repo_type"] == "dataset"
        self.repos.setdefault(repo_id, {"private": options["private"], "files": {".gitattributes": b""}})

    def upload_folder(self, **options):
        self._call("upload_folder", **options)
        files = self.repos[options["repo_id"]]["files"]
        here = {str(p.relative_to(options["folder_path"])): p for p in Path(options["folder_path"]).rglob("*")}
        chosen = {n: p for n, p in here.items() if p.is_file() and matches(n, options["allow_patterns"])}
        for name in [n for n in files if matches(n, options["delete_patterns"] or []) and n not in chosen]:
            del files[name]
        files.update({name: path.read_bytes() for name, path in chosen.items()})
        self.commits.append(sorted(chosen))
        return SimpleNamespace(repo_url=f"http://hub/datasets/{options['repo_id']}", oid=f"commit-{len(self.commits)}")

    def hf_hub_download(self, repo_id, filename, **options):
        self._call("hf_hub_download", repo_id, filename, **options)
        (self.folder / filename).write_bytes(self.repos[repo_id]["files"][filename])
        return str(self.folder / filename)


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


@pytest.fixture
def hub(tmp_path):
    return Hub(tmp_path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("other"), stand_ins.Pictures(photos=21))


def test_all_files_lie_there_and_the_card_came_last(corpus, hub):
    done = push(corpus, TO, hub)
    files = hub.repos[TO]["files"]
    here = {str(p.relative_to(corpus.folder)): p.read_bytes() for p in corpus.folder.rglob("*") if p.is_file()}
    assert {name: files[name] for name in here} == here
    assert set(hub.commits[-1]) == {CARD, README}
    assert {WINDOWS, REJECTS} < set(hub.commits[0])
    assert (done.url, done.revision) == (f"http://hub/datasets/{TO}", "commit-2")
    assert (done.files, done.size) == (len(here), sum(map(len, here.values())))


def test_private_unless_told_otherwise(corpus, hub):
    push(corpus, TO, hub)
    push(corpus, "someone/open", hub, private=False)
    assert [repo["private"] for repo in hub.repos.values()] == [True, False]


def test_the_same_again_is_fine_and_another_one_is_not_unless_it_may_replace(corpus, other, hub):
    push(corpus, TO, hub)
    push(corpus, TO, hub)
    with pytest.raises(UserError, match=f"{TO} holds the corpus {corpus.digest[:12]}.*replace=true"):
        push(other, TO, hub)
    hub.repos[TO]["files"]["data/old.parquet"] = b"stale"
    hub.repos[TO]["files"]["notes.txt"] = b"theirs"
    push(other, TO, hub, replace=True)
    files = hub.repos[TO]["files"]
    assert json.loads(files[CARD])["digest"] == other.digest
    assert "data/old.parquet" not in files
    assert files["notes.txt"] == b"theirs"


def test_a_push_that_was_cut_off_goes_on(corpus, hub):
    hub.fails["upload_folder"] = http_error(503)
    with pytest.raises(UserError, match="the Hub is busy"):
        push(corpus, TO, hub)
    push(corpus, TO, hub)
    del hub.repos[TO]["files"][CARD], hub.repos[TO]["files"][README]  # as if killed between the two commits
    push(corpus, TO, hub)
    assert CARD in hub.repos[TO]["files"]


@pytest.mark.parametrize("files", [{"model.safetensors": b""}, {CARD: b"[]"}, {CARD: b"not json"}])
def test_something_else_lies_there(corpus, hub, files):
    hub.repos[TO] = {"private": True, "files": files}
    with pytest.raises(UserError, match="holds something that is no corpus"):
        push(corpus, TO, hub)
    assert hub.repos[TO]["files"] == files


def test_never_into_the_open_by_accident(corpus, hub):
    hub.repos[TO] = {"private": False, "files": {}}
    with pytest.raises(UserError, match="is there and public.*private=false"):
        push(corpus, TO, hub)
    assert hub.commits == []


@pytest.mark.parametrize("to", ["pictures", "a/b/c", "someone/", "some one/pictures", "/pictures", ""])
def test_a_name_that_is_none(corpus, hub, to):
    with pytest.raises(UserError, match="give OWNER/NAME"):
        push(corpus, to, hub)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("whoami", LocalTokenNotFoundError("no token"), "does not know you: `hf auth login`.*HF_TOKEN"),
        ("whoami", http_error(401), "does not accept the token"),
        ("whoami", http.ConnectError("name not resolved"), r"does not answer \(name not resolved\).*run this again"),
        ("whoami", http.ReadTimeout(""), r"does not answer \(ReadTimeout\)"),
        ("whoami", OfflineModeIsEnabled("offline"), "unset HF_HUB_OFFLINE"),
        ("dataset_info", ConnectionResetError(104, "reset by peer"), "does not answer"),
        ("create_repo", http_error(403), "take one that may write to someone, or another OWNER"),
        ("create_repo", HFValidationError("too long\nsecond line"), f"to={TO}: too long$"),
        ("upload_folder", http_error(401, RepositoryNotFoundError), "may not write there"),
        ("upload_folder", http_error(429), r"busy \(429\)"),
        ("upload_folder", http_error(502), r"busy \(502\)"),
        ("upload_folder", http_error(400), r"refuses \(400\): it says no"),
    ],
)
def test_what_the_hub_says_in_one_line(corpus, hub, call, error, said):
    hub.fails[call] = error
    with pytest.raises(UserError, match=said) as caught:
        push(corpus, TO, hub)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_error_of_the_disk_is_not_blamed_on_the_hub(corpus, hub):
    hub.fails["upload_folder"] = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        push(corpus, TO, hub)


def test_a_licence_that_may_forbid_it(corpus, hub):
    card = {**corpus.card, "licences": {"CC0-1.0": 9, "All rights reserved": 3, "unknown": 5}}
    doubtful = dataclasses.replace(corpus, card=card)
    with pytest.raises(UserError, match=r"'unknown' \(5 pictures\), 'All rights reserved' \(3 pictures\)") as caught:
        push(doubtful, TO, hub)
    assert "allow_licences=['unknown']" in str(caught.value)
    assert hub.repos == {}
    push(doubtful, TO, hub, allow_licences=["unknown", "All rights reserved"])
    assert TO in hub.repos


def test_of_many_licences_a_few_are_named():
    with pytest.raises(UserError, match=r"'secret 9' \(9 pictures\).* and 7 more;"):
        check_licences({f"secret {number}": number for number in range(10)}, [])


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("CC-BY-4.0", True),
        ("cc by sa 3.0", True),
        ("CC BY-SA 4.0 (attribution Somebody)", True),
        ("MIT and GPL-3.0+", True),
        ("public domain; CC0-1.0", True),
        ("CC-BY-ND-4.0", False),
        ("CC-BY-4.0 and all rights reserved", False),
        ("not MIT", False),
        ("", False),
        ("proprietary", False),
    ],
)
def test_which_licences_allow_it(licence, may):
    assert may_be_passed_on(licence) is may
