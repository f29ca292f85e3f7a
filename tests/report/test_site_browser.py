"""The leaderboard in a browser, opened from disk: what a person does with it, by mouse and by keys."""

import csv
import importlib
import io
import json
import re
from pathlib import Path

import pytest

import browser
from browser import Browser
from published_world import published
from redqueen.leaderboard.board import boards
from redqueen.report.site.pages import build

pytestmark = [
    pytest.mark.slow,  # a browser starts
    pytest.mark.skipif(browser.CHROMIUM is None or browser.AXE is None, reason="needs chromium and the extra `dev`"),
]
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SKILLS = {"top": 0.9, "near": 0.899, "middle": 0.8, "low": 0.7, "=SUM(A1)": 0.6}
NAMES = (
    "[...document.querySelectorAll('table[data-table=overview] tbody tr:not([hidden]) th a')].map(a => a.textContent)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    results, output = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("site")
    names = {name.replace("=SUM(A1)", "formula"): skill for name, skill in SKILLS.items()}
    published(results, names, claims=("boast", "a_claim"))
    build(boards(results), output)
    return output


@pytest.fixture(scope="module")
def opened(site, tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def page(opened, site):
    """The first page, as it is at first; afterwards the console must be empty."""
    opened.console.clear()
    opened.look(1280)
    opened.open("about:blank")
    opened.open((site / "index.html").as_uri())
    yield opened
    assert opened.console == []


def press(page, key, times=1):
    for _ in range(times):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            code = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowRight": 39, "ArrowDown": 40, " ": 32}[key]
            page.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)


def click(page, selector):
    page.run(f"document.querySelector({json.dumps(selector)}).click()")


def heading(key):
    return f"table[data-table=overview] th[data-key={key}] button"


def choose(page, name, value):
    page.run(
        f"{{ const one = document.querySelector('[name={name}]'); one.value = {json.dumps(value)};"
        "one.dispatchEvent(new Event(one.tagName === 'SELECT' ? 'change' : 'input', {bubbles: true})); }"
    )


def saved(page, table, kind):
    """What a download holds."""
    page.run(
        "window.saved = []; window.keep ??= URL.createObjectURL; URL.createObjectURL = b => (saved.push(b), keep(b))"
    )
    click(page, f".get[data-table={table}] button[value={kind}]")
    return page.run("saved[0].text()")


def test_sorting(page):
    board = ["top", "near", "middle", "low", "formula", "a_claim", "boast"]
    assert page.run(NAMES) == board
    click(page, heading("next"))
    assert page.run(NAMES) == ["a_claim", "boast", "top", "near", "middle", "low", "formula"]
    assert page.run(f"document.querySelector('{heading('next')}').closest('th').ariaSort") == "descending"
    assert "sorted by next period, highest first" in page.run("document.querySelector('#count').textContent")
    click(page, heading("next"))
    assert page.run(NAMES)[:2] == ["formula", "low"]
    click(page, heading("next"))
    assert page.run(NAMES) == board
    click(page, heading("rank"))
    assert page.run(NAMES) == board  # those without a rank come last
    click(page, heading("rank"))
    assert page.run(NAMES)[0] == "formula"
    assert page.run(NAMES)[-2:] == ["a_claim", "boast"]
    click(page, "table[data-table=platforms] th[data-key='v:whatsapp'] button")
    assert page.run("document.querySelectorAll('th[aria-sort]').length") == 1


def test_filters_and_search(page):
    choose(page, "q", "  NEAR")
    assert page.run(NAMES) == ["near"]
    assert page.run("document.querySelector('#count').textContent") == "1 of 7 submissions."
    choose(page, "q", "nothing is called this")
    assert page.run(NAMES) == []
    click(page, "#filters button[type=reset]")
    click(page, "[name=tier][value=claimed]")
    assert page.run(NAMES) == ["top", "near", "middle", "low", "formula"]
    click(page, "[name=decays]")
    assert page.run(NAMES) == []
    others = "[...document.querySelectorAll('table[data-table=platforms] tbody tr:not([hidden])')].length"
    assert page.run(others) == 0
    assert page.run("location.hash") == "#tiers=recomputed,re-run,hidden&decays=1"


def test_columns_metric_and_pictures(page):
    width = "[...document.querySelectorAll('table[data-table=overview] thead th:not([hidden])')].length"
    before = page.run(width)
    click(page, "#columns input[value=date]")
    assert page.run(width) == before - 1
    choose(page, "metric", "tpr_at_fpr_0.01")
    choose(page, "view", "whatsapp")
    first = "document.querySelector('table[data-table=overview] tbody tr').cells[3].textContent"
    assert re.fullmatch(r"\d+\.\d %\d+\.\d–\d+\.\d", page.run(first))
    head = "document.querySelector('table[data-table=overview] th[data-key=next]').textContent"
    assert page.run(head) == "Next periodfound at 1 % false alarms, whatsapp"
    choose(page, "metric", "auroc")
    choose(page, "view", "clean")
    assert page.run(first) == "0.9000.875–0.925"


def test_pins_stay_on_top_and_are_compared(page):
    for name in ("low", "near"):
        click(page, f"button[aria-label='Pin {name}']")
    assert page.run(NAMES)[:3] == ["low", "near", "top"]
    choose(page, "q", "top")
    assert page.run(NAMES) == ["low", "near", "top"]
    told = page.run("document.querySelector('#compare').innerText")
    assert re.search(r"near less low: 0\.199 \(0\.19\d to 0\.20\d\), p = 0\.0\d+ after Holm", told)
    assert page.run("[...document.querySelectorAll('#compare thead th')].map(one => one.textContent)") == [
        "low",
        "near",
    ]
    assert page.run("[...document.querySelectorAll('#over-time .key-list b')].map(one => one.textContent)") == [
        "low",
        "near",
    ]
    choose(page, "q", "")
    for name in ("top", "middle", "formula", "boast", "a_claim"):
        click(page, f"button[aria-label='Pin {name}']")
    assert page.run("document.querySelectorAll('tr.pinned').length / 4") == 6
    assert page.run("document.querySelector('#count').textContent") == "No more than 6 can be pinned."


def test_the_address_keeps_what_is_shown(page, site):
    click(page, heading("photo"))
    choose(page, "time", "age")
    choose(page, "by", "country")
    click(page, "#columns input[value=cost]")
    click(page, "button[aria-label='Pin low']")
    choose(page, "q", "o")
    click(page, "nav a[href='#versions']")
    kept, names = page.run("location.hash"), page.run(NAMES)
    assert kept == "#sort=photo.asc&q=o&time=age&by=country&hide=cost&pins=low"
    page.open("about:blank")
    page.open((site / "index.html").as_uri() + kept)
    assert page.run(NAMES) == names
    assert page.run("location.hash") == kept
    assert page.run("['time', 'by', 'q'].map(name => document.querySelector(`[name=${name}]`).value)") == [
        "age",
        "country",
        "o",
    ]
    page.run(
        "location.hash = '#sort=nonsense.desc&pins=nobody,%3Cb%3E&time=never&tiers=x&q=<img src=x onerror=alert(1)>'"
    )
    page.wait("document.querySelector('#count').textContent.startsWith('0 of 7')")
    assert page.run("document.querySelectorAll('img').length") == 0


def test_downloads_are_what_is_shown(page):
    click(page, "#columns input[value=date]")
    choose(page, "q", "o")
    click(page, heading("next"))
    rows = list(csv.reader(io.StringIO(saved(page, "overview", "csv"))))
    assert rows[0][:2] == ["Submission", "Rank, 95 % interval"]
    assert not any("Published" in head for head in rows[0])
    assert [row[0] for row in rows[1:]] == page.run(NAMES)
    top = dict(zip(rows[0], rows[[row[0] for row in rows].index("top")], strict=True))
    low = [top[f"Next period, AUROC, clean{end}"] for end in ("", " low", " high")]
    assert low == ["0.9", "0.875", "0.925"]
    found = json.loads(saved(page, "overview", "json"))
    assert [row["name"] for row in found["rows"]] == page.run(NAMES)
    assert found["benchmark"] == "field/field-v1, platforms-v1"
    assert found["rows"][-1]["next"]["value"] == float(rows[-1][rows[0].index("Next period, AUROC, clean")])
    tex = saved(page, "overview", "tex")
    assert tex.startswith(r"\begin{tabular}{lr")
    assert "boast & " in tex and "a\\_claim" not in tex  # noqa: PT018  (no "o" in its name)
    assert r"18.9 \%" in tex
    rows = list(csv.reader(io.StringIO(saved(page, "slices", "csv"))))
    assert rows[0] == [
        "Submission",
        *(f"{kind}{end}" for kind in ("collage", "drawing", "photo") for end in ("", " low", " high")),
    ]


def test_a_cell_is_no_formula_and_no_command(page):
    columns = "[{key: 'name', title: '@head'}, {key: 'x', title: 'a,\"b'}]"
    shown = f"{{columns: {columns}, rows: [[{{text: '=1+1', value: null}}, {{text: '50% of $x_1', value: null}}]]}}"
    assert page.run(f"asCsv({shown})") == '"\'@head","a,""b"\r\n"\'=1+1",50% of $x_1\r\n'
    assert r"=1+1 & 50\% of \$x\_1 \\" in page.run(f"asTex({shown})")


def test_by_keys_alone(page):
    press(page, "Tab")
    assert page.run("document.activeElement.textContent") == "Skip to the table"
    press(page, "Enter")
    page.wait("document.activeElement.id === 'table'")
    press(page, "Tab")
    assert page.run("document.activeElement.name") == "q"
    page.send("Input.insertText", text="low")
    assert page.run(NAMES) == ["low"]
    seen = []
    for _ in range(60):
        press(page, "Tab")
        seen.append(
            page.run("(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()")
        )
        if seen[-1] == "Pin low":
            break
    assert "Reset" in seen and "Columns" in seen  # noqa: PT018
    press(page, "Enter")
    assert page.run("document.activeElement.ariaPressed") == "true"
    page.run("document.querySelector('#over-time svg[tabindex]').focus()")
    press(page, "ArrowRight", 2)
    assert re.match(
        r"low: 0\.\d+ \(0\.\d+ to 0\.\d+\), generators of 20", page.run("document.querySelector('output').textContent")
    )
    page.run("document.querySelector('.menu summary').focus()")
    press(page, "Enter")
    assert page.run("document.querySelector('.menu').open") is True
    press(page, "Escape")
    assert page.run("[document.querySelector('.menu').open, document.activeElement.tagName]") == [False, "SUMMARY"]


def test_every_way_to_look_at_time_draws(page):
    for mode in page.run("[...document.querySelector('[name=time]').options].map(one => one.value)"):
        choose(page, "time", mode)
        assert page.run("document.querySelectorAll('#over-time .series .mark').length") > 0, mode
        assert "NaN" not in page.run("document.querySelector('#over-time').innerHTML"), mode
    assert "NaN" not in page.run("document.querySelector('#cost-chart').innerHTML")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["index.html", "s/top.html"])
