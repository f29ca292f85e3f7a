from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    number: str
    name: str
    make: Callable[[Any], list[str]] | None
    code: int | None
    says: str = ""
    reason: str = ""
