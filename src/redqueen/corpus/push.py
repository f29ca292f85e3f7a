"""A finished corpus to the Hub, as a data set with its card: private unless told otherwise; the card comes last."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from redqueen.corpus.shards import DATA
from redqueen.corpus.store import CARD, README, REJECTS, WINDOWS, Corpus
from redqueen.errors import UserError

KIND = "dataset"
ROWS = (f"{DATA}/*.parquet", WINDOWS, REJECTS)  # sent first
SIGNS = (README, CARD)  # sent last: what has a card is complete
PASSED_ON = re.compile(  # licences that allow to pass on pictures that were cropped and saved again; ND ones do not
    r"cc0(-1\.0)?|pddl(-1\.0)?|public domain|no known copyright restrictions|us-gov public domain|unlicense|wtfpl"
    r"|cc-by(-nc)?(-sa)?(-[1-4]\.[05])?(\+)?|odc-by(-1\.0)?|odbl(-1\.0)?|fal(-1\.3)?|mit|apache-2\.0|isc|zlib"
    r"|bsd(-[234]-clause)?|[al]?gpl-[23](\.[01])?(\+|-only|-or-later)?|mpl-2\.0|ofl(-1\.1)?"
    r"|creativeml-openrail(\+\+)?-m"
)
_SHOWN = 3  # licences that an error names
_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_TRANSPORT = cast(tuple[type[Exception], ...], HfHubHTTPError.__bases__)  # the HTTP library's own error, and OSError


@dataclass(frozen=True)
class Pushed:
    """What lies on the Hub now: the address, the commit, how many files of how many bytes were sent or found there."""

    url: str
    revision: str
    files: int
    size: int


def push(
    corpus: Corpus,
    to: str,
    api: HfApi,
    private: bool = True,
    replace: bool = False,
    allow_licences: Sequence[str] = (),
) -> Pushed:
    """Upload a corpus; what is there already is not sent again, so an interrupted push goes on when it is repeated.

    Args:
        corpus: what to upload.
        to: "OWNER/NAME" of the data set, which is made if it is not there.
        api: the Hub.
        private: make it private; a data set that is there and public is then refused.
        replace: put it in place of whatever lies there.
        allow_licences: licences that the caller has looked at, as the corpus spells them.

    Raises:
        UserError: a licence that may forbid it, a name that is none, something else lies there, or the Hub refuses or
            does not answer.
    """
    check_licences(corpus.card["licences"], allow_licences)
    if not _NAME.fullmatch(to):
        raise UserError(f"to={to}: give OWNER/NAME, of letters, digits, '-', '_' and '.'")
    with _answers(to):
        api.whoami()
        _check_place(api, to, corpus.digest, private, replace)
        api.create_repo(to, repo_type=KIND, private=private, exist_ok=True)
        _send(api, corpus.folder, to, f"Rows of {corpus.digest[:12]}", ROWS, stale=ROWS)
        url, revision = _send(api, corpus.folder, to, f"Corpus {corpus.digest[:12]}", SIGNS, stale=())
    sent = [path for pattern in (*ROWS, *SIGNS) for path in corpus.folder.glob(pattern)]
    return Pushed(url, revision, len(sent), sum(path.stat().st_size for path in sent))


def check_licences(licences: Mapping[str, int], allowed: Sequence[str]) -> None:
    """Raise UserError unless every licence is known to allow passing pictures on, or was looked at by the caller."""
    doubtful = [name for name in licences if name not in allowed and not may_be_passed_on(name)]
    if doubtful:
        first = sorted(doubtful, key=lambda name: -licences[name])[:_SHOWN]
        named = ", ".join(f"'{name}' ({licences[name]} pictures)" for name in first)
        more = f" and {len(doubtful) - _SHOWN} more" if len(doubtful) > _SHOWN else ""
        example = first[0].replace("'", "\\'")
        raise UserError(
            f"licences that may forbid passing pictures on: {named}{more}; build the corpus without them, or name "
            f"those that you have looked at: \"allow_licences=['{example}']\""
        )


def may_be_passed_on(licence: str) -> bool:
    """Whether every licence that this text names is one of those known to allow it; a text that says more is not.

    >>> may_be_passed_on("CC BY-SA 4.0"), may_be_passed_on("CC0-1.0; GPL-2 / public domain")
    (True, True)
    >>> may_be_passed_on("CC-BY-NC-ND-4.0"), may_be_passed_on("MIT repo; third-party images"), may_be_passed_on("")
    (False, False, False)
    """
    bare = re.sub(r" \(attribution [^()]*\)$", "", licence.strip().lower())
    parts = (re.sub(r"^cc by", "cc-by", part.strip()) for part in re.split(r"[;/]| or | and ", bare))
    spelled = (part if "domain" in part or "known" in part else part.replace(" ", "-") for part in parts)
    return all(PASSED_ON.fullmatch(part) for part in spelled)


def _check_place(api: HfApi, to: str, digest: str, private: bool, replace: bool) -> None:
    """Raise UserError if something else lies there, or if it is open to everybody and should not be."""
    try:
        there = api.dataset_info(to)
    except RepositoryNotFoundError:
        return
    if private and not there.private:
        raise UserError(f"{to} is there and public: give another name, or private=false if everybody may see it")
    names = {file.rfilename for file in there.siblings or ()}
    of_a_push_that_was_cut_off = {n for n in names if n in (WINDOWS, REJECTS, ".gitattributes") or n.startswith(DATA)}
    if replace or names == of_a_push_that_was_cut_off:
        return
    found = _digest_there(api, to) if CARD in names else None
    if found != digest:
        held = f"the corpus {found[:12]}" if found else "something that is no corpus"
        raise UserError(f"{to} holds {held}, and this one is {digest[:12]}: give another name, or replace=true")


def _digest_there(api: HfApi, to: str) -> str | None:
    """The digest that the card there gives; None if it gives none."""
    try:
        card = json.loads(Path(api.hf_hub_download(to, CARD, repo_type=KIND)).read_text())
    except ValueError:
        return None
    found = card.get("digest") if isinstance(card, dict) else None
    return found if isinstance(found, str) else None


def _send(
    api: HfApi, folder: Path, to: str, message: str, patterns: Sequence[str], stale: Sequence[str]
) -> tuple[str, str]:
    """Upload files of these patterns and remove those of the `stale` patterns that the folder has not; url, commit."""
    commit = api.upload_folder(
        repo_id=to,
        folder_path=folder,
        repo_type=KIND,
        commit_message=message,
        allow_patterns=list(patterns),
        delete_patterns=list(stale) or None,
    )
    return str(commit.repo_url), commit.oid


@contextmanager
def _answers(to: str) -> Iterator[None]:
    """Turn what the Hub says, or its silence, into one line that says what to do."""
    try:
        yield
    except LocalTokenNotFoundError:
        raise UserError(
            "the Hub does not know you: `hf auth login` with a token that may write, or set HF_TOKEN"
        ) from None
    except OfflineModeIsEnabled:
        raise UserError(f"to={to}: HF_HUB_OFFLINE forbids to reach the Hub: unset HF_HUB_OFFLINE") from None
    except HFValidationError as error:
        raise UserError(f"to={to}: {_line(error)}") from None
    except HfHubHTTPError as error:
        raise UserError(f"to={to}: {_refusal(error, to.partition('/')[0])}") from None
    except _TRANSPORT as error:
        if getattr(error, "errno", None) and not isinstance(error, ConnectionError | TimeoutError):
            raise
        raise UserError(
            f"to={to}: the Hub does not answer ({_line(error)}): check the network and run this again; what has "
            "arrived is not sent twice"
        ) from None


def _refusal(error: HfHubHTTPError, owner: str) -> str:
    status = error.response.status_code
    if status == 401 and not isinstance(error, RepositoryNotFoundError):
        return "the Hub does not accept the token: `hf auth login` again"
    if status in (401, 403, 404):
        return f"the token may not write there: take one that may write to {owner}, or another OWNER"
    if status == 429 or status >= 500:
        return f"the Hub is busy ({status}): run this again later; what has arrived is not sent twice"
    return f"the Hub refuses ({status}): {_line(error)}"


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
