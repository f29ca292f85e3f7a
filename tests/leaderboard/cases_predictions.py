"""Bad inputs 36 to 60: tables of scores that are none, that are not whole, that are wrong, or somebody else's."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leaderboard import world as worlds
from leaderboard.cases import Case, verify
from leaderboard.world import SUITE, World
from redqueen.evaluation import scores
from redqueen.evaluation.scores import Scores
from redqueen.leaderboard import schema

REJECTED, HUMAN, UNSAFE = 1, 3, 4
TABLE = schema.predictions(SUITE)

Array = NDArray[Any]


def _bytes(data: bytes):
    """Something else under the name of the table."""

    def make(world: World) -> list[str]:
        (world.bundle / TABLE).write_bytes(data)
        worlds.seal(world.bundle)
        return verify(world)

    return make


def _table(change: Callable[[pa.Table], pa.Table]):
    """A table of the same form with a change; claims as they were."""

    def make(world: World) -> list[str]:
        found = scores.read(world.bundle / TABLE)
        worlds.replace_scores(world.bundle, replace(found, table=change(found.table)))
        return verify(world)

    return make


def _form(change: Callable[[pa.Table], pa.Table]):
    """A table of another form, with the metadata that belong to it."""

    def make(world: World) -> list[str]:
        out, own = io.BytesIO(), pq.read_metadata(world.bundle / TABLE).metadata[scores.META]
        table = change(scores.read(world.bundle / TABLE).table)
        pq.write_table(table.replace_schema_metadata({scores.META: own}), out)
        (world.bundle / TABLE).write_bytes(out.getvalue())
        worlds.seal(world.bundle)
        return verify(world)

    return make


def _scores(change: Callable[[Array], Array]):
    """Other scores for the same pictures, and claims that fit them."""

    def make(world: World) -> list[str]:
        put(world, world.bundle, change)
        return verify(world)

    return make


def put(world: World, bundle: Path, change: Callable[[Array], Array]) -> None:
    """Replace the scores of a bundle, and its claims with what they give."""
    found = scores.read(bundle / TABLE)
    made = replace(found, table=column(found.table, "score", change(found.table["score"].to_numpy().copy())))
    worlds.replace_scores(bundle, made, world.benchmark)


def column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with another column of that name."""
    wanted = scores.SCHEMA.field(name)
    return table.set_column(table.column_names.index(name), wanted, pa.array(values, wanted.type))


def _first(name: str, change: Callable[[Any], Any], rows: int = 1) -> Callable[[pa.Table], pa.Table]:
    """The first values of a column changed."""

    def made(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        return column(table, name, [*map(change, values[:rows]), *values[rows:]])

    return made


def _doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, _first("score", lambda score: 1 - score)(table.slice(0, 1))])


def _other_version(world: World) -> list[str]:
    found = scores.read(world.bundle / TABLE)
    table = _first("image_id", lambda one: one[::-1], found.table.num_rows)(found.table)
    old = Scores(table, replace(found.origin, benchmark="0" * 64))
    worlds.replace_scores(world.bundle, old)
    return verify(world)


def _failed(chosen: Callable[[World], set[str]]):
    """Status "failed" for some pictures."""

    def make(world: World) -> list[str]:
        lost = chosen(world)
        found = scores.read(world.bundle / TABLE)
        status = ["failed" if one in lost else "ok" for one in found.table["image_id"].to_pylist()]
        worlds.replace_scores(world.bundle, replace(found, table=column(found.table, "status", status)))
        return verify(world)

    return make


def _hard(world: World) -> set[str]:
    makers = world.benchmark.column("generator")
    return {one for one, maker in zip(world.benchmark.ids, makers, strict=True) if maker == "maker-d"}


def _shuffled(table: pa.Table) -> pa.Table:
    places = np.random.default_rng(0).permutation(124)
    return column(
        table, "score", np.concatenate([table["score"].to_numpy()[at : at + 124][places] for at in range(0, 496, 124)])
    )


def _of_a_rival(change: Callable[[Array], Array]):
    """The scores of another submission, changed, and claims that fit them."""

    def make(world: World) -> list[str]:
        rival = world.add("rival")
        own = scores.read(rival / TABLE).table["score"].to_numpy()
        put(world, world.bundle, lambda _: change(own))
        return verify(world, None, "--against", str(rival))

    return make


def _only_gains(world: World) -> list[str]:
    """A revision in which many wrong verdicts became right, and none the other way."""
    labels = np.tile(world.benchmark.evaluation.labels, 4)
    revised = world.add("revised", seed=0, revision_of="example")
    put(world, revised, lambda own: np.where((own >= 0.5) == labels, own, 1 - own))
    return verify(world, revised, "--against", str(world.bundle))


def _canaries(world: World) -> list[str]:
    """A submission that knows labels which a coin decided."""
    made = worlds.make(world.folder / "coins", canaries=40)
    coin, labels = made.benchmark.column("canary").astype(bool), made.benchmark.evaluation.labels
    put(made, made.bundle, lambda own: np.where(np.tile(coin, 4), 0.1 + 0.8 * np.tile(labels, 4) * own, own))
    return verify(made)


