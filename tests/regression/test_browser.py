"""The page of a check in a browser: it fits a phone, is quiet, and axe-core finds nothing, light or dark."""

import pytest

import browser
from browser import Browser
from redqueen.cli import main
from regression import world

pytestmark = [pytest.mark.slow, browser.needed]  # a browser starts


def test_a_phone_the_console_and_axe(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in small.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "benchmark").symlink_to(small / "benchmark")
    floors = [{"metric": "false_positive_rate", "slice": "kind=*", "max": 0.2, "min_groups": 20}]
    gates = [{"metric": "auroc", "margin": 0.02}, {"metric": "aurok", "margin": 0.02}]
    slices = {"by": ["generator", "kind", "view"], "min_groups": 40}
    policy = world.policy(tmp_path, gates=gates, floors=floors, slices=slices)
    assert main(["check", "run", "--policy", str(policy), "--candidate", "worse.parquet"]) == 1
    with Browser(tmp_path / "profile") as page:
        for dark in (False, True):
            page.look(1280, dark=dark)
            page.open((tmp_path / "runs/check/report.html").as_uri())
            page.run("document.querySelectorAll('details').forEach(one => { one.open = true }); 0")
            found = page.axe()
            assert found == [], found
        page.look(320)
        assert page.run("document.documentElement.scrollWidth") <= 320
        shown = "getComputedStyle(document.querySelector('{}')).display"
        assert page.run(shown.format(".phone")) == "block" and page.run(shown.format(".wide")) == "none"
        assert page.console == []
