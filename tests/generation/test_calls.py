"""What each class is called with: bound to its real signature, for every generator that can be run."""

import inspect
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from redqueen.errors import UserError
from redqueen.generation import pipelines
from redqueen.generation.calls import ALONE, alone, call_arguments, pictures_of, takes_prompt
from redqueen.vocabulary import packaged

RUNNABLE = [entry for entry in packaged() if entry.pipeline is not None and not entry.nominal]
UNCONDITIONAL = {"DDIMPipeline", "DDPMPipeline"}


def generators(n):
    return [torch.Generator().manual_seed(seed) for seed in range(n)]


@pytest.mark.slow  # imports sixty classes: ten seconds
@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("entry", RUNNABLE, ids=lambda entry: entry.name)
def test_every_call_binds_to_the_real_signature(entry):
    kind = pipelines.class_named(entry.pipeline)
    n = 1 if alone(kind) else 3
    prompts = ["a street", "a hill", "a boat"][:n]
    given = call_arguments(kind, prompts, generators(n), dict(entry.call))
    bound = inspect.signature(kind.__call__).bind(None, **given)
    assert "kwargs" not in bound.arguments
    assert given["output_type"] == "pil"
    annotation = str(inspect.signature(kind.__call__).parameters["generator"].annotation).lower()
    if isinstance(given["generator"], list):
        assert "list" in annotation
        assert len(given["generator"]) == len(given["prompt"]) == n
        assert given.get("negative_prompt") is None or len(given["negative_prompt"]) == n
    else:
        assert isinstance(given["prompt"], str)
    assert takes_prompt(kind) == (entry.pipeline not in UNCONDITIONAL)


def test_names_of_exceptions_exist():
    for name in ALONE:
        assert hasattr(pipelines.diffusers, name)


class Plain:
    def __call__(self, prompt, negative_prompt=None, generator: "list | None" = None, output_type="np"): ...


class Single:
    def __call__(self, prompt, generator: "torch.Generator | None" = None, clean_caption=True, output_type="np"): ...


class Nothing:
    def __call__(self, batch_size=1, generator: "list | None" = None, output_type="pil"): ...


class Classes:
    def __call__(self, class_labels, generator: "list | None" = None, output_type="pil"): ...


def test_a_negative_prompt_is_repeated():
    given = call_arguments(Plain, ["a", "b"], generators(2), {"negative_prompt": "blur"})
    assert (given["prompt"], given["negative_prompt"]) == (["a", "b"], ["blur", "blur"])


def test_a_class_with_one_generator_is_called_for_one_picture():
    given = call_arguments(Single, ["a"], generators(1), {})
    assert isinstance(given["generator"], torch.Generator)
    assert (given["prompt"], given["clean_caption"], given["output_type"]) == ("a", False, "pil")


def test_what_an_entry_says_goes_before_our_defaults():
    assert call_arguments(Single, ["a"], generators(1), {"clean_caption": True})["clean_caption"] is True


def test_an_unconditional_class_is_told_how_many():
    given = call_arguments(Nothing, None, generators(4), {})
    assert given["batch_size"] == 4
    assert "prompt" not in given


def test_wrong_arguments_are_named():
    with pytest.raises(UserError, match="unknown argument of Plain 'promt'; did you mean 'prompt'"):
        call_arguments(Plain, ["a"], generators(1), {"promt": "x"})
    with pytest.raises(UserError, match="Classes needs class_labels, which rendering does not give"):
        call_arguments(Classes, None, generators(1), {})
    with pytest.raises(UserError, match="Plain needs prompt"):
        call_arguments(Plain, None, generators(1), {})


@pytest.mark.parametrize(
    ("kind", "scheduler", "expected"),
    [
        (Plain, None, False),
        (Single, None, True),
        (Plain, SimpleNamespace(config={"stochastic_sampling": True}), True),
        (Plain, SimpleNamespace(config={"stochastic_sampling": False}), False),
        (type("GlmImagePipeline", (Plain,), {}), None, True),
    ],
)
def test_which_classes_make_one_picture_a_call(kind, scheduler, expected):
    assert alone(kind, scheduler) is expected


def test_every_answer_gives_pictures():
    a, b = Image.new("RGB", (2, 2)), Image.new("RGB", (3, 3))
    assert pictures_of(SimpleNamespace(images=[a, b])) == [a, b]
    assert pictures_of(SimpleNamespace(frames=[[a, b], [b, a]])) == [a, b], "the first frame of each film"
    assert pictures_of(SimpleNamespace(video=[b, a])) == [b]
    assert pictures_of(SimpleNamespace(images=[a, b], nsfw_content_detected=[True, False])) == [None, b]
    assert pictures_of(SimpleNamespace(images=[a, b], nsfw_content_detected=None)) == [a, b]
    assert pictures_of(SimpleNamespace(images=[a, b], nsfw_detected=[False, True])) == [a, None]
