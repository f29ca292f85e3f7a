"""The JSON files of a submission, strictly: an unknown, missing or ill-typed key is an error.

Nothing in them is trusted: claims are compared with what is recomputed, text is bounded and plain, links are https.
"""

import datetime
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Le, Len
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from redqueen.leaderboard import strict_json
from redqueen.types import Month, Result

CARD, CALIBRATION, TRAINING, MANIFEST = "submission.json", "calibration.json", "training_data.json", "manifest.json"
CONFIG, ENVIRONMENT, HARDWARE = "run/config.yaml", "run/environment.json", "run/hardware.json"
SEEDS, COST, RESULT = "run/seeds.json", "run/cost.json", "run/result.json"
MODEL_FILES = ("model.safetensors", "detector.yaml", "record.json")  # of model/<cutoff>/

_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_URL = rf"^https://{_NAME}(?:\.{_NAME})+(?::\d{{1,5}})?(?:[/?#][A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?$"
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, format with bidi marks, surrogate, private use, separators


def _plain(text: str) -> str:
    """The text as it is; ValueError where it has characters that are not seen or that turn others around."""
    for mark in text:
        if unicodedata.category(mark) in _HIDDEN and mark != "\n":
            raise ValueError(f"has the character U+{ord(mark):04X}, which cannot be seen")
    if text != text.strip():
        raise ValueError("begins or ends with blanks")
    return text


_Plain = AfterValidator(_plain)
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$", max_length=64)]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]  # of cutoffs too
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\n]*$"), _Plain]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), _Plain]
Url = Annotated[str, StringConstraints(pattern=_URL, max_length=300)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Released = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$")]
Claim = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_.]+/(next|same|past|whole)/[A-Za-z0-9._-]+$", max_length=100)
]
Score = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(0)]
Positive = Annotated[int, Ge(1)]


