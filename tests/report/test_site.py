"""The site as files: it says what was published, runs nothing that was submitted, and holds no dead link."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from published_world import FIELD, HOSTILE, drawn, published, scored
from redqueen.cli import main
from redqueen.files import write_json
from redqueen.leaderboard.board import boards
from redqueen.leaderboard.publish import Publication, publish
from redqueen.report.site.data import script
from redqueen.report.site.pages import BOARD, build

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"


class Page(HTMLParser):
    """What a page has, after checking that its elements close in order."""

    VOID = {"meta", "link", "input", "img", "br"}

    def __init__(self, page):
        super().__init__()
        self.open, self.attributes, self.tags, self.text = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def of(self, name):
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Ranked ones, a claim, one superseded, one withdrawn, hostile words, and a second board."""
    results, output = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("site")
    folder = published(results, {"top": 0.9, "near": 0.899, "low": 0.7, "old": 0.6, "bad": 0.5}, claims=("boast",))
    hostile = scored("low-2", 0.71, limits=(HOSTILE,), strategy=HOSTILE)
    bundle = tmp_path_factory.mktemp("bundle")
    detector = {"family": HOSTILE, "code_url": "https://example.org/x", "paper": "javascript:alert(1)"}
    write_json(bundle / "submission.json", {"detector": detector, "claims": {"auroc": 1}, "team": {"contact": "a@b.c"}})
    write_json(bundle / "run" / "cost.json", {"seconds": {"train": 12.5}})
    one = Publication("low-2", hostile, drawn(hostile, 9), "recomputed", bundle=bundle, revision_of="low")
    publish(results, dataclasses.replace(one, date="2026-11-09"))
    assert main(["leaderboard", "withdraw", "bad", f"reason='{HOSTILE}'", f"results={results}", "date=2026-11-10"]) == 0
    write_json(folder / "other.json", dataclasses.asdict(scored("other", 0.99, suite="platforms-v2")))
    assert main(["leaderboard", "build", f"results={results}", f"output={output}"]) == 0
    return output


def pages(site):
    return {str(path.relative_to(site)): path.read_text() for path in sorted(site.rglob("*.html"))}


def data(path):
    text = path.read_text()
    assert text.startswith("window.REDQUEEN=") and text.endswith(";\n") and text.isascii()  # noqa: PT018
    return json.loads(text.removeprefix("window.REDQUEEN=").removesuffix(";\n"))


def test_every_page_is_strict_and_no_submitted_word_is_markup(site):
    found = pages(site)
    assert {"index.html", "s/top.html", "s/low.html", "s/bad.html"} < set(found)
    for name, text in found.items():
        page = Page(text)
        assert POLICY in page.of("content"), name
        assert "style" not in page.tags and not page.of("style"), name  # noqa: PT018
        assert not [key for _, key, _ in page.attributes if key.startswith("on")], name
        assert all(
            pair[:2] == ("script", "src") for pair in page.attributes if pair[0] == "script" and pair[1] != "defer"
        )
        assert page.tags.count("h1") == page.tags.count("main") == 1
        assert "<img src=x" not in text
    assert HOSTILE in "".join(Page(found["s/bad.html"]).text)  # the reason of its tombstone
    assert "".join(Page(found["s/low-2.html"]).text).count(HOSTILE) >= 3  # a limit, a strategy, a family


def test_every_link_leads_somewhere_and_none_outside(site):
    for name, text in pages(site).items():
        page, here = Page(text), (site / name).parent
        for tag, key, value in page.attributes:
            if key == "href" and value == "https://example.org/x":
                assert ("a", "rel", "noopener noreferrer") in page.attributes
            elif key in ("href", "src") and not value.startswith("#"):
                assert (here / unquote(value)).resolve().is_relative_to(site), (name, value)
                assert (here / unquote(value)).exists(), (name, tag, value)
        ids = page.of("id")
        assert len(ids) == len(set(ids))
        assert {value[1:] for value in page.of("href") if value.startswith("#")} <= set(ids)


def test_without_a_script_the_table_says_it_all(site):
    text = " ".join(" ".join(Page((site / "index.html").read_text()).text).split())
    rows = re.findall(r'<a href="s/([^"]*)\.html">', (site / "index.html").read_text().split("</table>")[0])
    assert rows == ["top", "near", "low-2", "old", "boast"]
    for said in (
        "The best of 4 detectors here, top,",
        "1–2",
        "0.900",
        "0.875–0.925",
        "stable-diffusion-3",
        "≥ 125 months",
    ):
        assert said in text, said
    assert "2026-11-10 bad withdrawn" in text
    assert "low superseded by low-2" in text
    assert "field/field-v1, platforms-v2" in text


