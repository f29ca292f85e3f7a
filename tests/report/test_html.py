"""The page stands alone, escapes what it is given, and says in words what it shows in colour."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from redqueen.report.finding import first_sentence
from redqueen.report.html import render
from redqueen.report.plots import SECTIONS, plots
from redqueen.types import Measure

HOSTILE = "<script>alert('x')</script>&\"$"
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Checks that elements close in order, and collects attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.attributes, self.tags, self.text = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def drawn():
    return lambda results: {"time": list(SECTIONS["time"](results))}


def said(page):
    return re.sub(r"\s+", " ", "".join(Page(page).text))


def test_same_input_same_bytes(make, drawn):
    results = [make.result()]
    pages = {render(results, make.audit(), drawn(results), {"Commit": "abc"}) for _ in range(2)}
    assert len(pages) == 1


def test_nothing_is_loaded_and_nothing_runs(full):
    assert set(re.findall(r"https?://[^\s<\"]+", full.page)) == {"https://example.org/x"}  # as text, nothing else
    parsed = Page(full.page)
    links = [value for name, value in parsed.attributes if name in ("src", "href", "xlink:href", "srcset", "data")]
    assert links
    assert all(value.startswith(("#", "data:image/png;base64,", "data:image/webp;base64,")) for value in links)
    assert not {"script", "link", "iframe", "object", "base"} & set(parsed.tags)
    sources = [value for name, value in parsed.attributes if name == "src"]
    assert len(sources) == 1 and sources[0].startswith("data:image/webp;base64,")
    assert not re.search(r"@import|url\((?!#)", full.page)


def test_ids_are_unique_and_every_reference_has_its_target(full):
    ids = [value for name, value in Page(full.page).attributes if name == "id"]
    assert len(ids) == len(set(ids))
    found = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', full.page)
    assert set(found) <= {(i, "") for i in ids} | {("", i) for i in ids}


def test_first_heading_is_the_finding(make, drawn):
    page = render(make.five(), make.audit(biased=True), drawn(make.five()), {})
    heading = re.sub(r"<[^>]+>", "", page[page.index("<h1") : page.index("</h1>")])
    assert heading == first_sentence(make.five(), make.audit(biased=True))
    assert heading.startswith("Biased:")
    levels = [int(tag[1]) for tag in Page(page).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_hostile_names_are_text(make, drawn):
    spans = tuple(dataclasses.replace(window, name=f"{HOSTILE}{at}") for at, window in enumerate(make.windows(2)))
    results = [make.result(HOSTILE, windows=spans, corpus=HOSTILE, limits=(HOSTILE,), environment={HOSTILE: HOSTILE})]
    page = render(results, make.audit(), drawn(results), {HOSTILE: HOSTILE})
    assert "<script" not in page
    assert HOSTILE in said(page)


def test_every_cell_stands_in_the_data_of_its_figure(make, drawn):
    results = make.five()
    page = render(results, make.audit(), drawn(results), {})
    found = re.findall(r"<summary>[^<]*, all cells.*?</details>", page, flags=re.DOTALL)
    assert len(found) == 2
    for data in found:
        assert data.count('<th scope="row">') == 5 * 3 * 3
        assert "jpeg50" not in data
        assert "(0.91-0.99)" in data


def test_undefined_is_said_so_and_never_zero(make, drawn):
    bare = make.result(next_period=(), false_positives=(), cells=())
    empty = dataclasses.replace(
        make.result("other"), cells=tuple(dataclasses.replace(c, auroc=make.undefined) for c in make.result().cells)
    )
    results = [bare, empty]
    page = said(render(results, make.audit(), drawn(results), {}))
    assert "n/a" in page
    assert "None" not in page
    assert "0.00 (" not in page


def test_false_alarms_are_those_of_the_last_cutoff(make):
    page = said(render([make.result()], make.audit(), {}, {}))
    assert "trained up to 2022-07..2022-12" in page
    assert "5.0% (4.0-6.0) of 120" in page
    assert "3.0% (2.0-4.0)" not in page


def test_verdicts_limits_and_origin_are_in_words(make, drawn):
    page = said(render(make.five(), make.audit(), drawn(make.five()), {"Commit": "abc"}))
    for words in ("Leak: ", "Clear: ", "Undetermined: ", "What this does not say", "One corpus only.", "Commit"):
        assert words in page
    for fact in ("sha256:aa", "sha256:03", "growing", "suite-1", "Bootstrap draws", "0.2500"):
        assert fact in page


@pytest.mark.parametrize("count", [1, 12])
def test_one_window_and_many(make, drawn, count):
    results = [make.result(count=count)]
    page = said(render(results, make.audit(), drawn(results), {}))
    assert all(window.name in page for window in results[0].windows)


def test_everything_measured_has_its_section(full):
    ids = {value for name, value in Page(full.page).attributes if name == "id"}
    sections = {"lasting", "read", "time", "next", "slices", "views", "belief", "alarms", "audit", "limits", "made"}
    assert sections | {"mistakes"} <= ids
    text = said(full.page)
    for words in (
        "14 (9-31) months",
        "at least 20 months",
        "made-2 (2022-01): 0.75 (0.71-0.79)",
        "Of 1,000,000 pictures with 100 AI-generated ones, npr flags 100,000 at its threshold, of which 80 are right.",
        "Averaged over the cutoffs, 0.08% (0.06-0.10) of the flagged pictures are AI-generated.",
        "prompts shared by generators",
        "The 12 highest and the 12 lowest",
        "0.77 (0.73-0.81)made-2 (2022-01)",  # the mean over generators, then the worst
        "+0.31 (+0.27 to +0.35)",
        "-0.036 (-0.046 to -0.026)",
        "ababababababphotoflags",
        "taken for AI-generatedover 0.999",
        "Found at 1 % false alarms, each window as it comes out (4 rows)",
    ):
        assert words in text
    figures = full.page.split("<figure")[1:]
    assert all("<details>" in figure and "<svg" in figure for figure in figures)


def test_a_protocol_of_one_window_speaks_of_its_own_period(make):
    same = [Measure(name, "same", "clean", "all", "all", make.interval(0.6)) for name in ("brier", "verdicts_flipped")]
    results = [
        make.result(count=1, measures=(*same, Measure("auroc", "same", "clean", "kind", "photo", same[0].figure)))
    ]
    page = said(render(results, make.audit(), plots(results), {}))
    assert "On its own period" in page
    assert "AUROC on its own period" in page
    assert "Brier score" in page
    assert "DetectorAUROCBrier score" in page


def test_what_older_results_lack_is_left_out(make):
    page = render([make.result()], make.audit(), {}, {})
    assert not {"slices", "belief"} & {value for name, value in Page(page).attributes if name == "id"}
    assert "What an analyst" not in page
