"""A report of verification in four forms, and what strangers write into them."""

import json
from xml.etree import ElementTree

import pytest

from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.verify import Report
from redqueen.report.verified import FORMS, MOST, as_json, escaped, junit, markdown, plain, sentence, text

NASTY = (
    "@everyone #77 </details> <img src=x onerror=alert(1)> | `x` [a](javascript:alert(1)) https://example.org "
    "www.example.org a@example.org \x00\x1b[2J\u202e\ud800\uffff ![x](y) ~~~ &lt; **b** _c_ \n## d"
)
CHECKS = (
    Check("container", "passed", "11 files"),
    Check("predictions.ids", "rejected", "3 test pictures have no score", "score each picture once"),
    Check("forensics.copy", "review", "like another one"),
    Check("run", "skipped", "no corpus"),
)


def report(*checks, **more):
    return Report("bundle.tar", "one", "npr", "field version 1", "ab" * 32, "cd" * 32, checks=checks, **more)


@pytest.mark.parametrize(
    ("checks", "more", "code", "first"),
    [
        ((CHECKS[0],), {}, 0, "Accepted: claimed"),
        (CHECKS, {}, 1, "Rejected: predictions.ids: 3 test pictures have no score"),
        ((CHECKS[2], CHECKS[3]), {}, 3, "Needs a human: forensics.copy: like another one"),
        (
            (Check("container.link", "unsafe", "'x' is a link"), CHECKS[1]),
            {},
            4,
            "Unsafe: container.link: 'x' is a link",
        ),
        ((CHECKS[1], CHECKS[1]), {}, 1, "Rejected: predictions.ids: 3 test pictures have no score (and 1 more)"),
        (CHECKS, {"crash": "internal error in stage run: x"}, 5, "No verdict: internal error in stage run: x"),
    ],
)
def test_every_form_says_the_verdict_first(checks, more, code, first):
    one = report(*checks, **more)
    assert one.code == code
    assert sentence(one) == first
    assert text(one).startswith(f"{first}\n")
    assert markdown(one).startswith(f"**{first}**\n")
    assert json.loads(as_json(one))["sentence"] == first
    assert json.loads(as_json(one))["code"] == code
    assert ElementTree.fromstring(junit(one)).find("properties/property").get("value") == first


def test_every_check_is_in_every_form_with_what_mends_it():
    for form, make in FORMS.items():
        made = make(report(*CHECKS))
        assert all(check.id in made and check.message in made for check in CHECKS), form
        assert "score each picture once" in made


def test_the_test_runners_form_counts():
    suite = ElementTree.fromstring(junit(report(*CHECKS, crash="internal error")))
    assert [suite.get(name) for name in ("tests", "failures", "skipped", "errors")] == ["5", "2", "1", "1"]
    cases = suite.findall("testcase")
    assert len(cases) == 5
    assert [case.find("failure").get("type") for case in cases if case.find("failure") is not None] == [
        "rejected",
        "review",
    ]
    assert sum(case.find("skipped") is not None for case in cases) == 1
    assert sum(case.find("error") is not None for case in cases) == 1


@pytest.mark.parametrize("form", FORMS)
def test_what_a_stranger_writes_stays_text(form):
    made = FORMS[form](report(Check("metadata.schema", "rejected", NASTY, NASTY), stage=NASTY, crash=""))
    made.encode()
    for never in ("\x00", "\x1b", "\u202e", "\ud800", *(("<img", "</details") if form in ("md", "junit") else ())):
        assert never not in made


def test_markdown_has_no_structure_of_a_stranger():
    made = markdown(report(Check("metadata.schema", "rejected", NASTY, NASTY)))
    head, _, rows = made.partition("| --- |")
    lines = rows.splitlines()
    assert len(lines) == 2
    assert lines[1].count("|") == 5
    for never in ("@everyone", "`", "<", "](", "https://", "www.", "@example", "#77", "**b", "_c_", "~~~"):
        assert never not in lines[1], never


def test_a_well_meant_text_is_not_mangled():
    assert escaped("run/cost.json has 3 bytes, listed are 4 (0.5%): 'x'") == (
        "run/cost.json has 3 bytes, listed are 4 (0.5%): 'x'"
    )


def test_a_terminal_gets_no_command():
    assert plain("a\x1b[2J\rb\u2028c\u00e4") == "a\\x1b[2J\\rb\\u2028c\u00e4"


def test_many_long_checks_fit_a_comment_and_what_failed_comes_first():
    checks = [Check(f"metadata.n{number}", "passed", "<" * 80_000) for number in range(500)]
    made = markdown(report(*checks, Check("predictions.ids", "rejected", "x")))
    assert len(made) <= MOST
    assert "| rejected | predictions.ids | x |" in made
    assert "more checks are not shown" in made
    assert len(made) > MOST // 2


def test_illegal_characters_leave_the_xml_well_formed():
    every = "".join(map(chr, [*range(0x300), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x10FFFF]))
    suite = ElementTree.fromstring(junit(report(Check("a.b", "rejected", every, every), crash=every)))
    assert suite.get("failures") == "1"
    assert "\x07" not in suite.find("testcase/failure").get("message")
