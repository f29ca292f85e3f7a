"""What a pipeline of diffusers is called with, and what comes back: one rule for every class."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image

from redqueen.errors import UserError, unknown

# Classes that take lists, or say so, and whose pictures still depend on what else is in the batch.
ALONE = {
    "CogView4Pipeline": "fills prompts up to the longest of the batch, and its transformer sees the filling",
    "DreamLiteMobilePipeline": "works on one prompt a call",
    "DreamLitePipeline": "works on one prompt a call",
    "GlmImagePipeline": "its language model is seeded by the first generator alone",
    "Ideogram4Pipeline": "its prompt enhancer is seeded by the first generator alone",
    "Kandinsky5T2IPipeline": "fills prompts up to the longest of the batch, and its transformer sees the filling",
    "VQDiffusionPipeline": "draws from one generator",
}


def takes_prompt(kind: type) -> bool:
    """Whether a class of pipelines makes pictures from text; one that does not is unconditional."""
    return "prompt" in parameters(kind)


def alone(kind: type, scheduler: Any = None) -> bool:
    """Whether a picture comes out the same only in a call of its own, whatever the batch.

    So it is for the classes above, where `generator` is no list, and where the scheduler draws noise that no generator
    reaches.
    """
    one = "list" not in str(parameters(kind)["generator"].annotation).lower()
    config = getattr(scheduler, "config", {})
    return one or kind.__name__ in ALONE or bool(config.get("stochastic_sampling"))


def call_arguments(
    kind: type, prompts: Sequence[str] | None, generators: Sequence[torch.Generator], call: Mapping[str, Any]
) -> dict[str, Any]:
    """Every argument of one call that makes as many pictures as there are generators.

    Args:
        kind: class of diffusers.
        prompts: one a picture; None for an unconditional pipeline.
        generators: one a picture; exactly one where `alone(kind)`.
        call: what the generator's entry in the vocabulary says; a negative prompt is repeated for every picture.

    Raises:
        UserError: the class does not take one of these arguments, or needs what we do not give.
    """
    takes = parameters(kind)
    for name in call:
        if name not in takes:
            raise unknown(f"argument of {kind.__name__}", name, takes)
    single = alone(kind) and len(generators) == 1
    given = {"output_type": "pil", **call, "generator": generators[0] if single else list(generators)}
    if "clean_caption" in takes:  # its default turns itself off where two packages are missing
        given.setdefault("clean_caption", False)
    if prompts is not None and takes_prompt(kind):
        given["prompt"] = prompts[0] if single else list(prompts)
        negative = given.get("negative_prompt")
        if isinstance(negative, str) and not single:
            given["negative_prompt"] = [negative] * len(prompts)
    elif "batch_size" in takes:
        given["batch_size"] = len(generators)
    lacking = [name for name, one in takes.items() if one.default is one.empty and name not in given]
    if lacking:
        raise UserError(f"{kind.__name__} needs {', '.join(lacking)}, which rendering does not give")
    return given


def parameters(kind: type) -> dict[str, inspect.Parameter]:
    """What a class of pipelines can be called with."""
    found = inspect.signature(getattr(kind, "__call__")).parameters  # noqa: B004, B009
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {name: one for name, one in found.items() if name != "self" and one.kind not in variable}


def pictures_of(output: Any) -> list[Image.Image | None]:
    """The pictures of a pipeline's answer: the first frame of each film; None where its safety checker withheld one."""
    if hasattr(output, "images"):
        pictures = list(output.images)
    elif hasattr(output, "frames"):
        pictures = [film[0] for film in output.frames]
    else:
        pictures = [output.video[0]]
    flags = getattr(output, "nsfw_content_detected", None) or getattr(output, "nsfw_detected", None)
    return [None if flags and flags[number] else picture for number, picture in enumerate(pictures)]
