"""`redqueen corpus build`: what can be set, what a full disk looks like, and that the machine changes nothing."""

import csv
import errno
import json
import os

import pytest

import stand_ins
from redqueen.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Photographs in JPEG and generated pictures in PNG, two in ten the other way round."""
    monkeypatch.chdir(tmp_path)
    pictures = tmp_path / "pictures"
    (pictures / "images").mkdir(parents=True)
    rows = []
    for number in range(80):
        generated = number % 2
        draw = stand_ins.generated_pixels if generated else stand_ins.human_pixels
        name = f"images/{number:02d}.{'png' if (number % 10 > 1) == generated else 'bmp'}"
        data = stand_ins.png(draw(number, 32))
        if name.endswith("bmp"):
            data = _bmp(data)
        (pictures / name).write_bytes(data)
        rows.append([name, "generated" if generated else "photo", f"g{number}", "tests", "CC0-1.0"]
                    + (["made-up", "2026-01"] if generated else ["", ""]))  # fmt: skip
    with (pictures / "metadata.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "kind", "group_id", "source", "licence", "generator", "released"])
        writer.writerows(rows)
    return pictures


def _bmp(data):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).save(buffer, "BMP")
    return buffer.getvalue()


def run(folder, *words):
    return main(["corpus", "build", "source=folder", f"source.path={folder}", "normalise.size=32", *words])


def card(folder):
    (found,) = folder.parent.glob("runs/store/corpus/*/card.json")
    return json.loads(found.read_text())


@pytest.mark.parametrize("fails_at", [0, 1, 3, 5, 8])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(fails_at, folder, capfd, monkeypatch):
    real, count = os.fsync, 0

    def fsync(handle):
        nonlocal count
        count += 1
        if count == fails_at + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        assert run(folder) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "No space left on device: free some; nothing is lost, and the same command goes on" in err
    assert run(folder) == 0
    resumed = card(folder)
    assert run(folder, "store=another") == 0
    (other,) = folder.parent.glob("another/corpus/*/card.json")
    assert json.loads(other.read_text()) == resumed


def test_kept_bytes_are_flagged_and_treated_ones_say_what_there_was(folder, capfd):
    assert run(folder, "normalise=keep") == 0
    assert "\nbiased: metadata alone tells the classes apart in 2026-01" in capfd.readouterr().err
    kept = card(folder)
    assert kept["audit"]["windows"][0]["after"]["value"] > 0.65
    assert kept["made_of"]["treatment"] == {"name": "Keep", "size": 32}
    assert run(folder, "store=square") == 0
    (path,) = folder.parent.glob("square/corpus/*/card.json")
    treated = json.loads(path.read_text())
    assert treated["audit"]["windows"][0]["after"]["value"] == 0.5
    assert treated["source_audit"]["windows"][0]["after"]["value"] > 0.65
    assert treated["made_of"]["source"]["name"] == "folder"
    assert str(folder) not in path.read_text()  # the card is published, and where it lay is nobody's business


def test_any_column_can_be_matched_and_the_number_of_workers_changes_nothing(folder):
    assert run(folder, "normalise=keep", "match.exactly=[format]", "workers=1") == 0
    found = card(folder)
    assert found["matching"]["exactly"] == ["format"]
    assert found["audit"]["windows"][0]["after"]["value"] == pytest.approx(0.5, abs=0.1)
    dropped = found["matching"]["windows"]["2026-01"]
    assert dropped["generated"]["dropped"] == dropped["human-made"]["dropped"] > 0
    assert run(folder, "normalise=keep", "match.exactly=[format]", "workers=3", "store=more") == 0
    (path,) = folder.parent.glob("more/corpus/*/card.json")
    assert json.loads(path.read_text()) == found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["match.column=qualty"], "unknown match.column 'qualty'; did you mean 'quality'?"),
        (["match.exactly=[kind]"], "unknown column in match.exactly 'kind'"),
        (["workers=0"], "workers=0: "),
        (["normalise=kep"], "unknown normalise 'kep'; did you mean 'keep'?"),
    ],
)
def test_wrong_settings_are_one_line(words, told, folder, capfd):
    assert run(folder, *words) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert told in err
