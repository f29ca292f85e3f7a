"""The wheel holds everything that a run needs, and runs from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
FOUND = "import redqueen; print(redqueen.__file__)"
TINY = ["source=wheels", "source.crops=4", "source.collages=1", "source.drawings=1", "normalise.size=64"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    run = subprocess.run(build, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = folder.glob("redqueen-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder with the installed wheel, its dependencies left out."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel]
    subprocess.run(pip, check=True, capture_output=True)
    return folder


@pytest.fixture
def run(installed, tmp_path):
    """Run Python from an empty folder, with the installed wheel before this checkout."""
    environment = os.environ | {"PYTHONPATH": str(installed)}

    def call(*words):
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done

    return call


def test_holds_the_package_and_the_configs(wheel):
    package = ROOT / "src" / "redqueen"
    expected = {
        f"redqueen/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {f"redqueen/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "configs").rglob("*.yaml")}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected
    assert {"redqueen/configs/track.yaml", "redqueen/report/templates/report.html.j2", "redqueen/py.typed"} <= held


def test_settings_compose_from_an_empty_folder(run, installed, tmp_path):
    assert Path(run("-c", FOUND).stdout.strip()).is_relative_to(installed)
    script = str(installed / "bin" / "redqueen")
    assert "usage: redqueen TASK" in run(script, "--help").stdout
    assert "name: quickstart" in run(script, "track", "experiment=quickstart", "--cfg", "job").stdout
    assert list(tmp_path.iterdir()) == []


def test_a_task_runs_from_an_empty_folder(run, installed, tmp_path):
    done = run(str(installed / "bin" / "redqueen"), "corpus", "build", *TINY)
    assert "corpus runs/store/corpus/" in done.stderr
    assert list(tmp_path.glob("runs/store/corpus/*/card.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
