"""Loading a generator: weights in this package, in a folder or on the Hub, always of a known revision."""

import difflib
import importlib
import inspect
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
import transformers
from diffusers import DiffusionPipeline
from huggingface_hub import ModelCard

from redqueen.errors import UserError, unknown
from redqueen.files import digest_file, digest_of
from redqueen.generation import hub
from redqueen.generation.pins import Hub, Repository
from redqueen.types import Generator
from redqueen.vocabulary import hub_id

PACKAGE = "package:"
INDEX = "model_index.json"
AUTOENCODERS = ("vae", "movq", "vqvae", "vqgan")  # what pipelines call theirs

Dtype = Literal["float32", "float16", "bfloat16"]
Offload = Literal["none", "model", "sequential"]


@dataclass(frozen=True)
class Loading:
    """How a pipeline is set up.

    Args:
        dtype: of the weights and of the arithmetic.
        offload: parts that do not work lie in the machine's memory: each `model` in turn on the GPU, or, slower and
            for the smallest GPUs, each layer (`sequential`).
        scheduler: class of diffusers that samples instead of the pipeline's own.
        slicing: the autoencoder works on one picture at a time.
        tiling: the autoencoder works on one tile at a time; tiles overlap and are blended.
    """

    dtype: Dtype = "float32"
    offload: Offload = "none"
    scheduler: str | None = None
    slicing: bool = False
    tiling: bool = False


@dataclass(frozen=True)
class Weights:
    """A generator's weights at a fixed revision.

    Args:
        generator: its entry in the vocabulary.
        revision: commit on the Hub, or digest over the files.
        parts: where each further component lies -> its commit.
        known: the lock, for repositories that only the weights themselves name.
    """

    generator: Generator
    revision: str
    parts: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Where the pipeline lies, as the vocabulary says it."""
        return weights_of(self.generator)


def weights_of(generator: Generator) -> str:
    """Where its pipeline lies; raises UserError for a generator that is known from its pictures alone."""
    if generator.weights is None:
        raise UserError(f"generator '{generator.name}' has no pipeline: it is known from its pictures alone")
    return generator.weights


def resolve(generator: Generator, known: Mapping[str, str], asked: Hub | None = None) -> Weights:
    """Fix the revision of everything that a generator is loaded from, without downloading any of it.

    Args:
        generator: its entry in the vocabulary.
        known: a lock, as `pins.read` returns it.
        asked: the Hub, for what is not pinned; None asks the Hub itself.
    """
    where = weights_of(generator)
    name = hub_id(where)
    revision = hub.commit_of(Repository(name, generator.revision), known, asked) if name else fingerprint(where)
    parts = {part: hub.commit_of(Repository(hub_id(part)), known, asked) for part in set(generator.parts.values())}
    return Weights(generator, revision, parts, known)


def locate(weights: str) -> Path:
    """The folder that `weights` names: "package:lineage/lineage-1" lies in this package, anything else on disk."""
    if weights.startswith(PACKAGE):
        folder = Path(str(files("redqueen"))) / weights.removeprefix(PACKAGE)
    else:
        folder = Path(weights).expanduser()
    if not (folder / INDEX).is_file():
        raise UserError(f"weights '{weights}': no pipeline at {folder} ({INDEX} is missing)")
    return folder


def fingerprint(weights: str) -> str:
    """Digest over every file of a pipeline on disk: what provenance records as its revision."""
    folder = locate(weights)
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "record.json")
    return digest_of([[str(p.relative_to(folder)), digest_file(p)] for p in paths])


def record(weights: str) -> Mapping[str, Any]:
    """How a generator of ours was trained; empty for any other."""
    if hub_id(weights):
        return {}
    path = locate(weights) / "record.json"
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def class_named(name: str) -> Any:
    """The class of pipelines of that name in the installed diffusers; raises UserError with the nearest name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch, to the authors of Kolors
        found = getattr(diffusers, name, None)
    if found is None:
        near = difflib.get_close_matches(name, [each for each in dir(diffusers) if each.endswith("Pipeline")], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ";"
        raise UserError(f"diffusers {diffusers.__version__} has no '{name}'{hint} Update it: pip install -U diffusers")
    return found


def open_pipeline(weights: Weights, device: str, how: Loading) -> tuple[Any, Mapping[str, str]]:
    """The generator's pipeline, downloaded if need be, on a device, silent; and where its parts lie -> their commits.

    Raises:
        UserError: the Hub does not answer or refuses, or the weights are not what the vocabulary says.
    """
    generator, name = weights.generator, hub_id(weights.where)
    if not name:
        return load(locate(weights.where), device, how, generator.pipeline), {}
    folder = hub.pipeline(class_named(generator.pipeline or "DiffusionPipeline"), name, weights.revision)
    kind = class_named(generator.pipeline or _index(folder)["_class_name"])
    extra = {
        part: _component(kind, part, hub.component(hub_id(where), weights.parts[where]), how.dtype)
        for part, where in generator.parts.items()
    }
    commits = dict(weights.parts)
    for prior in _priors(folder, kind):
        commits[f"hub:{prior}"] = hub.commit_of(Repository(prior), weights.known)
        below = hub.pipeline(DiffusionPipeline, prior, commits[f"hub:{prior}"])
        made = _from_folder(DiffusionPipeline, below, how.dtype)
        extra |= {f"prior_{key}": value for key, value in made.components.items()}
    return load(folder, device, how, generator.pipeline, extra), commits


def load(
    folder: str | Path,
    device: str,
    how: Loading = Loading(),  # noqa: B008  (frozen)
    kind: str | None = None,
    extra: Mapping[str, Any] = {},  # noqa: B006  (never written to)
) -> Any:
    """A pipeline from a folder, on a device, silent.

    Args:
        folder: in diffusers' layout.
        device: "cpu" or "cuda:NUMBER".
        how: dtype, offload and the like.
        kind: its class; None for the one that the folder names.
        extra: components that the folder lacks.

    Raises:
        UserError: the folder does not hold what the class needs, or `how` asks for what it cannot do.
    """
    folder = Path(folder)
    wanted = class_named(kind or str(_index(folder)["_class_name"]))
    _check_components(wanted, folder, extra)
    _silence()
    if extra and _priors(folder, wanted):
        own = _from_folder(DiffusionPipeline, folder, how.dtype).components
        pipeline = wanted(**{name: part for name, part in {**own, **extra}.items() if name in _init(wanted)})
    else:
        pipeline = _from_folder(wanted, folder, how.dtype, extra)
    pipeline.set_progress_bar_config(disable=True)
    _set_scheduler(pipeline, how.scheduler)
    _set_autoencoder(pipeline, how)
    return _place(pipeline, device, how.offload)


def class_of(generator: Generator) -> str | None:
    """The class of a generator's pipeline, as its entry or the folder of its weights says; None if neither does."""
    if generator.pipeline or hub_id(weights_of(generator)):
        return generator.pipeline
    return str(_index(locate(weights_of(generator)))["_class_name"])


def open_autoencoder(weights: Weights, device: str, dtype: Dtype) -> tuple[Any, str]:
    """The generator's own autoencoder alone, and what its pipeline calls it; UserError for one that works on pixels."""
    name = hub_id(weights.where)
    folder = hub.component(name, weights.revision, AUTOENCODERS) if name else locate(weights.where)
    index = _index(folder)
    found = next((part for part in AUTOENCODERS if part in index), None)
    if found is None:
        raise UserError(
            f"generator '{weights.generator.name}' has no autoencoder ({index['_class_name']}): "
            f"render.mode=reconstruction needs one of {', '.join(AUTOENCODERS)}"
        )
    library, kind = index[found]
    module = diffusers if library == "diffusers" else importlib.import_module(f"diffusers.pipelines.{library}")
    _silence()
    network = getattr(module, kind).from_pretrained(folder / found, dtype=getattr(torch, dtype))
    return network.to(device).eval(), found


def _index(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / INDEX).read_text()))


