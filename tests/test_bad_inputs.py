"""Bad inputs that leaderboards and regression checks meet: each ends in its stated exit code, never in a traceback."""

import re
import shutil
from collections import Counter
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from PIL import ImageFile

from leaderboard import world
from leaderboard.cases import Case
from redqueen.cli import main
from redqueen.leaderboard import rerun

HERE = Path(__file__).parent
FOUND = sorted([*HERE.glob("leaderboard/cases_*.py"), *HERE.glob("regression/cases_*.py")])
CASES: list[Case] = [case for path in FOUND for case in import_module(f"{path.parent.name}.{path.stem}").CASES]
NUMBERS = [*map(str, range(1, 73)), *(f"R{number}" for number in range(1, 16))]
NEVER = ("Traceback", "<img", "<script", "@everyone", "\u202e", "\x1b")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> world.World:
    return world.make(tmp_path_factory.mktemp("world") / "made")


@pytest.fixture
def fresh(template: world.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> world.World:
    """A world of its own, which is the working folder."""
    shutil.copytree(template.folder, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)  # a case may set it
    monkeypatch.setattr(rerun, "of_checkpoint", rerun.of_checkpoint)  # likewise
    return replace(template, folder=tmp_path / "world")


def test_there_are_72_and_15_of_them_each_once() -> None:
    assert Counter(case.number for case in CASES) == Counter(NUMBERS)


def test_a_case_that_does_not_apply_says_why() -> None:
    assert all(case.reason for case in CASES if case.make is None)
    assert all(case.code is not None and case.says for case in CASES if case.make)


@pytest.mark.parametrize("case", [one for one in CASES if one.make], ids=lambda one: f"{one.number}: {one.name}")
def test_a_bad_input_ends_in_its_stated_way(case: Case, fresh: world.World, capfd: pytest.CaptureFixture[str]) -> None:
    assert case.make is not None
    words = case.make(fresh)
    before = _there(fresh)
    capfd.readouterr()
    code = main(words)
    told = "".join(capfd.readouterr())
    assert code == case.code, told
    assert re.search(case.says, told, re.MULTILINE | re.DOTALL), told
    assert not [one for one in NEVER if one in told]
    assert len(told) < 60_000
    if words[0] == "verify":
        assert _there(fresh) == before, "the command wrote something beside its report"


def _there(fresh: world.World) -> set[Path]:
    return set(fresh.folder.parent.rglob("*"))


def test_the_valid_bundle_is_accepted(fresh: world.World, capfd: pytest.CaptureFixture[str]) -> None:
    """Without which every case could fail for another reason than its own."""
    assert main(["verify", str(fresh.bundle), "--benchmark", "benchmark"]) == 0
    assert capfd.readouterr().out.startswith("Accepted: recomputed; next-period AUROC 0.")
