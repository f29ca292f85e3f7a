"""Files that are whole or absent, digests and seeds that never change, and stages that are done once."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redqueen import __version__, files
from redqueen.errors import DigestError
from redqueen.files import Stage, canonical, digest_file, digest_of, seed_from, write_bytes, write_json, write_text

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    write_bytes(path, bytes(range(256)))
    assert path.read_bytes() == bytes(range(256))
    write_bytes(path, b"shorter")
    assert path.read_bytes() == b"shorter"
    write_text(path, "größer\n")
    assert path.read_bytes() == "größer\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "killed"])
@pytest.mark.parametrize("fails", ["fsync", "replace"])
@pytest.mark.parametrize("old", [None, b"the old content"])
def test_a_write_that_fails_leaves_what_was_there(
    old: bytes | None, fails: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    if old is not None:
        path.write_bytes(old)

    def fail(*args: Any) -> None:
        raise error

    with monkeypatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(*((os, "fsync") if fails == "fsync" else (files.Path, "replace")), fail)
        write_bytes(path, b"new content" * 1000)
    assert [p.name for p in tmp_path.iterdir()] == ([] if old is None else ["file.json"])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}])
def test_json_refuses_what_it_does_not_have(value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest_of(value)
    assert list(tmp_path.iterdir()) == []


@given(value=_JSON)
def test_canonical_json_is_the_value_and_of_one_line(value: Any) -> None:
    assert json.loads(canonical(value)) == value
    assert "\n" not in canonical(value)


def test_written_json_is_for_people_too(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": 1, "a": "ü"})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n  "a": "ü",\n  "b": 1\n}\n'


def test_digests_are_pinned_and_do_not_know_the_order_of_keys() -> None:
    """By hand: the canonical text, and its sha256. Another value here orphans every stage of every store."""
    assert digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    text = b'{"a":0.5,"b":[1,null,"\\u00fc"]}'
    assert digest_of({"b": [1, None, "ü"], "a": 0.5}) == hashlib.sha256(text).hexdigest()
    assert digest_of({"a": 0.5, "b": (1, None, "ü")}) == hashlib.sha256(text).hexdigest()
    assert digest_of({"a": 1}) != digest_of({"a": "1"})


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_the_digest_of_a_file(size: int, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * size)
    assert digest_file(tmp_path / "x") == hashlib.sha256(b"x" * size).hexdigest()


def test_seeds_are_pinned() -> None:
    """Another value here changes every split, every matching and every view of every picture."""
    assert seed_from("crop", 1) == 7828542801562297723
    assert seed_from("crop", 1) == int(hashlib.sha256(b"crop\x1f1").hexdigest()[:16], 16) // 2


@given(parts=st.lists(st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"])), max_size=4))
def test_seeds_have_63_bits_and_know_where_a_part_ends(parts: list[str]) -> None:
    assert 0 <= seed_from(*parts) < 2**63
    if len(parts) > 1:
        assert seed_from(*parts) != seed_from("".join(parts))


def test_a_stage_is_done_when_it_says_so(tmp_path: Path) -> None:
    stage = Stage.open(tmp_path, "corpus", "field", {"seed": 0})
    assert re.fullmatch(r"field-[0-9a-f]{12}", stage.folder.name)
    assert stage.folder.parent == tmp_path / "corpus"
    assert not stage.done
    write_text(stage.folder / "half.txt", "work")
    assert not Stage.open(tmp_path, "corpus", "field", {"seed": 0}).done  # killed here: picked up where it stopped
    assert (stage.folder / "half.txt").read_text() == "work"
    stage.finish()
    again = Stage.open(tmp_path, "corpus", "field", {"seed": 0})
    assert again.done
    assert again == stage
    assert json.loads((again.folder / "stage.json").read_text()) == {"seed": 0, "redqueen": __version__}


@pytest.mark.parametrize("other", [{"seed": 1}, {"seed": "0"}, {"seed": 0, "size": 64}, {}])
def test_other_inputs_are_another_folder(other: dict[str, Any], tmp_path: Path) -> None:
    stage = Stage.open(tmp_path, "corpus", "field", {"seed": 0})
    stage.finish()
    assert Stage.open(tmp_path, "corpus", "field", other).folder != stage.folder
    assert not Stage.open(tmp_path, "corpus", "field", other).done


def test_another_version_of_the_package_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage.open(tmp_path, "corpus", "field", {"seed": 0})
    monkeypatch.setattr(files, "__version__", "99.0")
    assert Stage.open(tmp_path, "corpus", "field", {"seed": 0}).folder != stage.folder


def test_the_order_and_the_types_of_inputs_do_not_matter(tmp_path: Path) -> None:
    """Tuples and paths become what JSON has, so that a stage which was finished is done when it is opened again."""
    inputs = {"size": (64, 64), "path": Path("x/y"), "seed": 0}
    Stage.open(tmp_path, "corpus", "field", inputs).finish()
    assert Stage.open(tmp_path, "corpus", "field", {"seed": 0, "path": "x/y", "size": [64, 64]}).done


def test_a_folder_that_was_finished_for_other_inputs_is_refused(tmp_path: Path) -> None:
    stage = Stage.open(tmp_path, "corpus", "field", {"seed": 0})
    write_json(stage.folder / "stage.json", {"seed": 1})
    with pytest.raises(DigestError, match=f"{stage.folder} was made from other inputs; delete it and run again"):
        _ = stage.done


def test_restart_throws_away(tmp_path: Path) -> None:
    stage = Stage.open(tmp_path, "corpus", "field", {"seed": 0})
    write_text(stage.folder / "deep" / "half.txt", "work")
    stage.finish()
    stage.restart()
    assert not stage.done
    assert list(stage.folder.iterdir()) == []
