"""What a regression check holds a detector to: a strict YAML file, so that a typo is an error and never a gate less."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from redqueen.errors import UserError, unknown
from redqueen.files import digest_of

By = Literal["generator", "family", "country", "kind", "style", "topic", "view"]
Period = Literal["next", "same", "past", "whole"]
_Alpha = Annotated[float, Field(gt=0, lt=0.5)]
_Margin = Annotated[float, Field(gt=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gate(_Strict):
    """One figure that may not fall by `margin` or more.

    Attributes:
        metric: name, as in results, such as "auroc" or "tpr_at_fpr_0.01"; which way is worse comes from it.
        margin: the change for the worse that is tolerated, in the unit of the metric.
        alpha: chance of an error at either bound; None for the policy's. Under it, the gate fails less readily.
        view: of the suite.
        period: of the windows, as in results: the next one after each cutoff, or what was trained on, or both.
        slice: "all", or one slice alone such as "kind=collage", which must be there.
        sliced: whether the gate also holds for each of the policy's slices; only of "all".
        slice_margin: what is tolerated there; None for `margin`.
        name: in reports and waivers; None for the metric with what is not the default.
    """

    metric: str
    margin: _Margin
    alpha: _Alpha | None = None
    view: str = "clean"
    period: Period = "next"
    slice: str = "all"
    sliced: bool = True
    slice_margin: _Margin | None = None
    name: str | None = None

    @property
    def label(self) -> str:
        """Its name."""
        parts = [self.view] * (self.view != "clean") + [self.period] * (self.period != "next")
        return self.name or "@".join([self.metric, *parts]) + f" {self.slice}" * (self.slice != "all")


class Floor(_Strict):
    """A figure of the candidate itself that may not lie on the wrong side of a limit, whatever the baselines say.

    Attributes:
        metric: name, as in results.
        slice: "all", one slice such as "kind=photo", or every one of a sort, such as "generator=*".
        min: the limit where higher is better.
        max: the limit where lower is better.
        min_groups: of "generator=*", slices with fewer are left out; one that is named must have them.
        view: of the suite.
        period: of the windows.
        alpha: chance that a figure at its limit fails; None for the policy's.
    """

    metric: str
    slice: str = "all"
    min: float | None = None
    max: float | None = None
    min_groups: Annotated[int, Field(ge=2)] = 50
    view: str = "clean"
    period: Period = "next"
    alpha: _Alpha | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "Floor":
        if (self.min is None) == (self.max is None):
            raise ValueError("a floor has either `min` or `max`")
        return self

    @property
    def label(self) -> str:
        """What it is called in reports and waivers."""
        parts = [self.view] * (self.view != "clean") + [self.period] * (self.period != "next")
        return "@".join([f"floor {self.metric}", *parts])


class Slices(_Strict):
    """Parts of the test pictures that each gate holds for as well.

    Attributes:
        by: sorts of slices; "view" is every other view of the suite.
        min_groups: slices with fewer groups are listed, but decide nothing.
        must_pass: whether a slice that is too small to tell makes the whole check inconclusive; else it is listed.
    """

    by: tuple[By, ...] = ()
    min_groups: Annotated[int, Field(ge=2)] = 50
    must_pass: bool = False


class Waiver(_Strict):
    """A gate that may fail for a while.

    Attributes:
        gate: its name, followed by a slice if it is of one: "auroc generator=flux-1".
        until: the last day.
        issue: where it is being dealt with.
    """

    gate: str
    until: datetime.date
    issue: str


class Policy(_Strict):
    """What is compared with what, and what is tolerated; paths are relative to `folder`.

    Attributes:
        benchmark: folder of the benchmark that was scored.
        gates: at least one.
        baselines: name -> a file, `git:REF:PATH`, or `git:REF` for the first file's path at that commit.
        alpha: chance that a check fails though nothing got worse, over all its gates, slices and baselines.
        floors: limits of the candidate itself.
        slices: that gates hold for as well.
        correction: for the many slices; "none" tests each at its own alpha.
        on_inconclusive: whether too little to tell is exit code 0 or 3.
        waivers: gates that may fail for a while.
        tolerance: scores that differ by no more than this are identical.
        folder: where the file lies.
    """

    benchmark: str
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    baselines: Mapping[str, str] = Field(default_factory=dict)
    alpha: _Alpha = 0.05
    floors: tuple[Floor, ...] = ()
    slices: Slices = Slices()
    correction: Literal["holm", "none"] = "holm"
    on_inconclusive: Literal["warn", "fail"] = "warn"
    waivers: tuple[Waiver, ...] = ()
    tolerance: Annotated[float, Field(ge=0, le=0.01)] = 1e-6
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> "Policy":
        labels = [gate.label for gate in self.gates]
        if doubled := [label for label in labels if labels.count(label) > 1]:
            raise ValueError(f"two gates are called '{doubled[0]}'; give one a `name`")
        alphas = [(one.label, one.alpha) for one in self.gates] + [(one.label, one.alpha) for one in self.floors]
        if above := [label for label, alpha in alphas if alpha is not None and alpha > self.alpha]:
            raise ValueError(f"alpha of '{above[0]}' is above the check's own, {self.alpha}")
        return self

    @property
    def digest(self) -> str:
        """Of everything that it says."""
        return digest_of(self.model_dump(mode="json"))


_PARTS: Mapping[str, type[BaseModel]] = {"gates": Gate, "floors": Floor, "slices": Slices, "waivers": Waiver}


def read(path: Path) -> Policy:
    """Read a policy; raises UserError in one line, which for a key that does not exist names the nearest one."""
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"policy {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"policy {path}: no YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(said, dict):
        raise UserError(f"policy {path}: needs keys such as benchmark and gates, got {type(said).__name__}")
    if "folder" in said:
        raise unknown(f"key of policy {path}", "folder", _keys(Policy))
    try:
        return Policy.model_validate({**said, "folder": path.parent})
    except ValidationError as error:
        raise _one_line(path, error) from None


def _one_line(path: Path, error: ValidationError) -> UserError:
    first = next((one for one in error.errors() if one["type"] == "extra_forbidden"), error.errors()[0])
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        model = _PARTS.get(place[0], Policy) if len(place) > 1 else Policy
        where = f" {'.'.join(place[:-1])}" if place[:-1] else ""
        return unknown(f"key of policy {path}{where}", place[-1], _keys(model))
    message = str(first["msg"]).removeprefix("Value error, ")
    return UserError(f"policy {path}: {'.'.join(place)}{': ' if place else ''}{message[0].lower()}{message[1:]}")


def _keys(model: type[BaseModel]) -> list[str]:
    return [name for name in model.model_fields if name != "folder"]
