"""The audit's page stands alone, escapes what it is given, and says in words what it shows in colour."""

import dataclasses
import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

import stand_ins
from redqueen.corpus.codec_swap import AS_IS, MEAN, SHIFTED, CodecSwap, Part, Saving
from redqueen.corpus.inspection import Inspection
from redqueen.report.audit_page import page, strips, terminal
from redqueen.types import Audit, Interval, WindowAudit

HOSTILE = "<script>alert('x')</script>&\"$"
VOID = {"meta", "img", "br", "hr", "link", "input"}
NOTHING = Interval(None, None, None, 0, 0)


def figure(value, n=90):
    return Interval(value, value - 0.0625, value + 0.0625, n, n)


class Page(HTMLParser):
    """Checks that elements close in order, and collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def said(text):
    return re.sub(r"\s+", " ", "".join(Page(text).text))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


def part(name, history, verdict):
    return Part(
        name,
        history,
        (Saving(AS_IS, figure(0.75)), Saving(SHIFTED, figure(0.5)), Saving("WEBP 80", figure(0.5))),
        verdict,
    )


def inspection(corpus, **changes):
    windows = (
        WindowAudit("2026-01", figure(0.875), figure(0.625), "leak"),
        WindowAudit("2026-02", figure(0.875), figure(0.4375), "clear"),
    )
    metadata = Audit(windows, figure(0.875), figure(0.53125), True, "metadata alone tells the classes apart in 2026-01")
    swap = CodecSwap(
        "history", 90, 180, (part("all", figure(0.6875), "history"), part(MEAN, figure(0.5), "none seen"),
        part("2026-01", figure(0.5625), "undetermined")), ("2026-02",),
    )  # fmt: skip
    plain = Inspection(None, metadata, (), metadata, swap, tuple(corpus.card["cells"]))
    return dataclasses.replace(plain, **changes)


def made(corpus, **changes):
    return page(corpus, inspection(corpus, **changes), strips(corpus, 3, 0), {"Commit": "abc"})


def test_same_input_same_bytes(corpus):
    assert made(corpus) == made(corpus)


def test_loads_nothing_and_closes_everything(corpus):
    text = made(corpus)
    found = Page(text)
    assert not {"script", "link", "iframe", "object", "style src"} & set(found.tags)
    links = [value for name, value in found.attributes if name in ("src", "href", "srcset", "action")]
    assert len(links) == 3 * 5
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_light_dark_and_narrow(corpus):
    text = made(corpus)
    assert 'name="color-scheme" content="light dark"' in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport" content="width=device-width' in text
    tables = Page(text).tags.count("table")
    assert tables == text.count('<div class="scroll"') > 4


def test_colours_and_figures_are_there_in_words(corpus):
    text = said(made(corpus))
    for words in (
        "Biased: metadata alone tells the classes apart in 2026-01",
        "Leak: metadata tell the classes apart",
        "Clear: metadata tell next to nothing",
        "0.62 (0.56-0.69)",
        "History tells the classes apart",
        "No history seen",
        "Too few pictures: 2026-02.",
        "says the same",
        "human-made (whole line)",
        "90 of 180",
        "abc",
        corpus.digest,
    ):
        assert words in text
    alts = [value for name, value in Page(made(corpus)).attributes if name == "alt"]
    assert {alt.partition(":")[0] for alt in alts} == {"human-made", "AI-generated"}


def test_counts_add_up(corpus):
    text = said(made(corpus))
    assert (
        f"{corpus.card['counts']['rows']:,} pictures in {corpus.card['counts']['groups']:,} groups, 2 release" in text
    )
    for cell in corpus.card["cells"]:
        assert f"{cell['matched']:,} of {cell['rows']:,}" in text


def test_strips_of_every_kind_and_window(corpus):
    names = [strip.name for strip in strips(corpus, 3, 0)]
    assert names == ["Photographs", "Collages", "Drawings", "Generated, 2026-01", "Generated, 2026-02"]


def test_generated_pictures_of_no_window_are_shown(tmp_path):
    outside = stand_ins.corpus(tmp_path, windows=stand_ins.WINDOWS[:1])
    found = {strip.name: strip for strip in strips(outside, 3, 0)}
    assert found["Generated, in no window"].notes[0] == "20 pictures"


def test_where_the_card_says_otherwise(corpus):
    assert "The corpus's card says otherwise: one; two." in said(made(corpus, card_differs=("one", "two")))


def test_no_source_no_section(corpus):
    assert "source's files" in said(made(corpus))
    assert "source's files" not in said(made(corpus, source=None))


def test_one_class_has_nothing_to_audit(tmp_path):
    alone = stand_ins.corpus(tmp_path, stand_ins.Pictures(generated=0))
    text = made(alone, one_class="human-made")
    assert "Nothing to audit: one class, all pictures are human-made." in said(text)
    assert 'class="warn"' not in text
    assert "AUROC" not in said(text)
    assert "Photographs" in said(text)


def test_what_is_given_is_escaped(corpus):
    card = {**corpus.card, "name": HOSTILE, "licences": {HOSTILE: 3}}
    text = made(dataclasses.replace(corpus, card=card), card_differs=(HOSTILE,))
    assert "<script" not in text
    assert "script" not in Page(text).tags
    assert HOSTILE in said(text)


def shown(corpus, found, width=100):
    buffer = io.StringIO()
    for table in terminal(corpus, found):
        Console(file=buffer, width=width).print(table)
    return buffer.getvalue()


def cells_of(text):
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]
    return [row for row in rows if len(row) > 1]


def test_the_terminal_tables(corpus):
    probes, counts = (
        shown(corpus, inspection(corpus)).split("Matched pictures of all there are")[0],
        corpus.card["counts"],
    )
    found = cells_of(probes)
    assert ["2026-01", "0.88", "0.62 (0.56-0.69)", "leak", "0.56 (0.50-0.62)"] in found
    assert ["2026-02", "0.88", "0.44 (0.38-0.50)", "clear", "n/a"] in found
    assert ["mean", "0.88", "0.53 (0.47-0.59)", "biased", "0.50 (0.44-0.56)"] in found
    by_window = [row for row in found if row[0] == "2026-01"][1]
    assert [cell.split(" of ")[1] for cell in by_window[1:]] == ["20", "8", "8", "20"]
    by_split = [row for row in cells_of(shown(corpus, inspection(corpus))) if row[0] in counts["split"]]
    assert {row[0]: sum(map(int, row[1:])) for row in by_split} == counts["split"]


def test_the_terminal_shows_no_probe_of_one_class(corpus):
    text = shown(corpus, inspection(corpus, one_class="human-made"))
    assert "AUROC" not in text
    assert "by split and kind" in text


def test_the_terminal_table_without_windows(corpus):
    nothing = Audit((), NOTHING, NOTHING, False, "no release windows")
    swap = CodecSwap("undetermined", 0, 0, (Part("all", NOTHING, (), "undetermined"),), ())
    text = shown(corpus, inspection(corpus, metadata=nothing, codec_swap=swap, cells=()))
    assert re.search(r"mean\s+n/a\s+n/a\s+not biased\s+n/a", text)


def test_the_terminal_tables_fit_80_columns(corpus):
    text = shown(corpus, inspection(corpus), 80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "0.62 (0.56-0.69)" in text
