"""Rendering: pictures with a seed each, written as they are made, into a folder that the imagefolder source reads."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from redqueen.console import bar
from redqueen.errors import UserError
from redqueen.files import seed_from, write_bytes
from redqueen.generation import pipelines
from redqueen.generation.provenance import png_info
from redqueen.types import Generator

COLUMNS = ("file_name", "kind", "generator", "released", "group_id", "source", "licence", "seed")


@dataclass(frozen=True)
class Job:
    """What to render.

    Args:
        generator: its entry in the dated vocabulary, with the weights and the call.
        n: pictures.
        batch_size: pictures a call.
        seed: each picture's own seed is drawn from (generator, seed, number).
        licence: of the pictures.
    """

    generator: Generator
    n: int
    batch_size: int = 16
    seed: int = 0
    licence: str = "CC0-1.0"

    @property
    def weights(self) -> str:
        """Where the pipeline lies; raises UserError for a generator that is known from its pictures alone."""
        if self.generator.weights is None:
            raise UserError(f"generator '{self.generator.name}' has no pipeline: it is known from its pictures alone")
        return self.generator.weights

    def seed_of(self, number: int) -> int:
        """The seed of one picture, whatever the batch it is rendered in."""
        return seed_from("render", self.generator.name, self.seed, number)

    def name_of(self, number: int) -> str:
        """The file of one picture, relative to the folder."""
        return f"images/{self.generator.name}-{number:06d}.png"


def render(job: Job, folder: Path, device: str | None = None) -> Path:
    """Render all pictures that are not there yet, then write `metadata.csv`; returns the folder."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    starts = [
        s
        for s in range(0, job.n, job.batch_size)
        if not all((folder / job.name_of(i)).exists() for i in _batch(job, s))
    ]
    if starts:
        pipeline = pipelines.load(job.weights, device)
        revision = pipelines.fingerprint(job.weights)
        with bar(f"rendering {job.generator.name}", job.n, done=job.n - len(starts) * job.batch_size) as progress:
            for start in starts:
                _render_batch(job, pipeline, revision, folder, start)
                progress.advance(progress.task_ids[0], job.batch_size)
    rows = [_row(job, number) for number in range(job.n)]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(folder / "metadata.csv", text.getvalue().encode())
    return folder


def _batch(job: Job, start: int) -> range:
    return range(start, min(start + job.batch_size, job.n))


def _render_batch(job: Job, pipeline: Any, revision: str, folder: Path, start: int) -> None:
    numbers = _batch(job, start)
    generators = [torch.Generator("cpu").manual_seed(job.seed_of(number)) for number in numbers]
    pictures: list[Image.Image] = pipeline(batch_size=len(numbers), generator=generators, **job.generator.call).images
    for number, picture in zip(numbers, pictures, strict=True):
        facts = {"generator": job.generator.name, "seed": job.seed_of(number), "revision": revision}
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", pnginfo=png_info(job.generator.name, facts))
        write_bytes(folder / job.name_of(number), buffer.getvalue())


def _row(job: Job, number: int) -> dict[str, object]:
    return {
        "file_name": job.name_of(number),
        "kind": "generated",
        "generator": job.generator.name,
        "released": job.generator.released,
        "group_id": f"{job.generator.name}/{number:06d}",  # unconditional: no prompt ties pictures together
        "source": f"rendered by {job.generator.name}",
        "licence": job.licence,
        "seed": job.seed_of(number),
    }
