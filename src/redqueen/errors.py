"""Errors that a user can mend. Each message is one line: the value, what is allowed, what to do."""

import difflib
from collections.abc import Iterable

_MANY = 40  # names that one line can hold


class UserError(Exception):
    """Bad input: the command line prints the message alone, without a traceback, and exits with 2."""


class DigestError(UserError):
    """Two artefacts that were made from different inputs were put together."""


class AbsentError(UserError):
    """Something that lies elsewhere is not on this machine; on another one the same would do."""


class RejectedPictureError(ValueError):
    """A picture that cannot be used; the message is the reason that `rejects.csv` records."""


def unknown(what: str, value: str, allowed: Iterable[str]) -> UserError:
    """The error for a name that does not exist: names it, the nearest match and what is allowed (of many, the nearest).

    >>> str(unknown("detector", "nrp", ["npr", "spectral"]))
    "unknown detector 'nrp'; did you mean 'npr'? Allowed: npr, spectral"
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(value, names, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ";"
    shown = names if len(names) <= _MANY else difflib.get_close_matches(value, names, n=5, cutoff=0)
    rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return UserError(f"unknown {what} '{value}'{hint} Allowed: {', '.join(shown) or '(none)'}{rest}")
