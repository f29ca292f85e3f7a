"""What docs/checking.md shows is taken as it stands."""

import re
from pathlib import Path

from redqueen.commands import TASKS
from redqueen.regression.figures import METRICS
from redqueen.regression.policy import Slices, read

TEXT = (Path(__file__).resolve().parents[2] / "docs/checking.md").read_text("utf-8")


def test_the_policy_is_one(tmp_path):
    (tmp_path / "policy.yaml").write_text(re.search(r"```yaml\n(benchmark.*?)```", TEXT, re.DOTALL).group(1), "utf-8")
    assert len(read(tmp_path / "policy.yaml").gates) == 4


def test_the_commands_and_the_names_exist():
    commands = re.findall(r"^redqueen (check \w+)(.*)$", TEXT, re.MULTILINE)
    assert [name for name, _ in commands] == ["check power", "check run", "check explain", "check accept"]
    for name, rest in commands:
        assert name in TASKS and set(re.findall(r"--(\w+)", rest)) <= set(TASKS[name].options)
    assert all(f"`{name}`" in TEXT for name in METRICS)
    sorts = re.search(r"Slices: (.*)\.\n", TEXT).group(1)
    assert re.findall(r"`(\w+)`", sorts) == list(Slices.model_fields["by"].annotation.__args__[0].__args__)
