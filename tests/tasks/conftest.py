"""A world of its own for the command line: a folder, a tiny generator a window, short settings."""

import os
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

import stand_ins
from redqueen.cli import main

SIDE = 64  # of the photographs in the wheels


@dataclass(frozen=True)
class World:
    """A working folder with two untrained generators of two months, and the words that choose them."""

    folder: Path

    @property
    def words(self) -> list[str]:
        return [
            "--config-dir",
            str(self.folder / "configs"),
            "source.crops=8",
            "source.collages=2",
            "source.drawings=2",
            "normalise.size=64",
            "render.n=24",
            "draws=100",
            "generator=[tiny-1,tiny-2]",
            "protocol.periods=[[2026-01,2026-01],[2026-02,2026-02]]",
            "trainer=cpu",
        ]

    def run(self, task: str, *words: str) -> int:
        """The exit code of a task that was started in the folder."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return main([*task.split(), *self.words, *words])
        finally:
            os.chdir(before)

    def stages(self, kind: str) -> dict[str, int]:
        """When each file of a kind of stage was last written."""
        folder = self.folder / "runs" / "store" / kind
        return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in sorted(folder.rglob("*")) if p.is_file()}


def generator_yaml(number: int, weights: Path) -> str:
    return textwrap.dedent(f"""\
        # @package generator.tiny-{number}
        _target_: redqueen.types.Generator
        name: tiny-{number}
        released: "2026-0{number}"
        family: tiny
        developer: tests
        country: XX
        date_source: made up
        nominal: true
        licence: CC0-1.0
        weights: {weights}
        call: {{num_inference_steps: 2}}
        """)


def make_world(folder: Path) -> World:
    (folder / "configs" / "generator").mkdir(parents=True)
    for number in (1, 2):
        weights = stand_ins.generator_weights(folder / f"weights-{number}", SIDE, seed=number)
        text = generator_yaml(number, weights)
        (folder / "configs" / "generator" / f"tiny-{number}.yaml").write_text(text)
    return World(folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One for all tests of a file: what one of them has built is there for the next."""
    return make_world(tmp_path_factory.mktemp("world"))
