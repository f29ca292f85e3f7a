"""Bad inputs 61 to 64: weights, before anything is built from them."""

import pickle

import torch
import yaml
from safetensors.torch import save

from leaderboard import world as worlds
from leaderboard.cases import Case, verify
from leaderboard.world import World

UNSAFE = 4
NODE = {"_target_": "redqueen.detectors.spectral.Spectral", "size": 32}
WEIGHTS = save({"weight": torch.ones(4)})
OVERLAPPING = (
    b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}'
)


class Payload:
    """What runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        import os  # noqa: PLC0415

        return os.system, ("touch owned",)


def with_model(world: World, weights: bytes = WEIGHTS, node: object = NODE, cutoff: str = "2026-01") -> None:
    """Put a model into the bundle and list the files anew."""
    folder = world.bundle / "model" / cutoff
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "detector.yaml").write_text(yaml.safe_dump(node))
    (folder / "record.json").write_text("{}\n")
    worlds.seal(world.bundle)


def _weights(data: bytes):
    def make(world: World) -> list[str]:
        with_model(world, data)
        return verify(world)

    return make


def _exported(world: World) -> list[str]:
    with_model(world)
    (world.bundle / "model" / "2026-01" / "model.pt2").write_bytes(b"PK\x03\x04")
    worlds.seal(world.bundle)
    return verify(world)


def _foreign(world: World) -> list[str]:
    with_model(world, node={"_target_": "os.system", "command": "touch owned"})
    return verify(world)


CASES = [
    Case("61", "a pickle renamed", _weights(pickle.dumps({"w": Payload()})), UNSAFE, r"model\.weights.*pickle"),
    Case(
        "62",
        "tensors that overlap",
        _weights(len(OVERLAPPING).to_bytes(8, "little") + OVERLAPPING + bytes(6)),
        UNSAFE,
        r"model\.weights.*overlap",
    ),
    Case(
        "63",
        "an exported program",
        _exported,
        UNSAFE,
        r"container\.extension.*safetensors or nothing",
    ),
    Case("64", "settings that run a command", _foreign, UNSAFE, r"model\.target"),
]
