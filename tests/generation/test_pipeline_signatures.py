"""Every runnable generator names a pipeline of the installed diffusers whose call takes its arguments.

The signatures are read from the sources of diffusers, without importing them: that takes neither minutes nor
the optional packages of every pipeline.
"""

import ast
import functools
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from redqueen.vocabulary import packaged

RUNNABLE = [entry for entry in packaged() if entry.pipeline is not None and not entry.nominal]
AT_LEAST = 45  # generators
GIVEN = {
    "prompt",
    "generator",
    "latents",
    "num_images_per_prompt",
    "output_type",
    "return_dict",
}  # what rendering gives
HUB_ID = re.compile(r"hub:[A-Za-z0-9][\w.-]*/[\w.-]+")

runnable = pytest.mark.parametrize("entry", RUNNABLE, ids=lambda entry: entry.name)


def folder() -> Path:
    spec = importlib.util.find_spec("diffusers")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@functools.cache
def classes() -> dict[str, ast.ClassDef]:
    """Every class of diffusers' pipelines, by name."""
    found = {}
    for path in (folder() / "pipelines").rglob("pipeline_*.py"):
        tree = ast.parse(path.read_text())
        found |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return found


@functools.cache
def exported() -> set[str]:
    """Every name that `diffusers` itself exports: the strings of its import structure."""
    tree = ast.parse((folder() / "__init__.py").read_text())
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def method(pipeline: str, name: str) -> inspect.Signature:
    """The signature of a method, without `self`; defaults are all None, since only the names are of interest."""
    node = classes()[pipeline]
    function = next(each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == name)
    spec, kind = function.args, inspect.Parameter
    assert spec.vararg is None
    needed = len(spec.args) - len(spec.defaults)
    plain = [
        kind(each.arg, kind.POSITIONAL_OR_KEYWORD, default=kind.empty if at < needed else None)
        for at, each in enumerate(spec.args)
    ]
    named = [
        kind(each.arg, kind.KEYWORD_ONLY, default=kind.empty if default is None else None)
        for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    ]
    return inspect.Signature([*plain[1:], *named])  # no **kwargs: what it would swallow must fail here


def test_enough_generators_can_be_run():
    assert len(RUNNABLE) >= AT_LEAST
    assert min(entry.released for entry in RUNNABLE if entry.family == "stable-diffusion") == "2022-08"
    assert max(entry.released for entry in RUNNABLE) >= "2026-09"


CHINESE = (
    "cogview",
    "dreamlite",
    "ernie-image",
    "glm-image",
    "hidream",
    "hunyuan-image",
    "kolors",
    "longcat-image",
    "lumina",
    "omnigen",
    "ovis-image",
    "pixart",
    "qwen-image",
    "wan",
    "z-image",
)


@pytest.mark.parametrize("family", CHINESE)
def test_the_chinese_families_can_be_run(family):
    assert [entry for entry in RUNNABLE if entry.family == family and entry.country == "CN"]


@runnable
def test_the_call_binds_to_the_signature_of_the_pipeline(entry):
    assert entry.pipeline in exported()
    signature = method(entry.pipeline, "__call__")
    assert not GIVEN & set(entry.call)
    signature.bind(prompt="a street", **entry.call)
    assert {"generator", "output_type"} <= set(signature.parameters), "rendering seeds each picture"


@runnable
def test_the_weights_lie_on_the_hub(entry):
    assert HUB_ID.fullmatch(entry.weights)
    for part, where in entry.parts.items():
        assert HUB_ID.fullmatch(where)
        assert part in method(entry.pipeline, "__init__").parameters


@runnable
def test_the_resolution_fits_the_pipeline(entry):
    sides = [entry.call[key] for key in ("height", "width") if key in entry.call]
    takes = method(entry.pipeline, "__call__").parameters
    assert len(sides) == 2 or "height" not in takes, "the size is said wherever it can be"
    assert entry.resolution == min(sides, default=entry.resolution)
    assert all(side % 16 == 0 for side in sides)
    assert 64 <= entry.resolution <= 4096


@runnable
def test_steps_and_guidance_make_sense(entry):
    steps = {key: value for key, value in entry.call.items() if key.endswith("num_inference_steps")}
    assert steps
    assert all(isinstance(value, int) and 1 <= value <= 100 for value in steps.values())
    scales = [value for key, value in entry.call.items() if key.endswith(("guidance_scale", "cfg_scale"))]
    assert all(isinstance(value, float) and 0 <= value <= 20 for value in scales)


@pytest.mark.parametrize("family", sorted({entry.family for entry in RUNNABLE}))
def test_no_two_generators_have_the_same_weights(family):
    weights = [entry.weights for entry in RUNNABLE if entry.family == family]
    assert len(set(weights)) == len(weights)


def test_an_argument_that_does_not_exist_is_found():
    with pytest.raises(TypeError, match="unexpected keyword argument 'steps'"):
        method("FluxPipeline", "__call__").bind(prompt="a street", steps=4)
