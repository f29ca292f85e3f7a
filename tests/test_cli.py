"""The command line as far as it goes without a task."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from redqueen import __version__
from redqueen.cli import TASKS, configs, main

LOADED = """
import sys
before = set(sys.modules)
from redqueen.cli import main
code = main(["--help"])
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print("loaded:", sorted(names - sys.stdlib_module_names - {"redqueen"}))
sys.exit(code)
"""


def test_help_loads_nothing_but_the_standard_library():
    run = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_help_lists_every_task(words, capsys):
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^  {task} +\w", shown, re.MULTILINE) for task in TASKS)


def test_every_task_has_a_config_and_a_module():
    found = {path.stem for path in configs().glob("*.yaml") if f"\ntask: {path.stem}\n" in path.read_text("utf-8")}
    modules = {path.stem for path in Path(sys.modules["redqueen"].__path__[0], "tasks").glob("*.py")}
    assert found == {task.replace(" ", "_") for task in TASKS}
    assert found <= modules


def test_console_script_says_its_version():
    script = Path(sys.executable).parent / "redqueen"
    run = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"redqueen {__version__}\n"


def test_unknown_task_names_the_nearest(capsys):
    assert main(["trak"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"redqueen: unknown task 'trak'; did you mean 'track'\? Allowed: .*\n", shown.err)
