"""JUnit XML, which every CI service shows: a suite of cases, each with what became of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


@dataclass(frozen=True)
class Case:
    """One test case.

    Attributes:
        suite: what it belongs to.
        name: of the case.
        result: "failure" is what was tested, "error" that it could not be.
        message: one line.
    """

    suite: str
    name: str
    result: Literal["passed", "failure", "error", "skipped"] = "passed"
    message: str = ""


def junit(name: str, cases: Sequence[Case]) -> str:
    """The whole file, with `name` as its title; characters that XML does not have become a question mark."""
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.result == "failure" for case in cases)),
        "errors": str(sum(case.result == "error" for case in cases)),
        "skipped": str(sum(case.result == "skipped" for case in cases)),
    }
    root = ElementTree.Element("testsuites", {"name": legal(name), **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": legal(name), **counts})
    for case in cases:
        node = ElementTree.SubElement(suite, "testcase", {"classname": legal(case.suite), "name": legal(case.name)})
        if case.result != "passed":
            ElementTree.SubElement(node, case.result, {"message": legal(case.message)})
        elif case.message:
            ElementTree.SubElement(node, "system-out").text = legal(case.message)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def legal(text: str) -> str:
    r"""The text without what XML 1.0 cannot hold.

    >>> legal("a\x00b\x1b[31m")
    'a?b?[31m'
    """
    return _ILLEGAL.sub("?", text)
