"""Whatever is broken in a bundle, verification ends in a verdict: never in an error of ours, never in a traceback."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard import mutations
from leaderboard import world as worlds
from redqueen.leaderboard.verify import Options, verify
from redqueen.report.verified import FORMS


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    made = worlds.make(tmp_path_factory.mktemp("world") / "made")
    model = made.bundle / "model" / "2026-01"
    model.mkdir(parents=True)
    (model / "detector.yaml").write_text("_target_: redqueen.detectors.spectral.Spectral\nsize: 32\n")
    (model / "record.json").write_text("{}\n")
    text = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    (model / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    worlds.seal(made.bundle)
    return made


def verdicts(template, folder: Path, seeds) -> Counter[int]:
    found: Counter[int] = Counter()
    for seed in seeds:
        place = folder / str(seed)
        shutil.copytree(template.folder, place)
        bundle = mutations.mutated(replace(template, folder=place), seed)
        report = verify(bundle, Options(benchmark=place / "benchmark"))
        assert report.code in (0, 1, 3, 4), (seed, report.crash)
        for form, make in FORMS.items():
            assert make(report).encode(), (seed, form)
        found[report.code] += 1
        shutil.rmtree(place)
    return found


def test_a_few_dozen_broken_bundles(template, tmp_path):
    found = verdicts(template, tmp_path, range(40))
    assert found[1] > 8
    assert found[4] > 8


@pytest.mark.slow
def test_a_hundred_broken_bundles(template, tmp_path):
    assert sum(verdicts(template, tmp_path, range(1000, 1100)).values()) == 100
