"""Rendering: pictures with a seed each, written as they are made, into a folder that the imagefolder source reads."""

import csv
import errno
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redqueen.console import bar
from redqueen.files import canonical, seed_from, write_bytes, write_chunks, write_text
from redqueen.generation.modes import Painter, Task
from redqueen.generation.provenance import MIME, encode, facts_of
from redqueen.generation.shards import WHOLE, Shard
from redqueen.generation.signing import Signer
from redqueen.generation.subjects import Subject, Subjects
from redqueen.types import Generator

COLUMNS = (
    "file_name", "kind", "generator", "released", "group_id", "linked", "source", "licence", "resample_factor",
    "topic", "prompt_id", "prompt", "seed", "provenance",
)  # fmt: skip
SUFFIXES = (".png", ".jpg")
TABLE = "metadata.csv"
_BOTH = ("generator", "seed", "prompt_id")  # columns that provenance has as well
_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC)  # no photograph's fault


@dataclass(frozen=True)
class Job:
    """What to render.

    Args:
        generator: its entry in the dated vocabulary.
        subjects: what each picture shows.
        batch_size: pictures a call. Pictures are made in the same batches however often the work is taken up again,
            and on however many machines.
        seed: each picture's own seed is drawn from (generator, seed, number).
        licence: of the pictures, those that start from a photograph excepted.
    """

    generator: Generator
    subjects: Subjects
    batch_size: int = 16
    seed: int = 0
    licence: str = "CC0-1.0"

    def seed_of(self, number: int) -> int:
        """The seed of one picture, whatever the batch or shard it is rendered in."""
        return seed_from("render", self.generator.name, self.seed, number)

    def stem_of(self, number: int) -> str:
        """The file of one picture, relative to the folder, without the suffix, which is its format's."""
        return f"images/{self.generator.name}-{number:06d}"

    def batch(self, index: int) -> range:
        """The numbers of the pictures of one batch."""
        return range(index * self.batch_size, min((index + 1) * self.batch_size, len(self.subjects)))


def render(
    job: Job, folder: Path, begin: Callable[[], Painter], shard: Shard = WHOLE, sign: Signer | None = None
) -> bool:
    """Render the pictures of a shard that are not there yet; whoever finds all shards done writes `metadata.csv`.

    Args:
        job: what to render.
        folder: where to; the same one for all shards.
        begin: loads the pipeline; called only if there is work left.
        shard: which part of the batches.
        sign: signs each picture; None for none.

    Returns:
        Whether the folder is complete.
    """
    count = len(job.subjects)
    batches = [index for index in range(-(-count // job.batch_size)) if shard.holds(index)]
    left = {index for index in batches if any(_done(job, folder, number) is None for number in job.batch(index))}
    if left:
        painter, total = begin(), sum(len(job.batch(index)) for index in batches)
        done = total - sum(len(job.batch(index)) for index in left)
        with bar(f"rendering {job.generator.name}", total, done) as progress:
            for numbers, tasks in _work(job, left):
                _paint(job, folder, painter, dict(zip(numbers, tasks, strict=True)), sign)
                progress.advance(progress.task_ids[0], len(numbers))
    if any(_done(job, folder, number) is None for number in range(count)):
        return False
    write_chunks(folder / TABLE, (line.encode() for line in _lines(job, folder)))
    return True


def missing(job: Job, folder: Path) -> int:
    """How many pictures of all shards are not there yet."""
    return sum(_done(job, folder, number) is None for number in range(len(job.subjects)))


def _done(job: Job, folder: Path, number: int) -> Path | None:
    """The finished picture, or the note why there is none."""
    stem = folder / job.stem_of(number)
    ends = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES] + [_note(job, folder, number)]
    return next((path for path in ends if path.exists()), None)


def _note(job: Job, folder: Path, number: int) -> Path:
    return folder / "rejects" / f"{Path(job.stem_of(number)).name}.txt"


def _work(job: Job, left: set[int]) -> Iterator[tuple[list[int], list[Task]]]:
    """Yield the numbers and tasks of each batch that is left; one batch of photographs is in memory."""
    numbers: list[int] = []
    tasks: list[Task] = []
    for number, subject in enumerate(job.subjects):
        if number // job.batch_size not in left:
            continue
        numbers.append(number)
        tasks.append(Task(subject, job.seed_of(number), _read(subject)))
        if number == job.batch(number // job.batch_size)[-1]:
            yield numbers, tasks
            numbers, tasks = [], []


def _read(subject: Subject) -> bytes | None:
    """The photograph's bytes; none at all where the source cannot read it, which no decoder takes for a picture."""
    if subject.photograph is None:
        return None
    try:
        return subject.photograph.read()
    except OSError as error:
        if error.errno in _MACHINE:
            raise
        return b""


def _paint(job: Job, folder: Path, painter: Painter, tasks: Mapping[int, Task], sign: Signer | None) -> None:
    for (number, task), painted in zip(tasks.items(), painter.paint(list(tasks.values())), strict=True):
        if _done(job, folder, number) is not None:
            continue
        if painted.picture is None:
            write_text(_note(job, folder, number), painted.reason + "\n")
            continue
        facts = {
            "generator": job.generator.name,
            "seed": task.seed,
            **_shown(task.subject, job.licence),
            **painter.facts,
        }
        data = encode(painted.picture, painted.form, facts)
        if sign is not None:
            data = sign(data, MIME[painted.form.format], facts)
        stem = folder / job.stem_of(number)
        write_bytes(stem.with_name(stem.name + painted.form.suffix), data)


def _shown(subject: Subject, licence: str) -> dict[str, Any]:
    """What provenance says of the subject, and the table repeats."""
    found: dict[str, Any] = {"licence": licence, "linked": [], "topic": None}
    if subject.photograph is not None:
        one = subject.photograph
        found |= {"photograph": one.name, "photograph_source": one.source, "licence": one.licence, "topic": one.topic}
        found |= {"linked": [one.group_id, *one.linked], "photograph_resample_factor": one.resample_factor}
    if subject.prompt is not None:
        prompt = subject.prompt
        found |= {"prompt_id": prompt.prompt_id, "prompt": prompt.text, "topic": found["topic"] or prompt.topic}
        found["linked"].append(f"prompt/{prompt.prompt_id}")
    return found


def _lines(job: Job, folder: Path) -> Iterator[str]:
    """Yield the lines of the table, each from what its picture says of itself."""
    yield _line(COLUMNS)
    for number in range(len(job.subjects)):
        path = _done(job, folder, number)
        if path is not None and path.suffix in SUFFIXES:
            row = _row(job, number, facts_of(path))
            row["file_name"] = path.relative_to(folder).as_posix()
            yield _line(row[column] for column in COLUMNS)


def _line(cells: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow("" if cell is None else cell for cell in cells)
    return text.getvalue()


def _row(job: Job, number: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    name, again = job.generator.name, facts["mode"] == "reconstruction"
    return {
        "kind": "generated",
        "generator": name,
        "released": job.generator.released,
        "group_id": f"{name}/{number:06d}",  # what ties pictures together is said in `linked`
        "linked": ";".join(facts["linked"]),
        "source": f"{name} after {facts['photograph_source']}" if "photograph" in facts else f"rendered by {name}",
        "licence": facts["licence"],
        "resample_factor": facts["photograph_resample_factor"] if again else 1.0,
        "topic": facts["topic"],
        "prompt_id": facts.get("prompt_id"),
        "prompt": facts.get("prompt"),
        "seed": facts["seed"],
        "provenance": canonical({key: value for key, value in facts.items() if key not in COLUMNS or key in _BOTH}),
    }