class Strict(BaseModel):
    """A JSON object that has these keys, these types, and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class BenchmarkName(Strict):
    """What was measured on: `digest` is that of the frozen benchmark, `protocol` and `suite` are labels."""

    name: Slug
    version: Positive
    digest: Sha256
    protocol: Label
    suite: Label


class DetectorCard(Strict):
    """The method in words; `parameters` counts those of the network, None where that is unknown."""

    name: Slug
    control: bool
    family: Line
    method: Text
    paper: Url | None
    code_url: Url | None
    licence: Line
    parameters: Count | None
    input: Line


class Team(Strict):
    """Who answers for it."""

    names: Annotated[tuple[Line, ...], Len(1, 50)]
    contact: Line


class Selection(Strict):
    """How checkpoint and threshold were chosen, and on which split: never on the test pictures."""

    checkpoint: Text
    threshold: Text
    split: Literal["train", "val"]


class Checklist(Strict):
    """What a submitter vouches for."""

    no_test_pictures_in_training: bool
    no_test_labels_used: bool
    threshold_not_fitted_on_test: bool
    one_final_run: bool
    no_look_up_elsewhere: bool  # reverse image search, C2PA, watermarks
    no_metadata_of_files: bool
    may_be_run_again_and_published: bool

    def unmet(self) -> tuple[str, ...]:
        """The points that are answered with no."""
        return tuple(name for name, kept in self.model_dump().items() if not kept)


class Submission(Strict):
    """`submission.json`: `created` is the date of the run; claims are never shown, only compared."""

    schema_version: Literal[1]
    submission_id: Slug
    revision_of: Slug | None
    benchmark: BenchmarkName
    detector: DetectorCard
    team: Team
    created: datetime.date
    claims: Annotated[dict[Claim, float], Len(0, 500)]
    attempts_on_public: Positive
    selection: Selection
    checklist: Checklist

    @field_validator("revision_of")
    @classmethod
    def _another(cls, value: str | None, info: ValidationInfo) -> str | None:
        """A submission revises another one."""
        if value is not None and value == info.data.get("submission_id"):
            raise ValueError("is the submission itself")
        return value


class FittedOn(Strict):
    """The validation pictures that threshold and temperature come from; `digest` is of their ids."""

    split: Literal["val"]
    pictures: Positive
    generated: Count
    digest: Sha256


class Operating(Strict):
    """Of one cutoff: the threshold on the calibrated score, fixed before any test picture was seen."""

    threshold: Score
    temperature: Annotated[float, Ge(1e-6), Le(1e6)]
    method: Line
    target: Line
    fitted_on: FittedOn


class Calibration(Strict):
    """`calibration.json`: of every cutoff."""

    schema_version: Literal[1]
    cutoffs: Annotated[dict[Label, Operating], Len(1, 200)]


class Learned(Strict):
    """What training up to one cutoff has seen."""

    generators: Annotated[tuple[Line, ...], Len(0, 5000)]
    newest_release_allowed: Released
    windows: Annotated[tuple[Label, ...], Len(0, 200)]
    pictures: Count | None


class DataSet(Strict):
    """A data set that was learned from, and its digest where it has one."""

    name: Line
    digest: Sha256 | None


class Pretrained(Strict):
    """Weights that were not trained here; `until` is the last month that they may have seen pictures of."""

    name: Line
    until: Month | None
    source: Line


class Exclusion(Strict):
    """Generators or data that results must not be ranked on, as the submitter says, and why."""

    what: Line
    reason: Text


class TrainingData(Strict):
    """`training_data.json`."""

    schema_version: Literal[1]
    cutoffs: Annotated[dict[Label, Learned], Len(1, 200)]
    data_sets: Annotated[tuple[DataSet, ...], Len(0, 100)]
    pretrained: Annotated[tuple[Pretrained, ...], Len(0, 100)]
    exclusions: Annotated[tuple[Exclusion, ...], Len(0, 100)]


class Environment(Strict):
    """`run/environment.json`: what the run was made with; None where it could not be told."""

    schema_version: Literal[1]
    python: Line
    system: Line | None
    glibc: Line | None
    machine: Line
    packages: Annotated[dict[Line, Line | None], Len(1, 200)]
    decoders: Annotated[dict[Line, Line | None], Len(0, 20)]
    commit: Commit | None
    lock: Sha256 | None


class Hardware(Strict):
    """`run/hardware.json`; memory in GiB."""

    schema_version: Literal[1]
    cpu: Line | None
    cores: Positive | None
    memory: Annotated[float, Ge(0)] | None
    gpus: Annotated[tuple[Line, ...], Len(0, 1024)]
    precision: Line
    batch_size: Positive


class Seeds(Strict):
    """`run/seeds.json`: of training, of the corpus and its bootstrap."""

    schema_version: Literal[1]
    seed: Count
    corpus_seed: Count


class Spent(Strict):
    """What training up to one cutoff took; None is unknown."""

    seconds: Annotated[float, Ge(0)] | None
    steps: Count | None
    pictures: Count | None


class Costs(Strict):
    """`run/cost.json`: of every cutoff."""

    schema_version: Literal[1]
    cutoffs: Annotated[dict[Label, Spent], Len(1, 200)]


class Listed(Strict):
    """A file of the manifest; size in bytes."""

    sha256: Sha256
    size: Count


class Manifest(Strict):
    """`manifest.json`: every other file by its path, and the digest over all of them."""

    schema_version: Literal[1]
    files: Annotated[dict[Annotated[str, StringConstraints(max_length=300)], Listed], Len(1, 1000)]
    root: Sha256


MODELS: Mapping[str, type[Strict]] = {  # every JSON file of a bundle but result.json, and those of a model
    CARD: Submission,
    CALIBRATION: Calibration,
    TRAINING: TrainingData,
    MANIFEST: Manifest,
    ENVIRONMENT: Environment,
    HARDWARE: Hardware,
    SEEDS: Seeds,
    COST: Costs,
}
M = TypeVar("M", bound=Strict)


def parse(model: type[M], data: bytes) -> M:
    """A file's content as its model; raises StrictJsonError or ValidationError, which `problems` puts into lines."""
    strict_json.loads(data)
    return model.model_validate_json(data)


def parse_result(data: bytes) -> Result:
    """The claimed `types.Result`, as strictly."""
    strict_json.loads(data)
    return TypeAdapter(Result).validate_json(data)


def problems(error: ValidationError | strict_json.StrictJsonError) -> list[str]:
    """One line for each thing that is wrong: where, what was given, what is allowed.

    >>> try:
    ...     Selection(checkpoint="the last", threshold="best", split="test")
    ... except ValidationError as error:
    ...     print(*problems(error))
    split: 'test': Input should be 'train' or 'val'
    """
    if not isinstance(error, ValidationError):
        return [str(error)]
    return [_line(one) for one in error.errors(include_url=False)]


def _line(one: Any) -> str:
    where = ".".join(str(part) for part in one["loc"]) or "file"
    given = "" if one["type"] in ("missing", "extra_forbidden") or isinstance(one["input"], dict) else one["input"]
    shown = f"{ascii(given)[:60]}: " if given != "" else ""
    text = re.sub(r"^Value error, ", "", one["msg"])
    return f"{ascii(where)[1:-1][:120]}: {shown}{text}"


def predictions(suite: str) -> str:
    """Where the scores lie."""
    return f"predictions/{suite}.parquet"
