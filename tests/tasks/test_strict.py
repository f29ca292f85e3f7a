"""A broken picture ends a strict run and is listed by any other."""

import csv

import pytest

import stand_ins
from redqueen.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Ten photographs, ten generated pictures, and one that is no picture."""
    monkeypatch.chdir(tmp_path)
    pictures = tmp_path / "pictures"
    (pictures / "images").mkdir(parents=True)
    rows = []
    for number in range(20):
        name, generated = f"images/{number:02d}.png", number % 2
        draw = stand_ins.generated_pixels if generated else stand_ins.human_pixels
        (pictures / name).write_bytes(stand_ins.png(draw(number, 64)))
        rows.append([name, "generated" if generated else "photo", f"g{number}", "tests", "CC0-1.0"]
                    + (["made-up", "2026-01"] if generated else ["", ""]))  # fmt: skip
    (pictures / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but then nothing")
    rows.append(["images/broken.png", "photo", "g20", "tests", "CC0-1.0", "", ""])
    with (pictures / "metadata.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "kind", "group_id", "source", "licence", "generator", "released"])
        writer.writerows(rows)
    return pictures


def run(folder, *words):
    return main(["corpus", "build", "source=folder", f"source.path={folder}", "normalise.size=64", *words])


def test_strict_names_the_file_and_ends_with_2(folder, capfd):
    assert run(folder, "strict=true") == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("redqueen: images/broken.png: not a picture in one of JPEG, PNG")


def test_otherwise_the_run_goes_on_and_counts_what_it_left_out(folder, capfd):
    assert run(folder) == 0
    err = capfd.readouterr().err
    assert "1 pictures could not be used" in err
    (rejects,) = folder.parent.glob("runs/store/corpus/*/rejects.csv")
    assert str(rejects.relative_to(folder.parent)) in err
    with rejects.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["picture"] == "images/broken.png"
    assert row["reason"].startswith("not a picture in one of")
