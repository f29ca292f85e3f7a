"""Weights on the Hub: the commit that an id stands for, and the files of that commit; every failure is one line."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.generation import pins
from redqueen.generation.pins import Hub, HubSilentError, Repository

T = TypeVar("T")

_TRANSPORT = cast(tuple[type[Exception], ...], HfHubHTTPError.__bases__)  # the HTTP library's own error, and OSError
_REFUSALS: tuple[type[Exception], ...] = (OfflineModeIsEnabled, *_TRANSPORT)
_TEXT_AND_WEIGHTS = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]  # of a component: never pickles
_INSTEAD = "or give a folder that holds the pipeline as generator.NAME.weights=FOLDER"


def commit_of(repository: Repository, known: Mapping[str, str], hub: Hub | None = None) -> str:
    """The pinned commit; of a repository that is not pinned the newest one, or the one in the cache if the Hub is out.

    Args:
        repository: id, and branch or tag.
        known: a lock, as `pins.read` returns it.
        hub: whom to ask; None asks the Hub itself.

    Raises:
        UserError: not pinned, not in the cache, and the Hub does not say.
    """
    if repository.key in known:
        return known[repository.key]
    kept = _cached(repository)
    if kept and constants.HF_HUB_OFFLINE:
        return kept
    try:
        (outcome,) = pins.resolve([repository], hub or HfApi())
    except HubSilentError as error:
        if kept is None:
            raise UserError(f"hub:{repository.key}: {error}, {_INSTEAD}") from None
        say(f"hub:{repository.key}: the Hub does not answer; taking commit {kept[:12]} from the cache")
        return kept
    if outcome.commit is None:
        raise UserError(f"hub:{repository.key}: {outcome.reason}, {_INSTEAD}")
    say(f"hub:{repository.key} is not pinned: taking commit {outcome.commit[:12]}; `redqueen generators pin` keeps it")
    return outcome.commit


def _cached(repository: Repository) -> str | None:
    """The commit of the copy in the cache; None if there is none."""
    for name in ("model_index.json", "config.json"):
        found = try_to_load_from_cache(repository.id, name, revision=repository.revision or "main")
        if isinstance(found, str):
            parts = Path(found).parts
            return parts[parts.index("snapshots") + 1]
    return None


def pipeline(kind: Any, repository: str, commit: str) -> Path:
    """The folder in the cache that holds what a class of pipelines needs of a repository, downloaded if need be."""
    return Path(fetched(repository, lambda: kind.download(repository, revision=commit)))


def component(repository: str, commit: str, folders: Sequence[str] = ()) -> Path:
    """The folder in the cache that holds a model's files, or those of some sub-folders and the pipeline's index."""
    patterns = [f"{folder}/{name}" for folder in folders for name in _TEXT_AND_WEIGHTS]
    wanted = ["model_index.json", *patterns] if folders else _TEXT_AND_WEIGHTS
    unwanted = None if folders else ["original/*"]
    return Path(
        fetched(
            repository,
            lambda: snapshot_download(repository, revision=commit, allow_patterns=wanted, ignore_patterns=unwanted),
        )
    )


def fetched(repository: str, download: Callable[[], T]) -> T:
    """What a download returns; raises UserError with one line that says what to do if the Hub refuses or is silent.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    try:
        return download()
    except _REFUSALS as error:
        causes = [cause for cause in _chain(error) if isinstance(cause, OfflineModeIsEnabled | HfHubHTTPError)]
        if getattr(error, "errno", None) and not causes and not isinstance(error, ConnectionError | TimeoutError):
            raise
        raise UserError(f"hub:{repository}: {_advice(causes[-1] if causes else error)}, {_INSTEAD}") from None


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and all that led to it."""
    return [] if error is None else [error, *_chain(error.__cause__ or error.__context__)]


def _advice(error: BaseException) -> str:
    if isinstance(error, GatedRepoError):
        return "gated: accept its terms on its page and log in with `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return "the Hub has no such commit of it: pin it again with `redqueen generators pin again=true`"
    if isinstance(error, RepositoryNotFoundError):
        return "not found: withdrawn, renamed or private; log in with `hf auth login` if it is yours"
    if isinstance(error, EntryNotFoundError) and not constants.HF_HUB_OFFLINE:
        return "it holds no pipeline in diffusers' layout"
    if isinstance(error, OfflineModeIsEnabled) or constants.HF_HUB_OFFLINE:
        return "not in the cache, and HF_HUB_OFFLINE forbids to fetch it: unset HF_HUB_OFFLINE"
    line = str(error).partition("\n")[0] or type(error).__name__
    return f"the Hub does not answer ({line}): check the network and run this again"
