"""Bad inputs 65-69: weights that are run again, and what they try while they are.

Only detectors of this package are ever built from a submission, and they do none of this. So stand-ins take their place
at the one point where a detector is built; the bundle, the command and the process are the real ones.
"""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import hostile_detectors
import stand_ins
from leaderboard import rerun_world
from leaderboard import world as worlds
from leaderboard.cases import Case
from leaderboard.world import World
from redqueen.leaderboard import bundle, rerun

REJECTED = 1


@cache
def corpus():
    """Pictures for all of these cases."""
    return stand_ins.corpus(Path(mkdtemp()), stand_ins.Pictures(photos=12, others=2, generated=8))


def handed_in(world: World, name: str = "dct") -> list[str]:
    """A bundle with weights and their honest scores, and the words that verify it with pictures at hand."""
    bench = rerun_world.frozen(corpus(), world.folder / "with_pictures", worlds.SUITE)
    weights = world.folder / "weights"
    built = rerun_world.weights(corpus(), weights, name, temperature=1.0)
    honest = {cutoff: (one, 1.0) for cutoff, (one, _) in built.items()} if name == "dct" else rerun_world.brightness()
    made = rerun_world.scored(corpus(), bench, honest)
    held = worlds.contents(bench, "dct", made)
    result = replace(held.result, corpus=bench.card.name, corpus_digest=bench.card.corpus_digest)
    folder = bundle.write(replace(held, result=result), world.folder / "again").folder
    (weights / "model").rename(folder / "model")
    worlds.seal(folder)
    return ["verify", str(folder), "--benchmark", str(bench.folder), "--corpus", str(corpus().folder)]


def _hostile(build):
    """The same bundle, but a stand-in is built in place of what its settings name."""

    def make(world: World) -> list[str]:
        rerun.of_checkpoint = build
        return handed_in(world)

    return make


CASES = [
    Case(
        "65",
        "a detector that reads metadata in place of pixels",
        partial(handed_in, name="metadata_probe"),
        REJECTED,
        r"run\.weights.*reads metadata, no pixels",
    ),
    Case(
        "66",
        "a detector that remembers the pictures before",
        _hostile(partial(hostile_detectors.made, "Remembers")),
        REJECTED,
        r"run\.repeat.*another order",
    ),
    Case(
        "67",
        "a look-up on the network",
        _hostile(partial(hostile_detectors.acting, "network")),
        REJECTED,
        r"run\.forbidden.*network",
    ),
    Case(
        "68",
        "a fork bomb",
        _hostile(partial(hostile_detectors.acting, "fork_bomb")),
        REJECTED,
        r"run\.forbidden.*another program",
    ),
    Case(
        "69",
        "dropout that is left on",
        _hostile(partial(hostile_detectors.made, "Dropout")),
        REJECTED,
        r"run\.repeat.*switch dropout off",
    ),
]
