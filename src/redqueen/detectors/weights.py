"""Where the weights of a frozen network lie: a file, a folder, or a commit on the hub."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from redqueen.errors import AbsentError, UserError

HUB = "hub:"
_HUB_NAME = re.compile(r"hub:([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_DESCRIPTIONS = ("config.json", "preprocessor_config.json", "open_clip_config.json", "model.safetensors.index.json")
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")  # the second is fetched where the first is missing


def locate(weights: str, files: Sequence[str] = _WEIGHTS) -> Path:
    """The folder or file that `weights` names; what is named on the hub is fetched unless it lies in its cache.

    `files` are patterns of the file of weights, the one that is preferred first.
    """
    if not weights.startswith(HUB):
        path = Path(weights).expanduser()
        if not path.exists():
            raise AbsentError(f"weights '{weights}': no such file or folder; give hub:OWNER/NAME@COMMIT or a path")
        return path
    found = _HUB_NAME.fullmatch(weights)
    if not found:
        raise UserError(f"weights '{weights}': a hub model is pinned, hub:OWNER/NAME@COMMIT with all 40 hex digits")
    return _fetched(found[1], found[2], files)


def title(weights: str) -> str:
    """What a table calls it: OWNER/NAME of the hub, or the last part of a path.

    >>> title("hub:owner/name@" + 40 * "0"), title("models/clip")
    ('owner/name', 'clip')
    """
    found = _HUB_NAME.fullmatch(weights)
    return found[1] if found else Path(weights).name


def _fetched(repository: str, commit: str, files: Sequence[str]) -> Path:
    """The hub's snapshot with descriptions and weights; UserError in one line that says which file to put where."""
    import huggingface_hub  # noqa: PLC0415
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError  # noqa: PLC0415

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its five attempts are not for the user
    try:
        for pattern in files:
            patterns = [*_DESCRIPTIONS, pattern]
            folder = Path(huggingface_hub.snapshot_download(repository, revision=commit, allow_patterns=patterns))
            if any(folder.glob(pattern)):
                return folder
    except GatedRepoError:
        raise UserError(
            f"{repository} is gated: ask for access on its page, then log in with 'hf auth login'"
        ) from None
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise UserError(f"the hub has no {repository} at commit {commit}") from None
    except OSError:
        raise AbsentError(
            f"the hub does not answer and its cache has no {repository}@{commit[:12]}: copy its config.json, "
            f"preprocessor_config.json and {files[0].replace('*', '')} into a folder and give that as weights=FOLDER"
        ) from None
    raise UserError(f"{repository}@{commit[:12]} has no " + " and no ".join(name.replace("*", "") for name in files))


def weight_file(folder: Path, weights: str, files: Sequence[str] = _WEIGHTS) -> Path:
    """The first file of weights in a folder that `weights` names; UserError if there is none."""
    for pattern in files:
        for path in sorted(folder.glob(pattern)):
            return path
    raise UserError(f"weights '{weights}': no {files[0].replace('*', '')} in {folder}")
