"""One bit, one file more, one file less: each is named."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redqueen.leaderboard import manifest
from redqueen.leaderboard.schema import MANIFEST

FILES = {"a.json": b"{}\n", "b/c.bin": bytes(range(40)), "b/2021-07..2022-04/d": b"x", "empty": b""}


def fill(folder, names=FILES):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(FILES[name])
    return manifest.write(folder)


@pytest.fixture
def bundle(tmp_path):
    fill(tmp_path / "one")
    return tmp_path / "one"


def rewrite(bundle, **changes):
    found = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps({**found, **changes}, sort_keys=True, separators=(",", ":")) + "\n")


def failed(bundle):
    found = manifest.check(bundle)
    assert all(check.outcome == "rejected" and "\n" not in check.message and check.fix for check in found)
    return {check.id: check.message for check in found}


def test_a_bundle_as_it_was_written_passes(bundle):
    (check,) = manifest.check(bundle)
    assert (check.id, check.outcome) == ("manifest", "passed")
    assert check.message.startswith("4 files, root ")


def test_the_root_depends_on_nothing_but_names_and_contents(bundle, tmp_path):
    assert fill(tmp_path / "elsewhere" / "other", reversed(FILES)) == manifest.read(bundle).root
    assert (tmp_path / "elsewhere" / "other" / MANIFEST).read_bytes() == (bundle / MANIFEST).read_bytes()
    (bundle / "empty").rename(bundle / "void")
    assert manifest.write(bundle) != manifest.read(tmp_path / "elsewhere" / "other").root


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_bit_is_named(bundle, data):
    name = data.draw(st.sampled_from([*(name for name, held in FILES.items() if held), MANIFEST]))
    before = (bundle / name).read_bytes()
    at, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(before)
    changed[at] ^= 1 << bit
    (bundle / name).write_bytes(changed)
    found = manifest.check(bundle)
    (bundle / name).write_bytes(before)
    assert all(check.outcome == "rejected" for check in found)
    assert any(name in check.message or name == MANIFEST for check in found)


def test_a_file_more_or_less_is_named(bundle):
    (bundle / "b" / "extra.txt").write_text("x")
    (bundle / "a.json").unlink()
    found = failed(bundle)
    assert found == {
        "manifest.missing": "listed, but not there: a.json",
        "manifest.extra": "there, but not listed: b/extra.txt",
    }


def test_size_and_content_are_told_apart(bundle):
    (bundle / "a.json").write_bytes(b"{}")
    assert failed(bundle) == {"manifest.changed": "a.json has 2 bytes, listed are 3"}


def test_a_link_is_no_file(bundle, tmp_path):
    shutil.copy(bundle / "a.json", tmp_path / "outside")
    (bundle / "a.json").unlink()
    (bundle / "a.json").symlink_to(tmp_path / "outside")
    assert failed(bundle) == {"manifest.changed": "a.json is a link"}
    (bundle / "b" / "away").symlink_to(tmp_path, target_is_directory=True)
    assert "b/away" in failed(bundle)["manifest.extra"]


def test_a_manifest_that_lists_itself_is_refused(bundle):
    listed = json.loads((bundle / MANIFEST).read_text())["files"]
    rewrite(bundle, files={**listed, MANIFEST: {"sha256": "0" * 64, "size": 1}})
    assert "manifest.itself" in failed(bundle)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "b/../a.json", "a.json/", "."])
def test_a_name_that_leads_elsewhere_is_never_opened(bundle, name):
    (bundle.parent / "outside").write_bytes(b"{}\n")
    listed = json.loads((bundle / MANIFEST).read_text())["files"]
    rewrite(bundle, files={**listed, name: listed["a.json"]})
    assert failed(bundle)["manifest.missing"] == f"listed, but not there: {name}"


@pytest.mark.parametrize("digest", ["A" * 64, "0" * 63, "0" * 65, "g" * 64, 7])
def test_a_digest_in_another_form_is_refused(bundle, digest):
    rewrite(bundle, files={"a.json": {"sha256": digest, "size": 3}})
    assert "files.a.json.sha256" in failed(bundle)["manifest.schema"]


def test_a_manifest_has_one_form(bundle):
    text = (bundle / MANIFEST).read_text()
    (bundle / MANIFEST).write_text(json.dumps(json.loads(text), indent=1))
    assert "manifest.form" in failed(bundle)
    rewrite(bundle, root="0" * 64)
    assert "manifest.root" in failed(bundle)
    rewrite(bundle, more=1)
    assert "more" in failed(bundle)["manifest.schema"]
    (bundle / MANIFEST).unlink()
    assert "manifest.none" in failed(bundle)


def test_many_names_make_one_line(bundle):
    for number in range(9):
        (bundle / f"new\n{number}").write_text("x")
    assert failed(bundle)["manifest.extra"].endswith("and 4 more")
