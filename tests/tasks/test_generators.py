"""`redqueen generators` and `redqueen generators pin`, from the command line."""

import json
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError

from redqueen.cli import main
from redqueen.vocabulary import packaged

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hub(monkeypatch):
    """Every repository has a commit, but for those in `gated`; remembers what was asked for."""
    state = SimpleNamespace(asked=[], gated=set())

    def model_info(self, repo_id, *, revision=None):
        state.asked.append(repo_id)
        if repo_id in state.gated:
            request = SimpleNamespace(method="GET", url="the Hub")
            raise GatedRepoError("no", response=SimpleNamespace(status_code=403, headers={}, request=request))
        return SimpleNamespace(sha=SHA)

    monkeypatch.setattr(HfApi, "model_info", model_info)
    return state


def listed(out):
    """The first word of every line of the table."""
    return {words[0] for words in map(str.split, out.splitlines()) if words} & {entry.name for entry in packaged()}


def test_the_table_has_every_generator_and_says_where_the_picture_is(here, capsys):
    assert main(["generators"]) == 0
    out, err = capsys.readouterr()
    assert listed(out) == {entry.name for entry in packaged()}
    assert "FLUX.1 [dev] Non-Commercial" in out
    assert err.split() == [str(here / "runs" / "generators" / f"timeline.{kind}") for kind in ("png", "svg")]
    assert (here / "runs" / "generators" / "timeline.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (["family=flux"], lambda entry: entry.family == "flux"),
        (["country=CN", "runnable=true"], lambda entry: entry.country == "CN" and entry.pipeline),
        (["runnable=false", "until=2019-12"], lambda entry: not entry.pipeline and entry.released <= "2019-12"),
        (["since=2026-01"], lambda entry: entry.released >= "2026-01"),
    ],
)
def test_filters_choose_what_they_say(here, capsys, words, fits):
    assert main(["generators", *words]) == 0
    assert listed(capsys.readouterr().out) == {entry.name for entry in packaged() if fits(entry)}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["family=flix"], "unknown family 'flix'; did you mean 'flux'?"),
        (["country=Chile"], "country=Chile: string should match pattern"),
        (["family=flux", "until=2020-01"], "no generator fits all of family, country, runnable, since and until"),
        (["since=2025"], "since=2025"),
    ],
)
def test_a_filter_that_makes_no_sense_gets_one_line(here, capsys, words, line):
    assert main(["generators", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"redqueen: {line}")
    assert err.count("\n") == 1


def test_a_generator_of_the_users_own_is_listed_and_checked(here, capsys):
    own = here / "configs" / "generator" / "mine.yaml"
    own.parent.mkdir(parents=True)
    text = (
        "# @package generator.mine\n_target_: redqueen.types.Generator\nname: mine\nreleased: '2026-10'\nfamily: mine\n"
        "developer: me\ncountry: FR\ndate_source: made up\nlicence: CC0-1.0\n"
    )
    own.write_text(text)
    words = ["generators", "--config-dir", str(here / "configs"), "since=2026-10"]
    assert main(words) == 0
    assert " mine " in capsys.readouterr().out
    own.write_text(text.replace("FR", "France"))
    assert main(words) == 2
    assert "mine.yaml: country: String should match pattern" in capsys.readouterr().err


def test_pinning_writes_the_lock_and_goes_on_where_it_stopped(here, capsys, hub):
    assert main(["generators", "pin", "family=flux", "country=DE"]) == 0
    lock = json.loads((here / "generators.lock.json").read_text())
    assert lock["black-forest-labs/FLUX.2-dev"]["commit"] == SHA
    assert sorted(hub.asked) == sorted(lock)
    assert len(lock) >= 8
    hub.asked.clear()
    assert main(["generators", "pin", "family=flux"]) == 0
    assert hub.asked == []
    assert main(["generators", "pin", "family=flux", "again=true"]) == 0
    assert sorted(hub.asked) == sorted(lock)


def test_a_gated_repository_is_named_and_the_others_are_pinned(here, capsys, hub):
    hub.gated = {"black-forest-labs/FLUX.1-dev"}
    assert main(["generators", "pin", "family=flux", "lock=my/lock.json"]) == 1
    err = capsys.readouterr().err
    assert "black-forest-labs/FLUX.1-dev: gated: ask for access on its page" in err
    assert "black-forest-labs/FLUX.2-dev" in json.loads((here / "my" / "lock.json").read_text())
    hub.gated.clear()
    hub.asked.clear()
    assert main(["generators", "pin", "family=flux", "lock=my/lock.json"]) == 0
    assert hub.asked == ["black-forest-labs/FLUX.1-dev"]


def test_without_a_network_there_is_one_line_and_what_was_pinned_stays(here, capsys, monkeypatch, hub):
    assert main(["generators", "pin", "family=krea"]) == 0
    before = (here / "generators.lock.json").read_bytes()
    capsys.readouterr()

    def silent(self, repo_id, *, revision=None):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(HfApi, "model_info", silent)
    assert main(["generators", "pin", "family=flux"]) == 2
    assert capsys.readouterr().err == (
        "redqueen: the Hub does not answer (no route to host): check the network and run this again\n"
    )
    assert (here / "generators.lock.json").read_bytes() == before
