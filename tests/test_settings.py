"""What may be set on the command line, and what is told of what may not."""

from typing import Literal

import pytest
from omegaconf import OmegaConf

from redqueen import settings
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.settings import accepted, check


class Thing:
    def __init__(
        self,
        size: int,
        rate: float = 0.1,
        kind: Literal["a", "b"] = "a",
        sides: tuple[int, int] = (1, 2),
        on: bool = True,
    ) -> None:
        pass


@pytest.fixture
def thing(monkeypatch):
    """A node that builds a Thing, under a name as one of ours."""
    original = settings.get_object
    monkeypatch.setattr(settings, "get_object", lambda path: Thing if path == "redqueen.Thing" else original(path))

    def make(**values):
        return OmegaConf.create({"part": {"_target_": "redqueen.Thing", "size": 3, **values}})

    return make


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"rate": 1},
        {"rate": 1e-3},
        {"kind": "b"},
        {"sides": [3, 4]},
        {"on": False},
        {"_partial_": True},
        {"size": "???"},
    ],
)
def test_right_values_pass(thing, values):
    check(thing(**values))
    with pytest.raises(UserError, match="part.size=x"):  # the node was looked at
        check(thing(**{**values, "size": "x"}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": "abc"}, "part.size=abc: input should be a valid integer"),
        ({"size": "3"}, "part.size=3: input should be a valid integer"),
        ({"size": True}, "part.size=True: input should be a valid integer"),
        ({"size": 2.5}, "part.size=2.5: input should be a valid integer"),
        ({"size": None}, "part.size=None: input should be a valid integer"),
        ({"rate": "fast"}, "part.rate=fast: input should be a valid number"),
        ({"kind": "c"}, "part.kind=c: input should be 'a' or 'b'"),
        ({"sides": [1]}, "part.sides=.*"),
        ({"sides": 5}, "part.sides=5: .*"),
        ({"on": "yes"}, "part.on=yes: input should be a valid boolean"),
        ({"szie": 1}, "unknown setting of part 'szie'; did you mean 'size'. Allowed: kind, on, rate, sides, size"),
    ],
)
def test_wrong_values_are_told_in_one_line(thing, values, message):
    with pytest.raises(UserError, match=message) as caught:
        check(thing(**values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"seed": "x"}, "seed=x"),
        ({"seed": -1}, "seed=-1: input should be greater than or equal to 0"),
        ({"draws": 0}, "draws=0: input should be greater"),
        ({"labels": "false"}, "labels=false: input should be 'true' or 'shuffled'"),
        ({"shares": {"train": "x"}}, "shares.train=x: input should be a valid number"),
        ({"shares": {"trian": 1}}, "shares.trian"),
        ({"render": {"_target_": "redqueen.generation.rendering.Rendering", "n": 0}}, "render.n=0"),
        ({"strict": "maybe"}, "strict=maybe: input should be a valid boolean"),
        ({"limits": "none"}, "limits=none: input should be a valid list"),
    ],
)
def test_plain_settings_have_types_too(value, message):
    with pytest.raises(UserError, match=message):
        check(OmegaConf.create(value))


def test_a_plain_setting_without_a_value_is_left_to_its_task():
    with pytest.raises(UserError, match="seed=-1"):  # and those after it are still looked at
        check(OmegaConf.create({"corpus": "???", "seed": -1}))
    check(OmegaConf.create({"corpus": "???", "seed": 1}))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("recipe.steps=3", "+recipe.steps=3"),  # at the constructor's default in the YAML
        ("recipe.steps=3,4", "+recipe.steps=3,4"),
        ("source.crops=8", "+source.crops=8"),
        ("detector.spectral.size=64", "+detector.spectral.size=64"),
        ("protocol.version=2", "protocol.version=2"),  # a key of the YAML
        ("shares.train=1", "shares.train=1"),
        ("recipe.stepz=3", "recipe.stepz=3"),  # left for Hydra to refuse
        ("render.seed=3", "render.seed=3"),
        ("detector.nrp.size=64", "detector.nrp.size=64"),
        ("+recipe.steps=3", "+recipe.steps=3"),
        ("++recipe.steps=3", "++recipe.steps=3"),
        ("~recipe.steps", "~recipe.steps"),
        ("seed=3", "seed=3"),
        ("--config-dir=a.b", "--config-dir=a.b"),
    ],
)
def test_constructor_parameters_are_let_in(override, expected):
    assert accepted(configs(), "track", [override]) == [expected]


def test_the_last_of_several_holds():
    words = ["recipe.steps=3", "seed=1", "recipe.steps=4", "seed=2"]
    assert accepted(configs(), "track", words) == ["seed=1", "+recipe.steps=4", "seed=2"]


def test_choices_decide_what_can_be_set(tmp_path):
    assert accepted(configs(), "track", ["detector=[npr]", "detector.npr.size=64"])[1] == "+detector.npr.size=64"
    assert accepted(configs(), "track", ["detector.npr.size=64"]) == ["detector.npr.size=64"]
    (tmp_path / "detector").mkdir()
    ours = (configs() / "detector" / "npr.yaml").read_text().replace("detector.npr", "detector.mine", 1)
    (tmp_path / "detector" / "mine.yaml").write_text(ours)
    words = ["--config-dir", str(tmp_path), "detector=[mine]", "detector.mine.size=64"]
    assert accepted(configs(), "track", words)[-1] == "+detector.mine.size=64"


def test_a_wrong_choice_is_left_for_hydra_to_refuse():
    words = ["detector=[nrp]", "recipe.steps=3"]
    assert accepted(configs(), "track", words) in (words, ["detector=[nrp]", "+recipe.steps=3"])
