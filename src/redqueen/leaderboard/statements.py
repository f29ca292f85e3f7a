"""What a bundle says of itself: its JSON and YAML, strictly, and held against the benchmark and the calendar."""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from redqueen.evaluation.benchmark import Benchmark
from redqueen.leaderboard import private, strict_yaml
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.manifest import files
from redqueen.leaderboard.schema import (
    CALIBRATION,
    CARD,
    CONFIG,
    MODEL_FILES,
    MODELS,
    RESULT,
    TRAINING,
    Calibration,
    Submission,
    TrainingData,
    parse,
    parse_result,
    problems,
)
from redqueen.leaderboard.strict_json import StrictJsonError, loads
from redqueen.leaderboard.strict_yaml import StrictYamlError
from redqueen.types import Result, Window

_SHOWN = 5  # problems of one file
_AGAIN = "write the bundle again with `redqueen submit`"
_KNOWN = re.compile(rf"predictions/[^/]+\.parquet|model/[^/]+/({'|'.join(map(re.escape, MODEL_FILES))})")
_AHEAD = datetime.timedelta(days=1)  # in which it is tomorrow somewhere


@dataclass(frozen=True)
class Statements:
    """What was read of a bundle; all of it is the submitter's word."""

    card: Submission
    calibration: Calibration
    training: TrainingData
    result: Result


def read(folder: Path) -> tuple[Statements | None, list[Check]]:
    """The statements of a bundle, or None and why not."""
    found: list[Check] = list(_layout(folder))
    parsed: dict[str, Any] = {}
    for name, model in MODELS.items():
        if (folder / name).is_file():
            found += _parsed(parsed, name, lambda data, model=model: parse(model, data), folder)
    if (folder / RESULT).is_file():
        found += _parsed(parsed, RESULT, parse_result, folder)
    for path in sorted(folder.glob("model/*/record.json")):
        found += _parsed({}, path.relative_to(folder).as_posix(), loads, folder)
    found += _config(folder)
    if any(check.outcome == "rejected" for check in found):
        return None, found
    said = Statements(parsed[CARD], parsed[CALIBRATION], parsed[TRAINING], parsed[RESULT])
    return said, [*found, Check("metadata", "passed", f"{len(parsed)} JSON files as their schemas say, no secrets")]


def _layout(folder: Path) -> Iterator[Check]:
    there = set(files(folder))
    wanted = {*MODELS, RESULT, CONFIG}
    missing = sorted(wanted - there)
    if missing:
        yield Check("metadata.missing", "rejected", f"there is no {', '.join(missing[:_SHOWN])}", _AGAIN)
    strange = sorted(name for name in there - wanted if not _KNOWN.fullmatch(name))
    if strange:
        rest = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        message = f"no bundle has {', '.join(strange[:_SHOWN])}{rest}"
        yield Check("metadata.layout", "rejected", message, "take them away")


def _parsed(into: dict[str, Any], name: str, reader: Any, folder: Path) -> Iterator[Check]:
    """Read one file into a mapping by its name, or say what is wrong with it."""
    try:
        into[name] = reader((folder / name).read_bytes())
    except StrictJsonError as error:
        yield Check("metadata.json", "rejected", f"{name} {_plain(error)}", _AGAIN)
    except ValidationError as error:
        lines = problems(error)
        for line in lines[:_SHOWN]:
            yield Check("metadata.schema", "rejected", f"{name}: {_plain(line)}")
        if len(lines) > _SHOWN:
            yield Check("metadata.schema", "rejected", f"{name}: and {len(lines) - _SHOWN} more")


def _config(folder: Path) -> Iterator[Check]:
    """The settings are plain values without secrets."""
    if not (folder / CONFIG).is_file():
        return
    try:
        settings = strict_yaml.loads((folder / CONFIG).read_bytes())
    except StrictYamlError as error:
        yield Check("metadata.yaml", "rejected", f"{CONFIG} {_plain(error)}", _AGAIN)
        return
    for line in private.secrets(settings)[:_SHOWN]:
        fix = "black it out, and make it void: whoever has the bundle has it"
        yield Check("metadata.secret", "rejected", f"{CONFIG}: {_plain(line)}", fix)
    places = private.places(settings)
    if places:
        message = f"{CONFIG} names places on a disk: {_plain(', '.join(places[:_SHOWN]))}"
        yield Check("metadata.places", "noted", message)


