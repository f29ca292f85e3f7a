"""Hydra's errors as ours: the value, the nearest match, what is allowed, in one line."""

import pytest
from hydra.errors import InstantiationException, MissingConfigException
from omegaconf.errors import MissingMandatoryValue

from redqueen.errors import DigestError, UserError
from redqueen.files import configs
from redqueen.hydra_errors import one_line


def raised(error, overrides=()):
    """The message that an error becomes."""
    with pytest.raises(UserError) as caught, one_line(configs(), "track", overrides):
        raise error
    assert caught.value.__suppress_context__, "Hydra's own error stays out of sight"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_raised_nothing_changed():
    with one_line(configs(), "track", []):
        pass


def test_unknown_choice_names_the_nearest_and_the_allowed():
    message = raised(MissingConfigException("text\nof Hydra", missing_cfg_file="detector/nrp"))
    assert message.startswith("unknown detector 'nrp'; did you mean 'npr'? Allowed: aeroblade, ")


def test_unknown_group_names_the_groups():
    message = raised(MissingConfigException("text", missing_cfg_file="detectors/npr"))
    assert message.startswith(
        "unknown group of settings 'detectors'; did you mean 'detector'? Allowed: augment, backbone, baseline, "
    )


def test_missing_value_says_what_to_add():
    error = MissingMandatoryValue(
        "Missing mandatory value: source.path\n    full_key: source.path\n    object_type=dict"
    )
    assert raised(error) == "source.path has no value yet: add source.path=… to the command"


def test_what_a_constructor_raised_for_the_user_comes_through_as_it_is():
    error = InstantiationException("Error in call to target")
    error.__cause__ = DigestError("two corpora")
    with pytest.raises(DigestError, match="two corpora"), one_line(configs(), "track", []):
        raise error


def test_a_bug_in_a_constructor_stays_a_bug():
    error = InstantiationException("Error in call to target")
    error.__cause__ = ZeroDivisionError()
    with pytest.raises(InstantiationException), one_line(configs(), "track", []):
        raise error


@pytest.mark.parametrize("error", [KeyError("x"), OSError("disk full"), UserError("ours")])
def test_other_errors_pass_through(error):
    with pytest.raises(type(error)) as caught, one_line(configs(), "track", []):
        raise error
    assert caught.value is error
