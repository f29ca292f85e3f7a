"""What a check leaves for people and machines: one sentence first everywhere, within everybody's limits."""

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from redqueen.regression.findings import Checked, Finding, Table, read
from redqueen.regression.flips import Flip
from redqueen.report.check_files import write
from redqueen.report.checked import annotations, outputs, xml
from redqueen.report.checked_markdown import LIMIT, escaped, markdown
from redqueen.report.checked_page import page

HOSTILE = "x\x00\x1b[31m|<img src=x onerror=alert(1)>@everyone `a` [a](javascript:1)\n</details>"


def finding(number=0, **fields):
    said = {"gate": f"auroc generator=g{number}", "metric": "auroc", "title": "AUROC", "higher": True}
    said |= {"period": "next", "view": "clean", "by": "generator", "name": f"g{number}", "baseline": "release"}
    said |= {"margin": 0.02, "alpha": 0.05, "verdict": "fail", "before": 0.9, "after": 0.8, "change": -0.1}
    said |= {"low": -0.12, "high": -0.08, "p": 0.001, "adjusted": 0.01, "pictures": 100, "groups": 90}
    return Finding(**{**said, **fields})


def checked(*findings, outcome="fail", **fields):
    table = Table("release", "small", "a" * 64)
    said = {"sentence": "FAIL: AUROC on generator=g0 fell.", "on_inconclusive": "warn", "benchmark": "small-v1"}
    said |= {"benchmark_digest": "b" * 64, "policy_digest": "c" * 64, "alpha": 0.05, "candidate": table}
    return Checked(outcome=outcome, baselines=(table,), findings=findings, **{**said, **fields})


def flip(**fields):
    said = {"baseline": "release", "cutoff": "2026-01", "view": "clean", "image_id": "d" * 64, "now": "wrong"}
    said |= {"label": 0, "kind": "photo", "generator": None, "topic": "=cmd()", "group_id": "g1"}
    return Flip(**{**said, "before": 0.4, "after": 0.6, **fields})


MANY = checked(*(finding(n) for n in range(3000)))
NASTY = checked(finding(gate=HOSTILE, name=HOSTILE, note=HOSTILE), sentence=f"FAIL: {HOSTILE}")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    write(checked(finding(), finding(1, verdict="pass"), flips={"release": (1, 2)}), [flip()], tmp_path / "out")
    return tmp_path


def test_the_sentence_comes_first_everywhere(folder):
    said = "FAIL: AUROC on generator=g0 fell."
    assert (folder / "out/report.md").read_text().splitlines()[0] == said
    assert json.loads((folder / "out/report.json").read_text())["sentence"] == said
    assert f'<h1 class="warn">{said}</h1>' in (folder / "out/report.html").read_text()
    assert ElementTree.parse(folder / "out/junit.xml").getroot().get("name") == said
    assert (folder / "GITHUB_STEP_SUMMARY").read_text().startswith(said)
    assert f"sentence={said}" in (folder / "GITHUB_OUTPUT").read_text().splitlines()


def test_every_file_of_the_folder(folder):
    names = "annotations.txt flips.csv flips.parquet junit.xml report.html report.json report.md"
    assert sorted(path.name for path in (folder / "out").iterdir()) == names.split()
    assert read(folder / "out/report.json").exit_code == 1
    assert pq.read_table(folder / "out/flips.parquet").to_pylist()[0]["image_id"] == "d" * 64
    (row,) = csv.DictReader((folder / "out/flips.csv").read_text().splitlines())
    assert row["topic"] == "'=cmd()", "a spreadsheet takes it for text"


def test_what_github_reads(folder):
    lines = dict(line.split("=", 1) for line in (folder / "GITHUB_OUTPUT").read_text().splitlines())
    assert lines["verdict"] == "fail" and lines["exit_code"] == "1" and lines["worst_gate"] == "auroc generator=g0"
    assert (lines["change"], lines["low"], lines["high"]) == ("-0.1", "-0.12", "-0.08")
    assert all("\n" not in line for line in outputs(NASTY))


def test_markdown_fits_into_a_comment_and_counts_what_does_not():
    text = markdown(MANY)
    assert 40_000 < len(text) <= LIMIT
    shown = text.count("| auroc generator=g")
    assert f"{3000 - shown:,} more rows stand in the report's files." in text
    assert len(markdown(checked(*(finding(n, verdict="pass") for n in range(3000)), outcome="pass"))) <= LIMIT
    assert len(markdown(checked(finding(), sentence="x" * 100_000))) <= LIMIT


def test_names_stay_names_in_markdown():
    text = markdown(NASTY)
    assert "<img" not in text and "@everyone" not in text and "](" not in text and text.count("</details>") == 0
    assert escaped("tpr_at_fpr_0.01 of g_1") == "tpr_at_fpr_0.01 of g_1"
    assert "https&#58;//x" in escaped("https://x") and "www&#46;" in escaped("www.x")


def test_junit_is_xml_whatever_the_names():
    root = ElementTree.fromstring(xml(NASTY).encode())
    assert root.get("failures") == "1" and root.find(".//testcase") is not None
    verdicts = ["fail", "unmeasured", "inconclusive", "waived", "pass", "identical"]
    some = checked(*(finding(n, verdict=verdict) for n, verdict in enumerate(verdicts)))
    root = ElementTree.fromstring(xml(some).encode())
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "2"]
    strict = ElementTree.fromstring(xml(replace(some, on_inconclusive="fail")).encode())
    assert [strict.get(name) for name in ("failures", "skipped")] == ["2", "1"]
    nothing = ElementTree.fromstring(xml(checked(outcome="not comparable")).encode())
    assert nothing.get("errors") == "1"


def test_at_most_ten_annotations_the_worst_first():
    lines = annotations(MANY)
    assert len(lines) == 10 and lines[0].startswith("::error title=redqueen check::AUROC on generator=g0 fell 10.0")
    assert lines[-1] == "::error title=redqueen check::2991 more; see the report"
    assert len(annotations(checked(*(finding(n) for n in range(10))))) == 10
    assert "2991" not in "".join(annotations(checked(*(finding(n) for n in range(10)))))
    assert all(re.fullmatch(r"::(error|warning) title=redqueen check::[^\r\n]*", line) for line in annotations(NASTY))
    assert annotations(checked(finding(verdict="pass"), outcome="pass")) == []


def test_the_page_loads_nothing_and_escapes_names():
    text = page(NASTY, [flip(generator=HOSTILE)] * 300, {})
    assert "<img" not in text and "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert "and 100 more in flips.csv" in text
    assert text.count("<svg") == 2, "one for a phone"
    many = page(MANY, [], {})
    assert "2,940 more stand in the table" in many and len(many) < 2_000_000
    assert "What was not measured" in page(checked(finding(verdict="unmeasured", change=None, note="gone")), [], {})
    assert page(checked(outcome="not comparable"), [], {}).count("<svg") == 0