def test_axe_finds_nothing_and_320_pixels_are_enough(page, site, name, dark):
    page.look(320, dark=dark)
    page.open((site / name).as_uri())
    assert page.run("document.documentElement.scrollWidth") <= 320
    page.look(1280, dark=dark)
    page.open((site / name).as_uri())
    if name == "index.html":
        for one in ("low", "near"):
            click(page, f"button[aria-label='Pin {one}']")
    page.send("Page.setBypassCSP", enabled=True)
    try:
        assert [one for one in page.axe() if one[1] in ("serious", "critical", "moderate")] == []
    finally:
        page.send("Page.setBypassCSP", enabled=False)


def test_without_a_script_the_table_is_there(page, site):
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.send(
            "Page.navigate", url=(site / "index.html").as_uri() + "?x"
        )  # another document, not a place in this one
        while page.run("document.readyState + location.search") != "complete?x":
            pass
        shown = page.send("DOM.getDocument", depth=-1)
        root = shown["root"]["nodeId"]

        def of(selector):
            return page.send("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]

        assert len(of("table[data-table=overview] tbody tr")) == 7
        assert of("button.sort") == []
        tree = page.send("Accessibility.getFullAXTree")["nodes"]
        words = " ".join(str(one.get("name", {}).get("value", "")) for one in tree if not one.get("ignored"))
        assert "0.875–0.925" in words
        assert "AUROC of each detector against the months" in words  # the figure that needs no script
        assert "Search" not in words  # nothing that does nothing is shown
    finally:
        page.send("Emulation.setScriptExecutionDisabled", value=False)


def test_five_hundred_submissions_sort_at_once(tmp_path, monkeypatch):
    """Of the page's own thread; `scripts/bench_site.py` prints the figure, this bound is generous."""
    monkeypatch.syspath_prepend(SCRIPTS)
    bench = importlib.import_module("bench_site")
    site, _ = bench.written(bench.board(500, 60), tmp_path / "site")
    assert bench.clicked(site, tmp_path / "profile", "slices", 3) < 1000
