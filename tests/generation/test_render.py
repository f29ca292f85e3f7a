"""Rendering with an untrained generator: a seed a picture, resumable, in shards, readable by the corpus."""

import csv
import io
import json
import weakref
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tiny_pipelines
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import SourcePicture
from redqueen.errors import UserError
from redqueen.generation import pipelines
from redqueen.generation.modes import Painted
from redqueen.generation.prompts import Prompt
from redqueen.generation.provenance import Form
from redqueen.generation.render import COLUMNS, Job, missing, render
from redqueen.generation.rendering import Rendering
from redqueen.generation.shards import Shard, shard_of
from redqueen.generation.subjects import Photographs, Prompted, Subject, Unconditional
from redqueen.types import Generator

pytestmark = pytest.mark.filterwarnings(r"ignore::Warning:diffusers\..*")

TINY = Generator("tiny-1", "2026-01", "tiny", "tests", "XX", "made up", "CC0-1.0", call={"num_inference_steps": 2})


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return replace(TINY, weights=str(tiny_pipelines.save("DDPMPipeline", tmp_path_factory.mktemp("weights"))))


@pytest.fixture(scope="module")
def job(generator):
    return Job(generator, Unconditional(7), batch_size=3)


def run(job, folder, **arguments):
    begin = Rendering(n=7).painter(pipelines.resolve(job.generator, {}), "cpu")
    return render(job, folder, begin, **arguments)


