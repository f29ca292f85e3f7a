"""The lock of the Hub's weights: which commit each id stood for when it was looked up.

A lock is JSON, one entry a repository: "OWNER/NAME", or "OWNER/NAME@REVISION" for a branch or tag that is not the
default one, to its commit and the time of the look-up.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from redqueen.errors import UserError
from redqueen.files import write_json
from redqueen.types import Generator
from redqueen.vocabulary import hub_id

_COMMIT = re.compile(r"[0-9a-f]{40}")
_TRANSPORT = cast(tuple[type[Exception], ...], HfHubHTTPError.__bases__)  # the HTTP library's own error, and OSError


class Hub(Protocol):
    """What is asked of the Hub: `huggingface_hub.HfApi`, or a stand-in."""

    def model_info(self, repo_id: str, *, revision: str | None = None) -> Any:
        """Facts of a repository; its commit is `.sha`."""


@dataclass(frozen=True)
class Repository:
    """A repository of the Hub at a branch or tag; None for the default branch."""

    id: str
    revision: str | None = None

    @property
    def key(self) -> str:
        """Its name in a lock."""
        return self.id if self.revision is None else f"{self.id}@{self.revision}"


@dataclass(frozen=True)
class Outcome:
    """What the Hub said about a repository: its commit, or why there is none."""

    repository: Repository
    commit: str | None = None
    reason: str = ""


class HubSilentError(UserError):
    """The Hub cannot be reached, so that there is no point in asking for the next repository."""


def repositories(entries: Iterable[Generator]) -> list[Repository]:
    """Every repository that these generators are loaded from, once, in their order."""
    found: dict[Repository, None] = {}
    for entry in entries:
        if hub_id(entry.weights or ""):
            found[Repository(hub_id(entry.weights or ""), entry.revision)] = None
        found |= {Repository(hub_id(where)): None for where in entry.parts.values() if hub_id(where)}
    return list(found)


def resolve(wanted: Iterable[Repository], hub: Hub) -> Iterator[Outcome]:
    """Ask the Hub for each repository's commit; one that is missing or gated is an outcome as well.

    Raises:
        HubSilentError: the Hub does not answer; says what to do.
    """
    for repository in wanted:
        try:
            commit = str(hub.model_info(repository.id, revision=repository.revision).sha)
        except HfHubHTTPError as error:
            yield Outcome(repository, reason=_reason(error))
        except OfflineModeIsEnabled:
            raise HubSilentError("the Hub is switched off by HF_HUB_OFFLINE: unset it and run this again") from None
        except _TRANSPORT as error:
            line = str(error).partition("\n")[0] or type(error).__name__
            raise HubSilentError(f"the Hub does not answer ({line}): check the network and run this again") from None
        else:
            yield Outcome(repository, commit=commit)


def _reason(error: HfHubHTTPError) -> str:
    if isinstance(error, GatedRepoError):
        return "gated: ask for access on its page, then log in with `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return "it has no such branch or tag"
    if isinstance(error, RepositoryNotFoundError):
        return "not found: withdrawn, renamed or private"
    return f"the Hub answered with status {error.response.status_code}"


def read(path: Path) -> Mapping[str, str]:
    """Repository -> commit of a lock; empty if there is none yet.

    Raises:
        UserError: the file is no lock.
    """
    return {key: pin["commit"] for key, pin in _load(path).items()}


def add(path: Path, repository: Repository, commit: str) -> None:
    """Write one more commit into a lock, atomically, keeping the others."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(path, {**_load(path), repository.key: {"commit": commit, "when": when}})


def _load(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    try:
        lock = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(
            f"{path} is no lock of generators ({error}): delete it or name another with lock=FILE"
        ) from None
    pins = lock.values() if isinstance(lock, dict) else [None]
    if not all(isinstance(pin, dict) and _COMMIT.fullmatch(str(pin.get("commit"))) for pin in pins):
        raise UserError(f"{path} is no lock of generators: delete it or name another with lock=FILE")
    return dict(lock)
