"""The GitHub Action: every input is used, no stranger's words become a script, and its step does what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ACTION = Path(__file__).resolve().parents[2] / "action.yml"
FORK = "github.event.pull_request.head.repo.full_name == github.repository"


@pytest.fixture(scope="module")
def action():
    return yaml.safe_load(ACTION.read_text("utf-8"))


def test_every_input_is_used_and_none_is_made_up(action):
    used = set(re.findall(r"inputs\.([a-z-]+)", str(action["runs"])))
    assert used == set(action["inputs"])
    assert all(one["description"].endswith(".") for one in (*action["inputs"].values(), *action["outputs"].values()))


def test_no_expression_stands_in_a_script(action):
    scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert len(scripts) == 4 and not any("${{" in script for script in scripts)


def test_actions_are_pinned_and_a_fork_is_not_commented(action):
    uses = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]
    assert uses and all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in uses)
    (comment,) = [step for step in action["runs"]["steps"] if "GH_TOKEN" in step.get("env", {})]
    assert FORK in comment["if"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_step_hands_everything_on(action, tmp_path):
    told = tmp_path / "redqueen"
    body = "import sys, os\nprint(sys.argv[1:], 'GITHUB_STEP_SUMMARY' in os.environ)\nsys.exit(4)\n"
    told.write_text(f"#!{sys.executable}\n{body}")
    told.chmod(0o755)
    step = next(step for step in action["runs"]["steps"] if step.get("id") == "check")
    out = tmp_path / "output"
    env = {"POLICY": "p $(x).yaml", "CANDIDATE": "c", "COMMAND": "", "BASELINE": "git:main\n\nmine=a b", "OUTPUT": "o"}
    env |= {
        "SUMMARY": "false",
        "GITHUB_OUTPUT": str(out),
        "GITHUB_STEP_SUMMARY": "x",
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }
    words = ["bash", "-eo", "pipefail", "-c", step["run"]]
    ended = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    words = ["check", "run", "--policy", "p $(x).yaml", "--candidate", "c", "--output", "o"]
    assert ended.stdout.strip() == f"{[*words, '--baseline', 'git:main', '--baseline', 'mine=a b']} False"
    assert out.read_text() == "code=4\n"


@pytest.mark.parametrize(
    ("code", "verdict", "strict", "ends"),
    [
        ("0", "pass", "true", 0),
        ("1", "fail", "false", 1),
        ("0", "inconclusive", "true", 3),
        ("0", "inconclusive", "false", 0),
        ("", "", "false", 5),
    ],
)
def test_how_it_ends(action, code, verdict, strict, ends):
    script = action["runs"]["steps"][-1]["run"]
    env = {"CODE": code, "VERDICT": verdict, "STRICT": strict}
    assert subprocess.run(["/bin/bash", "-c", script], env=env, check=False).returncode == ends
