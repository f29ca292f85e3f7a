"""Hidden rounds: pictures under names that say nothing, and their answers, which stay with a maintainer until later.

A round is a folder. `public/` is handed out: `round.json`, `pictures/`, then `commitment.json`, in the end `reveal/`.
`private/` is kept: the secret, the answers as a benchmark, and who was told what (`ladder.py`).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as strict_dataclass

from redqueen.errors import UserError
from redqueen.evaluation.benchmark import Benchmark
from redqueen.files import digest_file

PUBLIC, PRIVATE, REVEAL, PICTURES = "public", "private", "reveal", "pictures"
CARD, SECRET = "round.json", "secret.json"
KNOWN, HIDDEN = "known", "hidden"  # windows: what a detector may have seen, and the pictures of the round
CANARY, TWIN = "canary", "twin"  # kinds of what does not count


@strict_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Card:
    """What anybody may know of a round.

    Attributes:
        name: slug.
        suite: name and version.
        views: under which each picture is scored, the first as it is.
        cutoff: what the column of that name says in a table of scores.
        width: of every picture.
        height: of every picture.
        pictures: id -> sha256 of its file.
    """

    name: str
    suite: str
    views: tuple[str, ...]
    cutoff: str
    width: int
    height: int
    pictures: Mapping[str, str]
    schema_version: int = 1


@dataclass(frozen=True)
class Round:
    """A round that was opened by `Round.open`, with answers or without."""

    public: Path
    private: Path | None
    card: Card

    @classmethod
    def open(cls, folder: Path) -> "Round":
        """Open a maintainer's folder, or the public part alone; raises UserError."""
        public = folder / PUBLIC if (folder / PUBLIC).is_dir() else folder
        try:
            card = TypeAdapter(Card).validate_json((public / CARD).read_bytes())
        except OSError:
            raise UserError(f"no round at {folder} ({CARD} is missing); make one with 'redqueen round new'") from None
        except ValidationError as error:
            raise UserError(f"{public / CARD}: no round: {' '.join(str(error).split())[:200]}") from None
        private = public.parent / PRIVATE
        return cls(public, private if public.name == PUBLIC and private.is_dir() else None, card)

    @cached_property
    def digest(self) -> str:
        """sha256 of its card: names the round in what is made for it, and says nothing of the answers."""
        return digest_file(self.public / CARD)

    @property
    def revealed(self) -> bool:
        """Whether the answers are out."""
        return (self.public / REVEAL).is_dir()

    def kept(self) -> Path:
        """The private folder; raises UserError where it is not here."""
        if self.private is None:
            raise UserError(f"round {self.card.name}: the answers are not here; call this where 'round new' was called")
        return self.private

    def answers(self) -> Benchmark:
        """The answers, revealed or kept; raises UserError where they are neither."""
        return Benchmark.open(self.public / REVEAL if self.revealed else self.kept())

    def secret(self) -> str:
        """The secret that is kept."""
        return secret_in(self.kept())

    def picture(self, name: str) -> bytes:
        """The file of one picture."""
        return (self.public / PICTURES / f"{name}.png").read_bytes()


def secret_in(folder: Path) -> str:
    """The secret in a folder's file: 64 hexadecimal digits; raises UserError."""
    try:
        found = str(json.loads((folder / SECRET).read_text())["secret"])
        if len(bytes.fromhex(found)) == hashlib.sha256().digest_size and found == found.lower():
            return found
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UserError(f"{folder / SECRET} holds no secret of 64 hexadecimal digits")


def keyed(secret: str, *parts: str) -> bytes:
    """HMAC-SHA256 of some words under the secret: to whoever does not know it, 32 bytes of chance."""
    return hmac.digest(bytes.fromhex(secret), "\x1f".join(parts).encode(), "sha256")


def opaque(secret: str, image_id: str, use: str = "picture") -> str:
    """The name of a picture in this round: 32 hexadecimal digits."""
    return keyed(secret, use, image_id).hex()[:32]


def coin(secret: str, name: str) -> int:
    """The label, 0 or 1, that a fair coin gives the canary of this name."""
    return keyed(secret, CANARY, name)[0] & 1
