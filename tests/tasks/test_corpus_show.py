"""`redqueen corpus show`: pages on disk, old ones gone, one-line errors."""

import pytest
from PIL import Image

import stand_ins
from redqueen.cli import main
from redqueen.tasks import corpus_show


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def show(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(["corpus", "show", str(corpus.folder), "n=3", *words])
        return code, sorted(path.name for path in (tmp_path / "runs" / "corpus_show").glob("*.*g"))

    return run


@pytest.mark.parametrize("by", ["kind", "generator", "split", "source"])
def test_a_sheet_of_each(show, by, tmp_path, capfd):
    assert show(f"by={by}") == (0, [f"{by}-01.png"])
    path = tmp_path / "runs" / "corpus_show" / f"{by}-01.png"
    with Image.open(path) as page:
        width, height = page.size
    assert f"{path}, {width} x {height}" in capfd.readouterr().err


def test_pages_of_an_earlier_run_go_and_those_of_another_column_stay(show):
    assert show("by=kind", "sheet.strips=2") == (0, ["kind-01.png", "kind-02.png"])
    assert show("by=split") == (0, ["kind-01.png", "kind-02.png", "split-01.png"])
    assert show("by=kind") == (0, ["kind-01.png", "split-01.png"])


def test_a_large_page_is_there_as_jpeg_too(show, monkeypatch):
    monkeypatch.setattr(corpus_show, "LARGE", 100)
    assert show("by=kind") == (0, ["kind-01.jpg", "kind-01.png"])


def test_a_corpus_without_generated_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = stand_ins.corpus(tmp_path, stand_ins.Pictures(generated=0)).folder
    assert main(["corpus", "show", str(folder)]) == 0
    assert main(["corpus", "show", str(folder), "by=generator"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["by=topic"], "no row of corpus 'stand-in' has a topic"),
        (["by=kinds"], "did you mean 'kind'?"),
        (["sheet.side=0"], "sheet.side=0"),
        (["sheet.strips=0"], "sheet.strips=0"),
    ],
)
def test_bad_input_is_one_line(show, capfd, words, said):
    code, pages = show(*words)
    (line,) = capfd.readouterr().err.splitlines()
    assert (code, pages) == (2, [])
    assert said in line
