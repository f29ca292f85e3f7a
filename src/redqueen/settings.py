"""What may be set on the command line: the keys of the YAMLs and every parameter of the constructors they name.

A YAML names a parameter only to change its default, and Hydra accepts the keys of the YAMLs alone: `accepted` lets the
other parameters in, `check` holds every value against the annotation that the constructor gives it.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from redqueen.errors import UserError, unknown
from redqueen.types import Country, Month, Precision, Reported, Split

_Count = Annotated[int, Field(ge=1)]
_Seed = Annotated[int, Field(ge=0)]
_Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$", max_length=64)]
_Day = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

PLAIN: Mapping[str, Any] = {  # settings that go to no constructor
    "name": str,
    "store": str,
    "corpus": str,
    "seed": _Seed,
    "corpus_seed": _Seed,
    "strict": bool,
    "workers": _Count | None,
    "predictors": _Count | None,
    "predict_in": Precision,
    "shares": dict[Split, Annotated[float, Field(ge=0)]],
    "n": _Count,
    "shard": str,
    "cutoff": str | None,
    "labels": Literal["true", "shuffled"],
    "draws": _Count,
    "styles": dict[str, list[str]],
    "limits": list[str],
    "reported": list[Reported],
    "runs": list[str],
    "run": str,
    "version": _Count,
    "submitted": str | None,
    "benchmark": str | None,
    "card": str,
    "model": bool,
    "run_on": str | None,
    "salt": str,
    "form": Literal["text", "json", "md", "junit"],
    "written": str | None,
    "family": str | None,
    "country": Country | None,
    "runnable": bool | None,
    "since": Month | None,
    "until": Month | None,
    "lock": str,
    "again": bool,
    "by": str,
    "before": str,
    "after": str,
    "to": str,
    "results": str,
    "submission": str | None,
    "output": str | None,
    "private": bool,
    "replace": bool,
    "allow_licences": list[str],
    "checkpoint": str | None,
    "trained_on": str | None,
    "result": str | None,
    "views": list[str],
    "close": Annotated[float, Field(ge=1)],
    "format": Literal["table", "json"],
    "heatmaps": str | None,
    "round": str,
    "scores": str,
    "pictures": _Count | None,
    "canaries": Annotated[int, Field(ge=0)],
    "twins": Annotated[int, Field(ge=0)],
    "date": _Day | None,
    "check": bool,
    "published": _Digest | None,
    "team": _Slug | None,
    "policy": str,
    "candidate": str | None,
    "against": list[str],
    "command": str | None,
    "today": str | None,
    "day": str | None,
    "reason": str,
    "baseline_name": str,
    "flips": Annotated[float, Field(gt=0, lt=0.5)],
    "power": Annotated[float, Field(gt=0, lt=1)],
    "slices": list[str],
    "port": Annotated[int, Field(ge=0, le=65535)],
}


def accepted(configs: Path, task: str, overrides: Sequence[str]) -> list[str]:
    """The overrides, those marked as additions that name a parameter which the YAML leaves at its default."""
    if not any(_plain_key(word).rpartition(".")[0] for word in overrides):
        return list(overrides)
    cfg = composed(configs, task, overrides)
    last = {_plain_key(word): place for place, word in enumerate(overrides)}
    found = []
    for place, word in enumerate(overrides):
        key = _plain_key(word)
        if cfg is None or not _is_parameter(cfg, key):
            found.append(word)
        elif last[key] == place:  # as for the keys of the YAMLs, the last of several holds
            found.append(f"+{word}")
    return found


def _plain_key(word: str) -> str:
    """The key of `key=value`; empty for an addition, a deletion, or an option."""
    return "" if word[:1] in "+~-" else word.partition("=")[0] * ("=" in word)


def _is_parameter(cfg: DictConfig, key: str) -> bool:
    head, _, last = key.rpartition(".")
    node = _select(cfg, head) if head else None
    return isinstance(node, DictConfig) and "_target_" in node and last not in node and last in names(node)


def _select(cfg: DictConfig, key: str) -> Any:
    return OmegaConf.select(cfg, key) if key else cfg


def names(node: Any) -> list[str]:
    """What may be set in a node: its keys and the parameters of what it builds."""
    if not isinstance(node, DictConfig):
        return []
    parameters = _parameters(get_object(node._target_)) if "_target_" in node else {}
    return sorted({str(key) for key in node if not str(key).startswith("_")} | set(parameters))


def _parameters(target: Any) -> dict[str, inspect.Parameter]:
    found = inspect.signature(target).parameters
    return {name: one for name, one in found.items() if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)}


def siblings(configs: Path, task: str, overrides: Sequence[str], head: str) -> list[str]:
    """Names of the settings under `head` in a task's configuration, for the message about one that does not exist."""
    cfg = composed(configs, task, overrides)
    return [] if cfg is None else names(_select(cfg, head))


