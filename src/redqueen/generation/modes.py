"""The ways to make a picture: from text (or from nothing), from a photograph, by reconstructing a photograph."""

import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, Protocol

import torch
from PIL import Image

from redqueen import __version__
from redqueen.corpus.decode import open_picture, to_rgb
from redqueen.errors import RejectedPictureError, UserError
from redqueen.generation.calls import alone, call_arguments, parameters, pictures_of, takes_prompt
from redqueen.generation.pipelines import Loading, Weights, class_named, class_of, open_autoencoder, open_pipeline
from redqueen.generation.provenance import Form
from redqueen.generation.reconstruct import Autoencoder, reconstruct
from redqueen.generation.subjects import Subject
from redqueen.types import Generator

Mode = Literal["text", "image", "reconstruction"]

_SIDE = 512  # pixels of a photograph to start from, where the generator's entry states no resolution


@dataclass(frozen=True)
class Task:
    """One picture to make: what it shows, the photograph's bytes if it starts from one, its seed."""

    subject: Subject
    seed: int
    data: bytes | None = None


@dataclass(frozen=True)
class Painted:
    """A picture and the form to save it in; or, where there is none, the reason."""

    picture: Image.Image | None
    form: Form = field(default_factory=Form)
    reason: str = ""


class Painter(Protocol):
    """Makes pictures, each from its own seed; `facts` are what provenance says of all of them."""

    facts: Mapping[str, Any]

    def paint(self, tasks: Sequence[Task]) -> list[Painted]:
        """One picture a task."""
        ...


class FromText:
    """A pipeline in its plain use."""

    def __init__(self, weights: Weights, device: str, how: Loading) -> None:
        self.pipeline, parts = open_pipeline(weights, device, how)
        self.call = dict(weights.generator.call)
        self.devices = [] if device == "cpu" else [device]
        made_with = {**_origin(weights, how, device), "parts": parts}
        self.facts: Mapping[str, Any] = {"mode": "text", **_facts(self.pipeline, self.call), **made_with}

    def paint(self, tasks: Sequence[Task]) -> list[Painted]:
        """A picture a prompt, in one call where the pipeline can do it."""
        if len(tasks) > 1 and alone(type(self.pipeline), getattr(self.pipeline, "scheduler", None)):
            return [painted for task in tasks for painted in self.paint([task])]
        generators = [torch.Generator("cpu").manual_seed(task.seed) for task in tasks]
        prompts = [task.subject.prompt.text for task in tasks if task.subject.prompt] or None
        given = call_arguments(type(self.pipeline), prompts, generators, {**self.call, **self._images(tasks)})
        with torch.random.fork_rng(self.devices):  # some classes draw from the global generator as well
            torch.manual_seed(tasks[0].seed)
            return [_painted(picture) for picture in pictures_of(self.pipeline(**given))]

    def _images(self, tasks: Sequence[Task]) -> dict[str, Any]:  # noqa: ARG002  (FromImage says which)
        return {}


