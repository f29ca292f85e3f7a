"""What the package imports is declared, and what is declared is locked."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def imported():
    """Top-level names of everything that src imports, inside functions too."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield (node.module or "").partition(".")[0]


def test_every_import_of_src_is_declared():
    lines = PROJECT["dependencies"] + sum((EXTRAS[name] for name in ("quickstart", "c2pa", "openclip", "pytest")), [])
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    owners = packages_distributions()
    foreign = set(imported()) - sys.stdlib_module_names - {"redqueen"}
    assert {"torch", "hydra", "PIL"} <= foreign
    missing = {name for name in foreign if declared.isdisjoint(map(canonicalize_name, owners.get(name, [])))}
    assert missing == set()


def test_the_lock_satisfies_every_requirement():
    lines = [line for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if line[:1] != "#"]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    locked = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    for line in PROJECT["dependencies"] + sum(EXTRAS.values(), []):
        requirement = Requirement(line)
        version = locked.get(canonicalize_name(requirement.name), "not locked")
        assert version != "not locked" and requirement.specifier.contains(version), f"{line}: {version}"