@pytest.fixture(scope="module")
def rendered(job, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    assert run(job, folder)
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def table(folder):
    with (folder / "metadata.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def picture(job, number):
    return f"{job.stem_of(number)}.png"


class Noise:
    """A painter without a network: noise of the seed, black where a prompt says so."""

    facts = {"mode": "text"}

    def __init__(self):
        self.batches = []

    def paint(self, tasks):
        self.batches.append([task.seed for task in tasks])
        return [self.one(task) for task in tasks]

    def one(self, task):
        if task.subject.prompt and "withheld" in task.subject.prompt.text:
            return Painted(None, reason="withheld by the safety checker")
        pixels = np.random.default_rng(task.seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        return Painted(Image.fromarray(pixels))


def test_every_picture_is_another(rendered, job):
    pictures = [np.asarray(Image.open(rendered / picture(job, n))) for n in range(7)]
    assert {p.shape for p in pictures} == {(32, 32, 3)}
    assert len({p.tobytes() for p in pictures}) == 7


def test_seeds_depend_on_generator_seed_and_number(job):
    other = replace(job, seed=1), replace(job, generator=replace(TINY, name="tiny-2"))
    seeds = [one.seed_of(number) for one in (job, *other) for number in range(100)]
    assert len(set(seeds)) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("deleted", [[], [0], [4], [1, 6], [0, 1, 2, 3, 4, 5, 6]])
def test_resumed_rendering_gives_the_same_bytes(deleted, rendered, job, tmp_path):
    for name, data in contents(rendered).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "metadata.csv").unlink()
    for number in deleted:
        (tmp_path / picture(job, number)).unlink()
    assert run(job, tmp_path)
    assert contents(tmp_path) == contents(rendered)


def test_what_is_there_is_not_rendered_again(rendered, job):
    assert render(job, rendered, lambda: pytest.fail("the pipeline was loaded"))


def test_a_batch_that_was_cut_off_is_made_in_the_same_company(job, tmp_path):
    """Its pictures come out of the same call as if nothing had happened."""
    first, second = Noise(), Noise()
    assert render(job, tmp_path, lambda: first)
    (tmp_path / picture(job, 4)).unlink()
    kept = (tmp_path / picture(job, 3)).stat().st_mtime_ns
    assert render(job, tmp_path, lambda: second)
    assert second.batches == [first.batches[1]]
    assert (tmp_path / picture(job, 3)).stat().st_mtime_ns == kept


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16])
def test_shards_in_any_order_give_the_same_folder(count, job, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert render(job, whole, Noise)
    painters = [Noise() for _ in range(count)]
    order = np.random.default_rng(count).permutation(count)
    done = [render(job, parts, lambda index=index: painters[index], Shard(index + 1, count)) for index in order]
    assert contents(parts) == contents(whole)
    assert done[-1]
    made = sorted(seed for painter in painters for batch in painter.batches for seed in batch)
    assert made == sorted(job.seed_of(number) for number in range(7)), "every picture was made once"


def test_the_table_comes_with_the_last_picture(job, tmp_path):
    assert not render(job, tmp_path, Noise, Shard(2, 3))
    assert missing(job, tmp_path) == 4
    assert not (tmp_path / "metadata.csv").exists()
    assert not render(job, tmp_path, Noise, Shard(3, 3))
    assert render(job, tmp_path, Noise, Shard(1, 3))
    assert len(table(tmp_path)) == 7


RANKS = [
    ({}, Shard(1, 1)),
    ({"RANK": "0", "WORLD_SIZE": "4"}, Shard(1, 4)),
    ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, Shard(4, 4)),
    ({"RANK": "1", "WORLD_SIZE": "2", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, Shard(2, 2)),
    ({"SLURM_NTASKS": "4"}, Shard(1, 1)),
]


@pytest.mark.parametrize(("environment", "shard"), RANKS)
def test_ranks_are_understood(environment, shard):
    assert shard_of("auto", environment) == shard
    assert shard_of("3/16", environment) == Shard(3, 16)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", "1/2/3", "", "1.0/2"])
def test_a_shard_that_does_not_exist_is_refused(text):
    with pytest.raises(UserError, match=r"render\.shard=.*: give INDEX/COUNT counted from 1"):
        shard_of(text, {})


def test_a_rank_that_is_no_number_is_refused():
    with pytest.raises(UserError, match="render.shard=x/2"):
        shard_of("auto", {"RANK": "x", "WORLD_SIZE": "2"})


def test_a_withheld_picture_is_noted_and_left_out(tmp_path):
    prompts = [Prompt("a", "a street", "protest"), Prompt("b", "withheld", "protest"), Prompt("c", "a hill", "energy")]
    job = Job(TINY, Prompted(3, prompts), batch_size=2)
    assert render(job, tmp_path, Noise)
    assert (tmp_path / "rejects" / "tiny-1-000001.txt").read_text() == "withheld by the safety checker\n"
    assert [row["prompt_id"] for row in table(tmp_path)] == ["a", "c"]
    assert render(job, tmp_path, lambda: pytest.fail("it was tried again"))


def test_metadata_names_every_picture(rendered, job):
    rows = table(rendered)
    assert list(rows[0]) == list(COLUMNS)
    assert [row["file_name"] for row in rows] == [picture(job, n) for n in range(7)]
    assert [int(row["seed"]) for row in rows] == [job.seed_of(n) for n in range(7)]
    assert {(row["kind"], row["generator"], row["released"]) for row in rows} == {("generated", "tiny-1", "2026-01")}
    assert len({row["group_id"] for row in rows}) == 7
    assert {row["linked"] for row in rows} == {""}, "nothing ties unconditional pictures together"


def test_pictures_are_spread_evenly_over_prompts(tmp_path):
    prompts = [Prompt(f"p-{letter}", f"a street, {letter}", f"topic-{letter}") for letter in "abc"]
    assert render(Job(TINY, Prompted(7, prompts)), tmp_path, Noise)
    rows = table(tmp_path)
    assert [row["prompt_id"] for row in rows] == ["p-a", "p-b", "p-c", "p-a", "p-b", "p-c", "p-a"]
    assert [row["linked"] for row in rows][:2] == ["prompt/p-a", "prompt/p-b"]
    assert rows[1]["topic"] == "topic-b"
    assert rows[1]["prompt"] == "a street, b"


class Photos:
    """Photographs, a drawing, and one that cannot be read; each readable only until the next is described."""

    name = "photos"

    def __init__(self, count=6):
        self.count, self.current = count, None

    def fingerprint(self):
        return "photos"

    def pictures(self):
        for number in range(self.count):
            self.current = number
            yield SourcePicture(
                name=f"photo-{number}",
                read=lambda number=number: self.read(number),
                kind="drawing" if number == 1 else "photo",
                group_id=f"photos/{number}",
                source="an archive",
                licence="CC-BY-4.0",
                topic="energy" if number % 2 else None,
                linked=("series/a",) if number == 2 else (),
                resample_factor=2.0,
            )

    def read(self, number):
        assert self.current == number, "read after the next one was described"
        if number == 3:
            raise OSError("gone")
        return bytes([number])


class Copy(Noise):
    """Takes what it is given, and says that it reconstructs."""

    facts = {"mode": "reconstruction"}

    def one(self, task):
        if not task.data:
            return Painted(None, reason="empty file (0 bytes)")
        return Painted(Image.new("RGB", (4, 4), (task.data[0], 0, 0)), Form("JPEG"))


def test_photographs_are_read_as_they_come_and_tie_their_pictures(tmp_path):
    job = Job(TINY, Photographs(Photos(), 9, seed=0), batch_size=2)
    assert len(job.subjects) == 5
    assert not render(job, tmp_path, Copy, Shard(2, 2))
    assert render(job, tmp_path, Copy, Shard(1, 2))
    rows = table(tmp_path)
    assert [row["file_name"][-10:] for row in rows] == ["000000.jpg", "000001.jpg", "000003.jpg", "000004.jpg"]
    assert [row["linked"] for row in rows] == ["photos/0", "photos/2;series/a", "photos/4", "photos/5"]
    assert [row["topic"] for row in rows] == ["", "", "", "energy"]
    assert {row["licence"] for row in rows} == {"CC-BY-4.0"}
    assert {row["kind"] for row in rows} == {"generated"}
    assert {row["resample_factor"] for row in rows} == {"2.0"}, (
        "a reconstruction shares what was done to its photograph"
    )
    assert json.loads(rows[1]["provenance"])["photograph"] == "photo-2"
    assert (tmp_path / "rejects" / "tiny-1-000002.txt").exists()


def test_the_choice_of_photographs_is_seeded():
    def chosen(seed, **arguments):
        return [subject.photograph.name for subject in Photographs(Photos(40), 8, seed, **arguments)]

    assert chosen(0) == chosen(0)
    assert chosen(0) != chosen(1)
    assert len(set(chosen(0))) == 8
    assert chosen(0) == sorted(chosen(0), key=lambda name: int(name.partition("-")[2])), "in the order of the source"
    assert {int(name.partition("-")[2]) for seed in range(5) for name in chosen(seed, among=10)} <= set(range(11))


def test_a_source_without_photographs_is_refused():
    class Drawings(Photos):
        def pictures(self):
            return (one for one in super().pictures() if one.kind == "drawing")

    with pytest.raises(UserError, match="source 'photos' has no photograph to start from"):
        list(Photographs(Drawings(), 3, 0))


def test_prompts_go_beside_photographs():
    prompts = [Prompt("a", "a", "protest"), Prompt("b", "b", "protest")]
    subjects = list(Photographs(Photos(), 3, 0, prompts=prompts))
    assert [subject.prompt.prompt_id for subject in subjects] == ["a", "b", "a"]
    assert all(isinstance(subject, Subject) and subject.photograph for subject in subjects)


def test_the_imagefolder_source_reads_it(rendered, job):
    from redqueen.corpus.sources.imagefolder import ImageFolder

    pictures = list(ImageFolder(str(rendered), "tiny-1").pictures())
    assert len(pictures) == 7
    assert {(p.kind, p.generator, p.released, p.licence) for p in pictures} == {
        ("generated", "tiny-1", "2026-01", "CC0-1.0")
    }
    assert sorted(p.read() for p in pictures) == sorted((rendered / picture(job, n)).read_bytes() for n in range(7))
    assert {p.provenance["pipeline"] for p in pictures} == {"DDPMPipeline"}


def test_pictures_declare_themselves_until_treatment_strips_it(rendered, job):
    data = (rendered / picture(job, 0)).read_bytes()
    opened = Image.open(io.BytesIO(data))
    assert "trainedAlgorithmicMedia" in opened.info["XML:com.adobe.xmp"]
    assert f'redqueen:seed="{job.seed_of(0)}"' in opened.info["XML:com.adobe.xmp"]
    treated = Normalise(size=32)(data).data
    assert b"trainedAlgorithmicMedia" not in treated
    assert b"redqueen" not in treated


def test_a_corpus_holds_them_as_generated(rendered, tmp_path):
    import stand_ins
    from redqueen.corpus.sources.imagefolder import ImageFolder

    corpus = stand_ins.corpus(tmp_path, ImageFolder(str(rendered), "tiny-1"))
    assert set(corpus.column("label")) == {1}
    assert set(corpus.column("generator")) == {"tiny-1"}


def test_a_full_disk_is_no_reject(job, tmp_path):
    class Full(Photos):
        def read(self, number):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        render(replace(job, subjects=Photographs(Full(), 3, 0)), tmp_path, Copy)


def test_pictures_are_gone_once_they_are_written(tmp_path):
    class Watched(Noise):
        made = []
        most = 0

        def one(self, task):
            painted = super().one(task)
            self.made.append(weakref.ref(painted.picture))
            self.most = max(self.most, sum(one() is not None for one in self.made))
            return painted

    painter = Watched()
    assert render(Job(TINY, Unconditional(60), batch_size=4), tmp_path, lambda: painter)
    assert painter.most <= 2 * 4
