"""The Markdown table."""

from redqueen.report.markdown import matrix


def test_one_row_a_detector_controls_last(make):
    lines = matrix([make.result("probe", control=True), make.result("npr")]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| npr", "| probe (control)"]
    assert len({line.count(" | ") for line in lines}) == 1


def test_a_hostile_name_stays_in_its_cell(make):
    line = matrix([make.result("a|b\nc")]).splitlines()[2]
    assert line.startswith("| a\\|b c | ")


def test_undefined_is_said_as_such(make):
    result = make.result(next_period=(), same_period=(), false_positives=())
    assert matrix([result]).splitlines()[2].count("n/a") == 6


def test_a_protocol_of_one_window_has_no_next_period(make):
    head, _, row = matrix([make.result(count=1)]).splitlines()
    assert "same period, clean" in head
    assert "next period" not in head
    assert "n/a" not in row
    assert head.count("|") == row.count("|")
