"""The pytest fixture, in a pytest of its own."""

import os
import subprocess
import sys

TESTS = """
import pytest

@pytest.mark.redqueen_check(policy="policy.yaml")
def test_honest(redqueen_check):
    assert redqueen_check("honest.parquet").outcome == "pass"

@pytest.mark.redqueen_check("policy.yaml")
def test_worse(redqueen_check):
    redqueen_check("worse.parquet")

@pytest.mark.redqueen_check("policy.yaml")
def test_against_itself(redqueen_check):
    redqueen_check("worse.parquet", baselines=["mine=worse.parquet"])

def test_unmarked(redqueen_check):
    redqueen_check("honest.parquet")

@pytest.mark.redqueen_check("none.yaml")
def test_no_policy(redqueen_check):
    redqueen_check("honest.parquet")

@pytest.mark.redqueen_check(polizy="policy.yaml")
def test_typo(redqueen_check):
    redqueen_check("honest.parquet")
"""


def test_marker_and_fixture(small, tmp_path):
    for path in small.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "benchmark").symlink_to(small / "benchmark")
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "redqueen.regression.pytest_plugin", str(tmp_path)]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=env, cwd=tmp_path)
    assert "3 failed, 2 passed, 1 error" in ended.stdout, ended.stdout
    assert "FAIL: " in ended.stdout and "fail: AUROC fell" in ended.stdout
    assert "name a policy, in the call or with the marker" in ended.stdout
    assert "none.yaml: No such file or directory" in ended.stdout
    assert "no such argument of the marker: polizy" in ended.stdout
    assert "Traceback" not in ended.stdout and "During handling" not in ended.stdout


def test_nothing_heavy_is_imported_until_it_is_used():
    code = "import redqueen.regression.pytest_plugin, sys; print(*{'torch', 'numpy', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"