def check(said: Statements, benchmark: Benchmark, today: datetime.date) -> list[Check]:
    """Whether what is said can be true of this benchmark on this day."""
    found = [*_benchmark(said, benchmark), *_date(said.card, today), *_checklist(said.card)]
    if not found:
        found.append(
            Check("metadata.benchmark", "passed", f"of {benchmark.card.name} version {benchmark.card.version}")
        )
    return [*found, *_learned(said, benchmark)]


def _benchmark(said: Statements, benchmark: Benchmark) -> Iterator[Check]:
    named, card = said.card.benchmark, benchmark.card
    pairs = {
        "digest": (named.digest, benchmark.digest),
        "protocol": (named.protocol, card.protocol),
        "suite": (named.suite, card.suite),
    }
    for name, (given, wanted) in pairs.items():
        if given != wanted:
            message = f"{CARD}: {name} of the benchmark is {given[:24]}, that of the one given is {wanted[:24]}"
            yield Check("metadata.benchmark", "rejected", message, "scores of versions never mix: predict again")
    for name, cutoffs in ((CALIBRATION, said.calibration.cutoffs), (TRAINING, said.training.cutoffs)):
        if set(cutoffs) != set(card.cutoffs):
            wrong = sorted(set(cutoffs) ^ set(card.cutoffs))
            message = f"{name}: cutoffs are not those of the benchmark: {', '.join(wrong[:_SHOWN])}"
            yield Check("metadata.cutoffs", "rejected", message, _AGAIN)


def _date(card: Submission, today: datetime.date) -> Iterator[Check]:
    if card.created > today + _AHEAD:
        yield Check("metadata.date", "rejected", f"{CARD}: created {card.created}, and today is {today}")


def _checklist(card: Submission) -> Iterator[Check]:
    unmet = card.checklist.unmet()
    if unmet:
        message = f"{CARD}: the submitter does not vouch for {', '.join(unmet)}"
        yield Check("metadata.checklist", "review", message, "say in `selection` why, and a maintainer decides")


def _learned(said: Statements, benchmark: Benchmark) -> list[Check]:
    """Nothing was learned from after its cutoff, but for what is declared and so not ranked on."""
    windows = {window.name: window for window in benchmark.card.windows}
    order = list(windows)
    released = _released(benchmark)
    declared = {one.what for one in said.training.exclusions}
    found = []
    for cutoff, learned in said.training.cutoffs.items():
        if cutoff not in windows:
            continue
        window = windows[cutoff]
        if not window.generators and learned.newest_release_allowed[:7] > window.end:
            message = (
                f"{TRAINING}: {cutoff} allows releases up to {learned.newest_release_allowed}, it ends {window.end}"
            )
            found.append(Check("metadata.cutoff", "rejected", message, "train on what was released up to the cutoff"))
        later = [name for name in learned.windows if name not in order[: order.index(cutoff) + 1]]
        early = [name for name in learned.generators if _is_later(name, window, released, benchmark)]
        for what, names in (("window", later), ("generator", early)):
            found += _after(cutoff, what, names, declared)
    if not any(check.outcome == "rejected" for check in found):
        found.append(
            Check("metadata.training", "passed", f"nothing was learned from after any of {len(windows)} cutoffs")
        )
    return found


def _after(cutoff: str, what: str, names: list[str], declared: set[str]) -> Iterator[Check]:
    hidden = [name for name in names if name not in declared]
    if hidden:
        message = (
            f"{TRAINING}: cutoff {cutoff} learned from {what} {_plain(', '.join(hidden[:_SHOWN]))}, which is later"
        )
        fix = "train without it, or declare it in `exclusions`: then nothing is ranked on it"
        yield Check("metadata.training", "rejected", message, fix)
    elif names:
        message = f"{TRAINING}: cutoff {cutoff} learned from later {what} {', '.join(names[:_SHOWN])}, as is declared"
        yield Check("metadata.training", "noted", message)


def _released(benchmark: Benchmark) -> Mapping[str, str]:
    """Generator -> its month, of those that the test pictures are of."""
    pairs = zip(benchmark.column("generator"), benchmark.column("released"), strict=True)
    return {str(name): str(month) for name, month in pairs if name is not None}


def _is_later(name: str, cutoff: Window, released: Mapping[str, str], benchmark: Benchmark) -> bool:
    """Whether a generator of the test pictures came after a cutoff: by its month, or by the window that lists it."""
    if name not in released:
        return False
    order = [window.name for window in benchmark.card.windows]
    holding = [w.name for w in benchmark.card.windows if w.holds(released[name], name)]
    if holding:
        return all(order.index(one) > order.index(cutoff.name) for one in holding)
    return not cutoff.generators and released[name][:7] > cutoff.end


def _plain(text: object) -> str:
    return ascii(str(text))[1:-1][:300]
