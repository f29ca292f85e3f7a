"""Errors that teach: the value, the nearest match, what is allowed; all in one line."""

import pytest

from redqueen.errors import DigestError, RejectedPictureError, UserError, unknown

NAMES = ["npr", "spectral", "linear_probe"]


@pytest.mark.parametrize(
    ("value", "near"), [("nrp", "npr"), ("spektral", "spectral"), ("linear-probe", "linear_probe")]
)
def test_a_typing_error_meets_its_nearest_match(value: str, near: str) -> None:
    error = unknown("detector", value, NAMES)
    assert isinstance(error, UserError)
    assert str(error) == f"unknown detector '{value}'; did you mean '{near}'? Allowed: linear_probe, npr, spectral"


@pytest.mark.parametrize("value", ["", "zzzzzz", "42"])
def test_without_a_near_match_the_allowed_names_are_there(value: str) -> None:
    assert str(unknown("view", value, iter(NAMES))) == f"unknown view '{value}'; Allowed: linear_probe, npr, spectral"


def test_of_many_names_the_nearest_are_shown() -> None:
    names = [f"generator-{number}" for number in range(200)]
    assert str(unknown("generator", "generator-19x", names)) == (
        "unknown generator 'generator-19x'; did you mean 'generator-19'? "
        "Allowed: generator-19, generator-199, generator-198, generator-197, generator-196 and 195 more"
    )


def test_with_nothing_allowed_it_says_so() -> None:
    assert str(unknown("window", "2022", [])) == "unknown window '2022'; Allowed: (none)"


def test_what_the_command_line_catches() -> None:
    """Mixed digests are the user's to mend; a rejected picture is not an error of the run."""
    assert issubclass(DigestError, UserError)
    assert not issubclass(RejectedPictureError, UserError)
    assert issubclass(RejectedPictureError, ValueError)