def _twins(world: World) -> list[str]:
    """A submission whose score depends on the id."""
    made = worlds.make(world.folder / "twins", twins=6)
    put(made, made.bundle, lambda own: 0.9 * own + 0.1 * np.random.default_rng(0).uniform(size=len(own)))
    return verify(made)


def _bomb(table: pa.Table) -> pa.Table:
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(table), np.int32)), pa.array(["x" * 3_000_000]))
    return table.set_column(2, "image_id", text)


def _claims(world: World) -> list[str]:
    worlds.edit(
        world.bundle,
        schema.CARD,
        lambda card: card["claims"].update({"auroc/next/clean": card["claims"]["auroc/next/clean"] + 0.003}),
    )
    return verify(world)


_CSV = b'image_id,score\r\n=HYPERLINK("https://example.org"),0.5\n\x00' + b"1," * 50_000 + b"\r"

CASES = [
    Case("36", "an empty object instead of a table", _bytes(b"{}"), REJECTED, r"predictions\.file.*no Parquet file"),
    Case("37", "one picture missing", _table(lambda t: t.slice(1)), REJECTED, r"predictions\.ids.* 1 missing"),
    Case(
        "38",
        "a picture that is none",
        _table(lambda t: pa.concat_tables([t, _first("image_id", lambda _: "0" * 64)(t.slice(0, 1))])),
        REJECTED,
        r"1 unknown \(0000",
    ),
    Case("39", "a picture with two scores", _table(_doubled), REJECTED, r"1 more than once"),
    Case("40", "ids in capitals", _table(_first("image_id", str.upper, 496)), REJECTED, r"lower case, no blanks"),
    Case("41", "ids of another version", _other_version, REJECTED, r"predictions\.benchmark.*of benchmark 0000"),
    Case(
        "42",
        "a score that is no number",
        _table(_first("score", lambda _: np.nan)),
        REJECTED,
        r"1 scores are not finite",
    ),
    Case(
        "43",
        "logits",
        _table(lambda t: column(t, "score", np.log(1e-9 + t["score"].to_numpy() / (1 - t["score"].to_numpy())))),
        REJECTED,
        r"look like logits",
    ),
    Case(
        "44", "inverted scores", _scores(lambda own: 1 - own), HUMAN, r"predictions\.direction.*are the scores inverted"
    ),
    Case(
        "45",
        "one score for all",
        _scores(lambda own: np.full_like(own, 0.5)),
        REJECTED,
        r"every picture has the score 0\.5",
    ),
    Case("46", "verdicts instead of scores", _scores(np.round), HUMAN, r"predictions\.levels.*only 0 and 1"),
    Case("47", "row numbers", _scores(lambda own: (np.arange(496) % 124) / 123), REJECTED, r"forensics\.rows.*1\.000"),
    Case("48", "scores given to the wrong pictures", _table(_shuffled), REJECTED, r"recompute\.result.*recomputed 0\."),
    Case(
        "49",
        "labels in the table",
        _form(lambda t: t.append_column("label", pa.array([1] * 496))),
        REJECTED,
        r"column label is not allowed",
    ),
    Case("50", "no score where it is hard", _failed(_hard), REJECTED, r"60 of 496 scores failed, above all of maker-d"),
    Case(
        "51",
        "a picture that is said not to open",
        _failed(lambda world: {world.benchmark.ids[0]}),
        REJECTED,
        r"4 of 496 scores failed.*can be decoded",
    ),
    Case(
        "52",
        "a rival's scores, rounded",
        _of_a_rival(lambda own: own.astype(np.float16).astype(np.float64)),
        REJECTED,
        r"forensics\.copy.*like rival in 4 of 4",
    ),
    Case(
        "53",
        "a rival's scores, cubed",
        _of_a_rival(lambda own: own**3),
        REJECTED,
        r"forensics\.copy.*the same order of pictures",
    ),
    Case(
        "54",
        "a rival's scores with noise of 1 %",
        _of_a_rival(lambda own: np.clip(own + np.random.default_rng(0).normal(0, 0.01, 496), 0, 1)),
        HUMAN,
        r"forensics\.copy.*like rival",
    ),
    Case("55", "a revision that only gains", _only_gains, HUMAN, r"forensics\.revision.*none lost"),
    Case("56", "labels that nobody can know", _canaries, REJECTED, r"forensics\.canaries.*AUROC 1\.000"),
    Case("57", "one picture, two scores", _twins, REJECTED, r"forensics\.twins.*6 of 6"),
    Case("58", "a dictionary of one huge text", _form(_bomb), UNSAFE, r"predictions\.file.*bytes of memory"),
    Case("59", "a CSV with formulas and NUL", _bytes(_CSV), REJECTED, r"predictions\.file.*no Parquet file"),
    Case(
        "60",
        "claims 0.3 points above the scores",
        _claims,
        REJECTED,
        r"recompute\.claims.*auroc/next/clean = .*recomputed",
    ),
]
