"""configs/ is the only registry: every node fits the constructor that it names, every experiment composes."""

import functools
import inspect
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf

import stand_ins
from redqueen.cli import TASKS
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.settings import check
from redqueen.tasks.predict import suite_of

FILES = sorted(path.relative_to(configs()) for path in configs().rglob("*.yaml"))
LINES = 25  # of difference, for an experiment
PACKAGED = ("detector", "generator")  # groups of which several members are chosen at once
GROUPS = sorted(path.name for path in configs().iterdir() if path.is_dir())

TASK = {"backbone": "corpus_quality"}  # a group that the main job does not have: the task that has it


def composed(task: str, *overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs()), version_base="1.3"):
        return compose(task, list(overrides))


def nodes(value, where=""):
    """Every mapping with a `_target_`, and where it stands."""
    if isinstance(value, dict):
        if "_target_" in value:
            yield where, value
        for key, below in value.items():
            yield from nodes(below, f"{where}.{key}".strip("."))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from nodes(below, f"{where}[{number}]")


def loaded(path: Path) -> dict:
    return OmegaConf.to_container(OmegaConf.load(configs() / path), resolve=False)


BUILDING = [path for path in FILES if list(nodes(loaded(path)))]
every_file_that_builds = pytest.mark.parametrize("path", BUILDING, ids=str)


def test_every_file_is_looked_at():
    on_disk = [path for path in configs().rglob("*") if path.is_file()]
    assert len(FILES) == len(on_disk), "a file in configs/ that is no YAML is not checked"
    mentioned = [path for path in on_disk if re.search(r"^\s*(- \{)?_target_:", path.read_text(), re.MULTILINE)]
    assert len(BUILDING) == len(mentioned) > 15


def misfit(node: dict) -> str | None:
    """Why a node cannot be called as it stands; None if it can."""
    signature = inspect.signature(get_object(node["_target_"]))
    bind = signature.bind_partial if node.get("_partial_") else signature.bind
    try:
        bind(**{key: value for key, value in node.items() if not key.startswith("_")})
    except TypeError as error:
        return str(error)
    return None


@every_file_that_builds
def test_every_node_binds_to_the_signature_of_its_target(path):
    misfits = {where or "at the top": misfit(node) for where, node in nodes(loaded(path))}
    assert misfits == dict.fromkeys(misfits)


@every_file_that_builds
def test_no_value_repeats_the_default_of_its_constructor(path):
    """One owner per default: a YAML names a parameter only to change it."""
    for where, node in nodes(loaded(path)):
        parameters = inspect.signature(get_object(node["_target_"])).parameters
        if node["_target_"].startswith("redqueen.") and path.parent.name != "generator":  # a record of what was done
            repeated = [k for k, v in node.items() if k in parameters and parameters[k].default == v]
            assert not repeated, f"{where}: {repeated}"


@pytest.mark.parametrize("path", [path for path in FILES if str(path.parent) in (*PACKAGED, "experiment")], ids=str)
def test_packages_follow_the_file_names(path):
    group = str(path.parent)
    package = "_global_" if group == "experiment" else f"{group}.{path.stem}"
    assert (configs() / path).read_text().splitlines()[0] == f"# @package {package}"
    if group in PACKAGED:
        assert loaded(path).get("name", path.stem) == path.stem


def test_every_member_of_every_group_composes():
    count = 0
    for group in GROUPS:
        members = stand_ins.names(group)
        for chosen in [members] if group in PACKAGED else [[name] for name in members]:
            words = f"[{','.join(chosen)}]" if group in PACKAGED else chosen[0]
            cfg = composed(TASK.get(group, "track"), f"{group}={words}")
            count += len(chosen)
            if group in PACKAGED:
                assert list(cfg[group]) == chosen
    assert count == len([path for path in FILES if path.parent != Path()])


@pytest.mark.parametrize("task", TASKS)
def test_every_task_composes(task):
    cfg = composed(task.replace(" ", "_"))
    assert cfg.task == task.replace(" ", "_")
    check(cfg)


@pytest.mark.parametrize("name", stand_ins.names("experiment"))
def test_every_experiment_composes_and_its_settings_exist(name):
    cfg = composed("track", f"experiment={name}")
    assert cfg.name == name
    assert cfg.limits, "an experiment says what must be said wherever its numbers are quoted"
    check(cfg)
    elsewhere = {key for other in stand_ins.names("experiment") for key in chosen(other)}
    for key in set(cfg.detector) - chosen(name):  # an experiment that builds on another runs some of its detectors
        assert key in elsewhere, f"{key} is set and chosen nowhere"


@functools.cache
def chosen(experiment: str) -> set[str]:
    """The detectors that an experiment runs."""
    return {
        str(key) for key, node in composed("track", f"experiment={experiment}").detector.items() if "_target_" in node
    }


@pytest.mark.parametrize("name", stand_ins.names("experiment"))
def test_every_experiment_is_a_short_difference(name):
    lines = (configs() / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.startswith("#")]) <= LINES


@pytest.mark.parametrize("name", stand_ins.names("suite"))
def test_a_suite_of_ours_is_not_changed_under_its_name(name):
    node = OmegaConf.create({"suite": OmegaConf.load(configs() / "suite" / f"{name}.yaml")})
    assert suite_of(node).name == name
    node.suite.views.more = [{"_target_": "redqueen.perturbations.functional.jpeg", "_partial_": True, "quality": 9}]
    with pytest.raises(UserError, match=f"suite {name}-v1 is frozen"):
        suite_of(node)
    node.suite.name = "mine"
    assert suite_of(node).label == "mine-v1"


@pytest.mark.parametrize("name", stand_ins.names("experiment"))
def test_every_experiment_runs_the_controls(name):
    assert {"constant", "metadata_probe"} <= chosen(name)


@pytest.mark.parametrize("name", stand_ins.names("suite"))
def test_every_suite_builds_and_names_itself(name):
    suite = instantiate(OmegaConf.load(configs() / "suite" / f"{name}.yaml"))
    assert suite.name == name
    assert next(iter(suite.views)) == "clean"
    pixels = stand_ins.human_pixels(0)
    for view in suite.views:
        first, second = (suite.apply(view, pixels, "a") for _ in range(2))
        assert first.shape == pixels.shape
        assert (first == second).all()
        assert (first == pixels).all() == (view == "clean")