def composed(configs: Path, task: str, overrides: Sequence[str]) -> DictConfig | None:
    """The task's configuration with its choices of groups alone; None if even that cannot be composed."""
    groups = [word for word in overrides if _plain_key(word) and "." not in _plain_key(word)]
    extra = _config_dir(overrides)
    path = [f"hydra.searchpath=[{Path(extra).resolve()}]"] if extra else []
    GlobalHydra.instance().clear()
    for attempt in (groups, [word for word in groups if word.startswith("experiment=")], []):
        try:
            with initialize_config_dir(str(configs), version_base="1.3"):
                return compose(task, [*attempt, *path])
        except (HydraException, OmegaConfBaseException):
            continue
    return None


def _config_dir(overrides: Sequence[str]) -> str | None:
    """The folder that `--config-dir DIR`, `--config-dir=DIR` or `-cd DIR` names."""
    for word, after in zip(overrides, [*overrides[1:], None], strict=True):
        option, _, value = word.partition("=")
        if option in ("--config-dir", "-cd"):
            return value or after
    return None


def check(cfg: DictConfig) -> None:
    """Raise UserError for the first setting that does not exist or whose value has the wrong type."""
    for key in cfg:
        if str(key) in PLAIN and not OmegaConf.is_missing(cfg, key):
            _check_value(str(key), cfg[key], PLAIN[str(key)])
    for where, node in _nodes(cfg, ""):
        target = get_object(node._target_)
        hints = _hints(target) if node._target_.startswith("redqueen.") else {}
        for key in node:
            if str(key).startswith("_"):
                continue
            if hints and str(key) not in _parameters(target):
                raise unknown(f"setting of {where}", str(key), _parameters(target))
            if str(key) in hints and not OmegaConf.is_missing(node, key):
                _check_value(f"{where}.{key!s}", node[key], hints[str(key)])


def _nodes(node: Any, where: str) -> Iterator[tuple[str, DictConfig]]:
    """Every node below (and with) this one that builds something, with its dotted name."""
    if not OmegaConf.is_config(node):
        return
    if isinstance(node, DictConfig) and "_target_" in node:
        yield where, node
    keys = list(node) if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        if not OmegaConf.is_missing(node, key):
            yield from _nodes(node[key], f"{where}.{key}" if where else str(key))


def _hints(target: Any) -> dict[str, Any]:
    plain_class = inspect.isclass(target) and not is_dataclass(target)
    return get_type_hints(target.__init__ if plain_class else target, include_extras=True)


def _check_value(key: str, value: Any, annotation: Any) -> None:
    if next(_nodes(value, key), None) is not None:
        return  # what is built from settings of its own
    plain = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    try:
        TypeAdapter(annotation).validate_python(plain, strict=isinstance(plain, str | bool))
    except PydanticSchemaGenerationError:
        raise UserError(f"{key}={plain}: is built from settings of its own; set {key}.NAME=…") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([key, *(str(part) for part in first["loc"] if isinstance(plain, dict))])
        given, message = first["input"], str(first["msg"])
        raise UserError(f"{place}={given!s}: {message[0].lower()}{message[1:]}") from None