def _init(kind: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind.__init__).parameters


def _priors(folder: Path, kind: Any) -> list[str]:
    """The repositories whose components a combined pipeline needs besides its own, as its card names them."""
    card = folder / "README.md"
    combined = any(name.startswith("prior_") for name in _init(kind))
    if not combined or "prior_prior" in _index(folder) or not card.is_file():
        return []
    return list(getattr(ModelCard.load(card).data, "prior", []))


def _check_components(kind: Any, folder: Path, extra: Mapping[str, Any]) -> None:
    index = _index(folder)
    optional = {"self", *getattr(kind, "_optional_components", ())}
    needed = {name for name, one in _init(kind).items() if one.default is one.empty} - optional
    lacking = sorted(needed - set(index) - set(extra))
    if lacking:
        raise UserError(
            f"weights at {folder} are for {index['_class_name']}; {kind.__name__} needs {', '.join(lacking)} too: "
            "mend `pipeline` of the generator's entry"
        )


def _from_folder(kind: Any, folder: Path, dtype: Dtype, extra: Mapping[str, Any] = {}) -> Any:  # noqa: B006
    return kind.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True, **extra)


def _component(kind: Any, part: str, folder: Path, dtype: Dtype) -> Any:
    """A component that lies in a repository of its own, of the class that the pipeline's constructor asks for."""
    if "tokenizer" in part:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    asked = _init(kind)[part].annotation
    asked = getattr(transformers, asked) if isinstance(asked, str) else asked
    return asked.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True).eval()


def _set_scheduler(pipeline: Any, name: str | None) -> None:
    if name is None:
        return
    own = getattr(pipeline, "scheduler", None)
    if own is None:
        raise UserError(f"render.scheduler={name}: {type(pipeline).__name__} has no scheduler to replace")
    fitting = {type(own).__name__: type(own), **{each.__name__: each for each in own.compatibles}}
    if name not in fitting:
        raise unknown(f"scheduler of {type(pipeline).__name__}", name, fitting)
    new = fitting[name].from_config(own.config)
    pipeline.register_modules(scheduler=new)
    if hasattr(pipeline, "decoder_pipe"):  # a combined pipeline hands its parts to two others
        pipeline.decoder_pipe.register_modules(scheduler=new)


def _set_autoencoder(pipeline: Any, how: Loading) -> None:
    for wanted, name in ((how.slicing, "slicing"), (how.tiling, "tiling")):
        if not wanted:
            continue
        part = next((getattr(pipeline, each) for each in AUTOENCODERS if hasattr(pipeline, each)), None)
        if not hasattr(part, f"enable_{name}"):
            raise UserError(f"render.{name}=true: {type(pipeline).__name__} has no autoencoder that can do it")
        getattr(part, f"enable_{name}")()


def _place(pipeline: Any, device: str, offload: Offload) -> Any:
    if offload == "none":
        return pipeline.to(device)
    if device == "cpu":
        raise UserError(f"render.offload={offload} moves parts off a GPU, and this machine has none: leave it at none")
    getattr(pipeline, f"enable_{offload}_cpu_offload")(device=device)
    return pipeline


def _silence() -> None:
    """Bars and advice of the libraries: one a component or a call, and none that a user could act on."""
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"diffusers\.")  # its parts deprecate each other