class FromImage(FromText):
    """Image to image: noise is laid over a photograph, and taken off with a prompt in mind.

    Args:
        weights: of the text-to-image pipeline; its sibling for pictures takes over its parts.
        device: "cpu" or "cuda:NUMBER".
        how: dtype, offload and the like.
        strength: share of the denoising steps that are done, in (0, 1]: 1 leaves nothing of the photograph.

    Raises:
        UserError: the generator has no such sibling, or too few steps for this strength.
    """

    def __init__(self, weights: Weights, device: str, how: Loading, strength: float) -> None:
        super().__init__(weights, device, how)
        kind, able = type(self.pipeline).__name__, able_to_start_from_pictures()
        if kind not in able:
            raise UserError(f"render.mode=image: {kind} cannot start from a picture; {', '.join(able)} can")
        self.pipeline = class_named("AutoPipelineForImage2Image").from_pipe(self.pipeline)
        self.pipeline.set_progress_bar_config(disable=True)
        self.width = self.call.pop("width", weights.generator.resolution or _SIDE)
        self.height = self.call.pop("height", weights.generator.resolution or _SIDE)
        takes = parameters(type(self.pipeline))
        self.call["strength"] = strength
        self.call |= {key: getattr(self, key) for key in ("height", "width") if key in takes}
        steps = self.call.get("num_inference_steps", 50)
        if int(steps * strength) < 1:
            raise UserError(f"render.strength={strength} of {steps} steps is none: at least {1 / steps:.2g} is needed")
        self.facts = {**self.facts, "mode": "image", "strength": strength, "pipeline": type(self.pipeline).__name__}

    def _images(self, tasks: Sequence[Task]) -> dict[str, Any]:
        pictures = [self._photograph(task) for task in tasks]
        return {"image": pictures[0] if alone(type(self.pipeline)) else pictures}

    def paint(self, tasks: Sequence[Task]) -> list[Painted]:
        """A picture a photograph; none where the photograph cannot be read."""
        reasons = [_reason(task) for task in tasks]
        sound = [task for task, reason in zip(tasks, reasons, strict=True) if not reason]
        made = iter(super().paint(sound) if sound else [])
        return [Painted(None, reason=reason) if reason else next(made) for reason in reasons]

    def _photograph(self, task: Task) -> Image.Image:
        """Its middle, in the size that the generator makes."""
        picture = to_rgb(open_picture(task.data or b""))
        scale = max(self.width / picture.width, self.height / picture.height)
        size = (max(round(picture.width * scale), self.width), max(round(picture.height * scale), self.height))
        left, top = (size[0] - self.width) // 2, (size[1] - self.height) // 2
        large = picture.resize(size, Image.Resampling.LANCZOS)
        return large.crop((left, top, left + self.width, top + self.height))


class Reconstruct:
    """Photographs through the generator's autoencoder, one at a time, in their own size and form."""

    def __init__(self, weights: Weights, device: str, how: Loading) -> None:
        network, part = open_autoencoder(weights, device, how.dtype)
        if how.tiling and hasattr(network, "enable_tiling"):
            network.enable_tiling()
        options = {"force_not_quantize": True} if part == "movq" else {}  # as Kandinsky's pipelines decode
        self.autoencoder = Autoencoder(network, device, options)
        facts = {"mode": "reconstruction", "autoencoder": type(network).__name__, "tiling": how.tiling}
        self.facts: Mapping[str, Any] = {**facts, **_origin(weights, how, device)}

    def paint(self, tasks: Sequence[Task]) -> list[Painted]:
        """A picture a photograph; none where the photograph cannot be read."""
        return [self._one(task) for task in tasks]

    def _one(self, task: Task) -> Painted:
        try:
            picture, form = reconstruct(open_picture(task.data or b""), self.autoencoder)
        except RejectedPictureError as error:
            return Painted(None, reason=str(error))
        return Painted(picture, form)


def conditional(generator: Generator) -> bool:
    """Whether a generator makes pictures from text."""
    name = class_of(generator)
    return name is None or takes_prompt(class_named(name))


def _painted(picture: Image.Image | None) -> Painted:
    if picture is None:
        return Painted(None, reason="withheld by the pipeline's own safety checker")
    return Painted(picture)


def _reason(task: Task) -> str:
    """Why a photograph cannot be used; empty if it can."""
    try:
        open_picture(task.data or b"")
    except RejectedPictureError as error:
        return str(error)
    return ""


def able_to_start_from_pictures() -> list[str]:
    """Classes of text-to-image pipelines with a sibling that lays noise over a picture.

    Those which take pictures as examples instead (Kontext, FLUX.2) are not among them: they have no strength.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch, to the authors of Kolors
        auto = importlib.import_module("diffusers.pipelines.auto_pipeline")  # imports every pipeline: seconds
    text, image = auto.AUTO_TEXT2IMAGE_PIPELINES_MAPPING, auto.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING
    return sorted(text[key].__name__ for key in set(text) & set(image) if "strength" in parameters(image[key]))


def _facts(pipeline: Any, call: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pipeline": type(pipeline).__name__,
        "scheduler": type(getattr(pipeline, "scheduler", None)).__name__,
        "steps": call.get("num_inference_steps"),
        "guidance": call.get("guidance_scale", call.get("true_cfg_scale")),
        "call": dict(call),
    }


def _origin(weights: Weights, how: Loading, device: str) -> dict[str, Any]:
    packages = ("diffusers", "torch", "transformers")
    return {
        "weights": weights.where,
        "revision": weights.revision,
        "dtype": how.dtype,
        "device": device.partition(":")[0],
        "versions": {"redqueen": __version__, **{name: version(name) for name in packages}},
    }
