"""What rendered pictures show: nothing in particular, prompts, or photographs of a source; always in the same order."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Protocol

from redqueen.console import say
from redqueen.corpus.schema import Source, SourcePicture
from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.generation.prompts import Prompt


@dataclass(frozen=True)
class Subject:
    """What one picture shows.

    Attributes:
        prompt: the text that it is made from; None for an unconditional pipeline, and for a reconstruction.
        photograph: the photograph that it starts from; its bytes can be read until the next subject is asked for.
    """

    prompt: Prompt | None = None
    photograph: SourcePicture | None = None


class Subjects(Protocol):
    """As many subjects as there will be pictures, the same ones each time."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __iter__(self) -> Iterator[Subject]:
        """Yield them in order."""
        ...


class Unconditional:
    """n times whatever comes out."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        """How many pictures."""
        return self.n

    def __iter__(self) -> Iterator[Subject]:
        """Yield nothing in particular."""
        return (Subject() for _ in range(self.n))


class Prompted:
    """n pictures spread evenly over prompts: picture i shows prompt i modulo their number."""

    def __init__(self, n: int, prompts: Sequence[Prompt]) -> None:
        self.n, self.prompts = n, prompts

    def __len__(self) -> int:
        """How many pictures."""
        return self.n

    def __iter__(self) -> Iterator[Subject]:
        """Yield each picture's prompt."""
        return (Subject(prompt=self.prompts[number % len(self.prompts)]) for number in range(self.n))


class Photographs:
    """Photographs of a source, chosen by chance, in the source's order; one at a time is in memory.

    Args:
        source: any source; its pictures of kind photo count.
        n: how many photographs; fewer if there are no more.
        seed: of the choice.
        among: choose among the first so many photographs, so that a long stream need not be read to its end.
        prompts: text beside each photograph, as `Prompted` deals it out; None for none.

    Raises:
        UserError: the source has no photograph.
    """

    def __init__(
        self, source: Source, n: int, seed: int, among: int | None = None, prompts: Sequence[Prompt] | None = None
    ) -> None:
        self.source, self.n, self.seed, self.among, self.prompts = source, n, seed, among, prompts

    @cached_property
    def _places(self) -> list[int]:
        """Places of the chosen ones among the source's photographs."""
        drawn = ((seed_from("photographs", self.seed, place, one.name), place) for place, one in self._all())
        places = sorted(place for _, place in heapq.nsmallest(self.n, drawn))
        if not places:
            raise UserError(f"source '{self.source.name}' has no photograph to start from: choose another source=…")
        if len(places) < self.n:
            say(f"source '{self.source.name}' has {len(places)} photographs: as many pictures are made, not {self.n}")
        return places

    def _all(self) -> Iterator[tuple[int, SourcePicture]]:
        photographs = (picture for picture in self.source.pictures() if picture.kind == "photo")
        return enumerate(islice(photographs, self.among))

    def __len__(self) -> int:
        """How many were found."""
        return len(self._places)

    def __iter__(self) -> Iterator[Subject]:
        """Yield the chosen photographs; stops reading the source after the last one."""
        wanted = iter(enumerate(self._places))
        number, next_place = next(wanted, (0, None))
        for place, picture in self._all():
            if place != next_place:
                continue
            prompt = self.prompts[number % len(self.prompts)] if self.prompts else None
            yield Subject(prompt=prompt, photograph=picture)
            number, next_place = next(wanted, (0, None))
            if next_place is None:
                return
