"""A promise about answers that are not out yet, and whether what is revealed later keeps it.

The promise is one HMAC a picture under the round's secret, of its whole answer: it says nothing before the secret is
out, and it names the first picture whose answer was changed afterwards. The secret itself is promised by its sha256. A
key of 32 bytes, no more and no fewer, makes HMAC binding: no second key or answer gives the same value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from redqueen.errors import DigestError, UserError
from redqueen.evaluation import benchmark
from redqueen.evaluation.benchmark import Benchmark
from redqueen.files import canonical, digest_file, digest_of, write_bytes, write_json
from redqueen.leaderboard.rounds import CARD, PICTURES, REVEAL, SECRET, TWIN, Round, coin, keyed, secret_in

FILE = "commitment.json"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Commitment:
    """What is published before any answer is.

    Attributes:
        round: name.
        date: of the promise, "YYYY-MM-DD", as the maintainer says; publishing it proves it.
        card: sha256 of `round.json`, which has that of every picture.
        pictures: how many there are.
        secret: sha256 of the secret.
        definition: HMAC of how is measured.
        answers: id -> HMAC of the picture's answer.
    """

    round: str
    date: str
    card: str
    pictures: int
    secret: str
    definition: str
    answers: Mapping[str, str]
    schema_version: int = 1

    @property
    def digest(self) -> str:
        """The one line that is worth publishing everywhere."""
        return digest_of(asdict(self))


def commit(found: Round, date: str) -> Commitment:
    """Write the promise beside the pictures; raises DigestError where there is another one already."""
    made = _promise(found, Benchmark.open(found.kept()), found.secret(), date)
    path = found.public / FILE
    if path.exists() and promised(found) != made:
        raise DigestError(f"{path} promises something else: a promise is never written again")
    write_json(path, asdict(made))
    return made


def promised(found: Round) -> Commitment:
    """The promise of a round; raises UserError where there is none."""
    try:
        return TypeAdapter(Commitment).validate_json((found.public / FILE).read_bytes())
    except OSError:
        raise UserError(f"round {found.card.name}: no {FILE}; write it with 'redqueen round commit'") from None
    except ValidationError as error:
        raise UserError(f"{found.public / FILE}: {' '.join(str(error).split())[:200]}") from None


def reveal(found: Round) -> None:
    """Publish answers and secret; raises DigestError, and publishes nothing, where they are not what was promised."""
    private = found.kept()
    wrong = next(differences(found, private), None)
    if wrong:
        raise DigestError(f"round {found.card.name}: {wrong}; nothing was revealed")
    for name in (SECRET, benchmark.ANSWERS, benchmark.CARD):  # the last makes it a benchmark
        write_bytes(found.public / REVEAL / name, (private / name).read_bytes())


def differences(found: Round, answers: Path, published: str | None = None) -> Iterator[str]:
    """Everything in which pictures, answers and promise do not agree, the first first; nothing where all is well.

    Args:
        found: the round.
        answers: folder of what is revealed.
        published: the digest of the promise, as it was published elsewhere.
    """
    promise = promised(found)
    if published is not None and promise.digest != published:
        yield f"{FILE} has digest {promise.digest[:16]}, published was {published[:16]}"
    if promise.card != found.digest:
        yield f"{CARD} is not the one that was promised"
    yield from _pictures(found)
    secret = secret_in(answers)
    if sha256(bytes.fromhex(secret)).hexdigest() != promise.secret:
        yield "the secret is not the one that was promised"
        return  # under another one, nothing else agrees
    table = _table(answers)
    rows = {str(row["image_id"]): row for row in table.to_pylist()}
    for name in sorted({*rows, *promise.answers}):
        if name not in rows or name not in promise.answers:
            yield f"picture {name} is {'missing among' if name not in rows else 'promised nowhere, but in'} the answers"
        elif _sealed(secret, rows[name]) != promise.answers[name]:
            yield f"picture {name}: its answer is not the one that was promised"
    yield from _thrown(rows, found.card.pictures, secret)
    opened = Benchmark.open(answers)
    if keyed(secret, "definition", canonical(asdict(opened.card))).hex() != promise.definition:
        yield f"{benchmark.CARD} is not the one that was promised"


def _promise(found: Round, answers: Benchmark, secret: str, date: str) -> Commitment:
    rows = answers.table.to_pylist()
    return Commitment(
        round=found.card.name,
        date=date,
        card=found.digest,
        pictures=len(rows),
        secret=sha256(bytes.fromhex(secret)).hexdigest(),
        definition=keyed(secret, "definition", canonical(asdict(answers.card))).hex(),
        answers={str(row["image_id"]): _sealed(secret, row) for row in rows},
    )


def _sealed(secret: str, row: Mapping[str, Any]) -> str:
    return keyed(secret, "answer", canonical(row)).hex()


def _table(folder: Path) -> pa.Table:
    try:
        return pq.read_table(folder / benchmark.ANSWERS)
    except (OSError, pa.ArrowInvalid):
        raise UserError(f"{folder / benchmark.ANSWERS} is missing or damaged") from None


def _pictures(found: Round) -> Iterator[str]:
    """Picture files that are not those of the card."""
    there = {path.name for path in (found.public / PICTURES).iterdir()}
    for name, digest in found.card.pictures.items():
        file = f"{name}.png"
        if file not in there:
            yield f"{PICTURES}/{file} is missing"
        elif digest_file(found.public / PICTURES / file) != digest:
            yield f"{PICTURES}/{file} is another picture"
    extra = sorted(there - {f"{name}.png" for name in found.card.pictures})
    if extra:
        yield f"{PICTURES}/{extra[0]} is no picture of the round"


def _thrown(rows: Mapping[str, Mapping[str, Any]], pictures: Mapping[str, str], secret: str) -> Iterator[str]:
    """Canaries whose label no coin has thrown, and twins that are no copies."""
    for name, row in rows.items():
        if row["canary"] and row["label"] != coin(secret, name):
            yield f"picture {name}: the label of this canary is not the coin's"
        if row[TWIN] is not None and pictures.get(row[TWIN]) != pictures.get(name):
            yield f"picture {name} is no copy of {row[TWIN]}"
