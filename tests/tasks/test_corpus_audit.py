"""`redqueen corpus audit`: the files, the first line, and bad words on the command line."""

import json

import pytest

import stand_ins
from redqueen.cli import main

QUICK = ["codec_swap.codecs=[]", "codec_swap.draws=20", "n=2"]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return stand_ins.corpus(tmp_path)


def test_table_json_and_page(corpus, tmp_path, capfd):
    assert main(["corpus", "audit", str(corpus.folder), *QUICK]) == 0
    folder = tmp_path / "runs" / "corpus_audit"
    told = capfd.readouterr().err
    found = json.loads((folder / "audit.json").read_text())
    page = (folder / "audit.html").read_text()
    assert found["corpus_digest"] == corpus.digest
    assert found["biased"] == (found["standing"] == "biased")
    assert told.splitlines()[0] == found["finding"]
    assert found["finding"].split(":")[0] in page
    assert [one["window"] for one in found["metadata"]["windows"]] == ["2026-01", "2026-02"]
    assert sum(cell["rows"] for cell in found["cells"] if cell["window"] == "2026-01") == 20 + 8 + 8 + 20
    assert page.count("<img ") == 2 * 5
    assert (folder / "config.yaml").exists()
    assert "audit.html" in told
    again = page
    assert main(["corpus", "audit", str(corpus.folder), *QUICK]) == 0
    assert (folder / "audit.html").read_text() == again


def test_one_class(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    folder = stand_ins.corpus(tmp_path, stand_ins.Pictures(generated=0)).folder
    assert main(["corpus", "audit", str(folder), *QUICK]) == 0
    assert capfd.readouterr().err.startswith("Nothing to audit: one class")
    assert json.loads((tmp_path / "runs" / "corpus_audit" / "audit.json").read_text())["biased"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "corpus"),
        (["nowhere"], "no corpus at nowhere"),
        (["nowhere", "n=0"], "n=0"),
        (["nowhere", "codec_swap.draws=0"], "codec_swap.draws=0"),
        (["nowhere", "codec_swap.codecs=[PNG 90]"], "a space and a quality of 1-100"),
        (["nowhere", "codec_swap.picture=3"], "did you mean 'codec_swap.pictures'?"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capfd, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["corpus", "audit", *words]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line
