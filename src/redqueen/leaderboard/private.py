"""What must not leave a machine with a bundle: keys and passwords, and where things lie on its disk."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

REDACTED = "[redacted]"
_NAMES = r"passw(or)?d|passphrase|secret|(api|access|private|secret)[_-]?key|credentials?|auth|token|bearer"
_KEY = re.compile(rf"(?:^|[._-])(?:{_NAMES})$", re.IGNORECASE)
_VALUES = {  # none begins inside of itself, so that no text takes long
    "a token of a hub": re.compile(r"\bhf_[A-Za-z0-9]{20,}"),
    "a token of a code host": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})"),
    "an access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[\w-]{10,}|\bnpm_[A-Za-z0-9]{30,}"),
    "a signed token": re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in an address": re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://[^\s/:@]{1,200}:[^\s/@]{1,200}@"),
}
_FROM = r"(?:^|(?<=[\s'\"=:,(\[])|(?<=file://))"
_PLACES = r"/(?!/)[\w.~+@%-]+(?:/[\w.~+@ %-]+)+/?|^/[\w.-]+/?$|~/[\w./ -]+|[A-Za-z]:[\\/][\w.\\/ -]+"
_PATH = re.compile(rf"{_FROM}(?:{_PLACES})")


def secret(key: str, value: Any) -> str | None:
    """Why a setting looks like a secret; None if it does not.

    >>> secret("logger.api_key", "0123"), secret("revision", "0" * 40)
    ('its name says so', None)
    """
    if not isinstance(value, str) or not value or value == REDACTED:
        return None
    if _KEY.search(key):
        return "its name says so"
    return next((f"it looks like {what}" for what, pattern in _VALUES.items() if pattern.search(value)), None)


def secrets(tree: Any) -> list[str]:
    """A line for each secret in a tree of plain values: where it is and why it is taken for one, never what it is."""
    found = ((key, secret(key, value)) for key, value in _leaves(tree))
    return [f"{key}: {why}" for key, why in found if why]


def places(tree: Any) -> list[str]:
    """Where in a tree of plain values something is named by its place on a disk."""
    return [key for key, value in _leaves(tree) if isinstance(value, str) and _PATH.search(value)]


def without(tree: Any, where: str = "") -> Any:
    """The tree with its secrets blacked out, and of each place on a disk the last name alone.

    >>> without({"token": "abc", "source": {"path": "/data/field"}, "store": "runs/store"})
    {'token': '[redacted]', 'source': {'path': '…/field'}, 'store': 'runs/store'}
    """
    if isinstance(tree, dict):
        return {key: without(value, f"{where}.{key}".strip(".")) for key, value in tree.items()}
    if isinstance(tree, list):
        return [without(value, f"{where}.{at}".strip(".")) for at, value in enumerate(tree)]
    if isinstance(tree, str):
        return REDACTED if secret(where, tree) else _PATH.sub(lambda found: _last(found.group()), tree)
    return tree


def _last(path: str) -> str:
    kind = PureWindowsPath if path[1:2] == ":" else PurePosixPath
    return f"…/{kind(path).name}"


def _leaves(tree: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value with its dotted key; a key that is text counts as a value of its own."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{where}.{key}".strip("."))
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from _leaves(value, f"{where}.{at}".strip("."))
    else:
        yield where, tree
