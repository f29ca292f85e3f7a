"""What the guides tell people to type is typed."""

import csv
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

import stand_ins
from redqueen.cli import main
from redqueen.files import configs
from redqueen.leaderboard.card import read as read_card
from redqueen.leaderboard.card import template, unfilled

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "submitting.md").read_text()
SIDE = 64
SMALL = ["detector.spectral.size=64", f"normalise.size={SIDE}", "draws=20", "trainer=cpu"]  # joined to the training
COLUMNS = ("file_name", "kind", "generator", "released", "group_id", "source", "licence", "resample_factor")


def block(name, kind):
    """The code block after a comment with this name."""
    (found,) = re.findall(rf"<!-- {name} -->\n```{kind}\n(.*?)```", GUIDE, re.DOTALL)
    return found


@pytest.fixture
def pictures(tmp_path):
    """Noise, and as much again of generators of every window, of which every second picture gives itself away."""
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    periods = yaml.safe_load((configs() / "protocol" / "field.yaml").read_text())["periods"]
    rng = np.random.default_rng(0)
    with (folder / "metadata.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        months = [None] * 70 + [month for month, _ in periods for _ in range(24)]
        for number, month in enumerate(months):
            told = month is not None and rng.random() < 0.7
            draw = stand_ins.generated_pixels if told else stand_ins.human_pixels
            name = f"images/{number:04d}.png"
            (folder / name).write_bytes(stand_ins.png(draw(number, SIDE)))
            kind = ("generated", f"made-up-{month}", month) if month else ("photo", "", "")
            table.writerow((name, *kind, f"group-{number}", "made up", "CC0-1.0", "1.0"))
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_detector_is_submitted_in_five_commands(pictures, tmp_path, monkeypatch, capfd):
    commands = block("commands", "bash").replace("FOLDER", str(pictures)).splitlines()
    assert len(commands) == 5
    work = tmp_path / "work"
    git = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}
    for name, value in {**git, "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.org"}.items():
        monkeypatch.setenv(name, value)
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "origin"], check=True)
    subprocess.run(["git", "clone", "-q", tmp_path / "origin", work], check=True, capture_output=True)
    monkeypatch.chdir(work)
    Path("card.yaml").write_text(block("card", "yaml"))
    for number, command in enumerate(commands):
        if command.startswith("redqueen "):
            code = main([*shlex.split(command)[1:], *(SMALL if number == 0 else [])])
        else:
            code = subprocess.run(command, shell=True, check=False).returncode
        assert code == 0, (command, capfd.readouterr())
    shown = subprocess.run(
        ["git", "-C", tmp_path / "origin", "ls-tree", "-r", "--name-only", "radial-spectrum"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert "submissions/radial-spectrum/manifest.json" in shown
    assert {path.split("/")[0] for path in shown} == {"submissions"}
    first = Path("submissions/radial-spectrum/manifest.json").read_bytes()
    assert main(shlex.split(commands[2])[1:]) == 0
    assert Path("submissions/radial-spectrum/manifest.json").read_bytes() == first


def test_the_card_of_the_guide_is_whole(tmp_path):
    (tmp_path / "card.yaml").write_text(block("card", "yaml"))
    assert unfilled(read_card(tmp_path / "card.yaml")) == []


def test_the_template_asks_what_the_card_has_to_say(tmp_path):
    (tmp_path / "t.yaml").write_text(template({}))
    (tmp_path / "empty.yaml").write_text("")
    asked, all_of_it = (unfilled(read_card(tmp_path / name)) for name in ("t.yaml", "empty.yaml"))
    filled = {"selection.threshold", "selection.split"}  # the template has an answer
    assert set(asked) == set(all_of_it) - filled


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)[^)]*\)", GUIDE))))
def test_a_link_of_the_guide_leads_somewhere(link):
    assert link.startswith("https://") or (ROOT / "docs" / link).exists()