def test_what_a_submission_page_says(site):
    text = " ".join(" ".join(Page((site / "s" / "top.html").read_text()).text).split())
    for said in (
        "predictions.ids",
        "all there",
        f"near {HOSTILE}",
        "ab" * 32,
        "sha256sum results/field/field-v1/top.json",
    ):
        assert said in text, said
    assert "redqueen verify submissions/top" in text
    assert "Superseded by low-2" in " ".join(" ".join(Page((site / "s" / "low.html").read_text()).text).split())
    assert "takes the place of low" in " ".join(" ".join(Page((site / "s" / "low-2.html").read_text()).text).split())
    cards = " ".join(" ".join(Page((site / "s" / "low-2.html").read_text()).text).split())
    for said in (f"detector › family {HOSTILE}", "detector › paper javascript:alert(1)", "seconds › train 12.5"):
        assert said in cards, said
    assert "a@b.c" not in cards and "claims" not in cards  # noqa: PT018
    assert "Withdrawn on 2026-11-10" in (site / "s" / "bad.html").read_text()
    assert "Not ranked: claimed" in (site / "s" / "boast.html").read_text()


def test_boards_have_folders_and_data_of_their_own(site):
    (other,) = (site / "b").iterdir()
    assert [row["id"] for row in data(other / "data.js")["rows"]] == ["other"]
    found = data(site / "data.js")
    assert [row["id"] for row in found["rows"]] == ["top", "near", "low-2", "old", "boast"]
    overview = found["tables"]["overview"]
    place = [column["key"] for column in overview["columns"]].index("next")
    assert overview["cells"][0][place] == [0.9, 0.875, 0.925]
    assert len(found["pairs"]) == 6
    assert found["metrics"]["auroc"]["views"]["clean"][0] == [0.9, 0.875, 0.925]


def test_cells_over_time_are_those_of_the_result(site):
    time, result = data(site / "data.js")["time"], scored("top", 0.9)
    names = [one[0] for one in time["windows"]]
    packed = time["cells"][0]["clean"]
    flat = (int(packed[at : at + 2], 36) for at in range(0, len(packed), 2))
    cells = {(c.trained_up_to, c.tested_on): c.auroc for c in result.cells if c.view == "clean"}
    for cutoff in time["cutoffs"]:
        for window in names[cutoff:]:
            found = cells[names[cutoff], window]
            assert [next(flat) for _ in range(3)] == [round(1000 * end) for end in (found.value, found.low, found.high)]
    assert next(flat, None) is None


def test_a_build_removes_what_is_no_longer_there_and_nothing_else(tmp_path):
    results, output = tmp_path / "results", tmp_path / "site"
    folder = published(results, {"a": 0.9}, claims=("b",))
    build(boards(results), output)
    (output / "mine.txt").write_text("mine")
    first = {path.name: path.read_bytes() for path in output.rglob("*.*")}
    build(boards(results), output)
    assert {path.name: path.read_bytes() for path in output.rglob("*.*")} == first  # the same bytes
    (folder / "b.json").unlink()
    listing = json.loads((output / "files.json").read_text())
    (tmp_path / "outside.txt").write_text("keep")
    (output / "files.json").write_text(json.dumps([*listing, "../outside.txt"]))
    build(boards(results), output)
    assert not (output / "s" / "b.html").exists()
    assert (output / "mine.txt").exists() and (tmp_path / "outside.txt").exists()  # noqa: PT018


def test_the_committed_results_are_a_board_that_loads_fast(tmp_path):
    build(boards(FIELD.parents[1]), tmp_path)
    first = sum((tmp_path / name).stat().st_size for name in ("index.html", "style.css", "data.js", *BOARD))
    assert first <= 300_000
    assert (tmp_path / "index.html").read_text().count('class="tier"') > len(list(FIELD.glob("*.json")))


def test_a_script_cannot_be_left():
    assert (
        script({"a": "</script><!--\u2028&"})
        == 'window.REDQUEEN={"a":"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026"};\n'
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["leaderboard", "build", "results=nowhere"], "holds no <corpus>/<protocol>/<submission>.json"),
        (["leaderboard", "withdraw", "nobody", "reason=x", "results={results}"], "'nobody' stands in no folder"),
        (["leaderboard", "withdraw", "a", "results={results}"], "needs reason="),
        (["leaderboard", "withdraw", "a", "reason=x", "date=soon", "results={results}"], "date"),
        (["leaderboard", "bild"], "did you mean 'leaderboard build'"),
    ],
)
def test_bad_words_end_in_one_line(words, says, tmp_path, capsys):
    published(tmp_path, {"a": 0.9})
    assert main([word.format(results=tmp_path) for word in words]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
