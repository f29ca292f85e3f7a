"""The command line: `redqueen TASK overrides…`. Nothing heavy is imported until a task runs."""

import json
import logging
import os
import platform
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from redqueen import __version__
from redqueen.errors import UserError, unknown
from redqueen.files import configs

TASKS = {
    "corpus build": "build a corpus: treat, group, split, match and audit the pictures of a source",
    "corpus audit": "what a corpus gives away besides its content: metadata, compression history; a page to look at",
    "corpus show": "contact sheets of a corpus by kind, generator, topic, split or source",
    "corpus diff": "what changed from one corpus to another",
    "corpus push": "upload a corpus to the Hub with its card, private unless told otherwise",
    "corpus quality": "measure each generator of a corpus: KID and CMMD to its held-out photographs",
    "fit_generator": "train one generation of the lineage",
    "fit_autoencoder": "train a small autoencoder on a corpus's training photographs",
    "quality": "measure each generation of the lineage: KID to photographs that it never saw",
    "generators": "list the dated vocabulary of generators and draw its timeline",
    "generators pin": "resolve the generators' weights on the Hub to commits and write the lock",
    "detectors": "list every detector: paper, input, size, what it needs",
    "generate": "render pictures with a generator",
    "train": "train detectors on everything up to a cutoff",
    "predict": "score the test pictures under every view of a suite",
    "evaluate": "turn predictions into a result with intervals",
    "track": "the whole job: corpus, detectors at every cutoff, predictions, results, report",
    "benchmark": "write what a run was measured against without its pictures: RUN output=FOLDER",
    "report": "make the report again, of the folders of finished runs or of what the settings describe",
    "detect": "judge pictures: FILE… (folders; - for paths from stdin) --detector FOLDER [--result JSON]",
    "serve": "the same as a page of this machine alone: --detector FOLDER [--result JSON] [--port N]",
    "check run": "has a detector got worse: --policy FILE --candidate PREDICTIONS [--baseline PATH|git:REF …]",
    "check accept": "make a candidate the new baseline: --policy FILE --candidate PREDICTIONS --reason TEXT",
    "check power": "what a check can see before anything is spent: --policy FILE [--candidate PREDICTIONS]",
    "check explain": "the pictures behind a change: REPORT.json [--slice generator=NAME …]",
}
PLACES: Mapping[str, Sequence[str]] = {  # settings that may be given by their place alone, without `name=`
    "corpus audit": ("corpus",),
    "corpus show": ("corpus",),
    "corpus diff": ("before", "after"),
    "corpus push": ("corpus", "to"),
    "corpus quality": ("corpus",),
    "benchmark": ("run",),
    "check explain": ("report",),
}
MANY: Mapping[str, str] = {"report": "runs"}  # a setting that takes all words without `name=`, as a list
FILES = ("detect",)  # tasks whose bare words are files, which never pass through Hydra: it would read ${…} in a name
OPTIONS: Mapping[str, Mapping[str, str]] = {  # `--option value` -> the setting that it stands for
    "detect": {"detector": "checkpoint", "result": "result", "format": "format", "heatmaps": "heatmaps"},
    "serve": {"detector": "checkpoint", "result": "result", "port": "port"},
    "check run": {
        "policy": "policy",
        "candidate": "candidate",
        "baseline": "against",
        "command": "command",
        "output": "output",
    },
    "check accept": {
        "policy": "policy",
        "candidate": "candidate",
        "reason": "reason",
        "baseline": "baseline_name",
        "date": "day",
    },
    "check power": {"policy": "policy", "candidate": "candidate", "baseline": "against"},
    "check explain": {"slice": "slices"},
}
NUMBERS = ("port",)  # settings that are no text
LISTS: tuple[str, ...] = ("against", "slices")  # settings whose option may be given several times
CRASHES: Mapping[str, int] = {
    "check_run": 5
}  # tasks (as their modules are called) with a code of their own for an error of ours
_VALUED = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--cfg", "-c", "--package", "-p")
_WIDTH = max(map(len, TASKS))
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

USAGE = """Red Queen: how long does a detector of AI-generated political imagery stay right?

usage: redqueen TASK [override=value …] [--config-dir DIR] [--cfg job] [-m]

tasks:
{tasks}

examples:
  redqueen track experiment=quickstart
  redqueen track experiment=field source.path=FOLDER
  redqueen corpus build source=wheels name=photographs
  redqueen report runs/quickstart
  redqueen track experiment=quickstart --cfg job          show the settings and stop
  redqueen detect photo.jpg folder --detector runs/store/checkpoint/NAME --result runs/NAME/results/NAME.json
  redqueen serve --detector runs/store/checkpoint/NAME    prints the address of a page for this machine alone

exit codes: 0 done; 1 an error of ours or of the machine; 2 bad input (one line says what and what is allowed);
            130 interrupted (the same command goes on where it stopped)
  detect:   0 every file was judged, none looks AI-generated; 3 at least one looks AI-generated;
            4 none does, but at least one file could not be judged (the others were)
  check run: 0 pass; 1 a regression; 3 too little to tell, where the policy says fail; 4 not comparable, or something
            that the policy asks for was not measured; 5 the check itself, or what makes its candidate, crashed
  serve:    0 ended by Ctrl-C
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one task; returns the exit code (see USAGE)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(USAGE.format(tasks="\n".join(f"  {name:<{_WIDTH}} {text}" for name, text in TASKS.items())))
        return EXIT_OK
    if words[0] == "--version":
        sys.stdout.write(f"redqueen {__version__}\n")
        return EXIT_OK
    return _ended(words)


def _ended(words: Sequence[str]) -> int:
    """Run a task; what goes wrong becomes a line on stderr and an exit code."""
    task = ""
    try:
        kept, files = _files(words)
        task, rest = _task(kept)
        return _run(task, rest, files)
    except UserError as error:
        return _failed(str(error), EXIT_USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted; the same command goes on where it stopped", EXIT_INTERRUPTED)
    except OSError as error:
        return _failed(str(error), CRASHES.get(task, EXIT_FAILED))
    except Exception as error:  # an error of ours: a traceback tells most, but where a code of its own is promised
        if task not in CRASHES:
            raise
        reason = " ".join(str(error).split())[:300]
        return _failed(f"internal error: {type(error).__name__}: {reason}", CRASHES[task])


def _failed(message: str, code: int) -> int:
    sys.stderr.write(f"redqueen: {message}\n")
    return code


def _files(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words with options as settings, and the files among them: bare words, `-`, and all that follows `--`."""
    task = next((name for name in (" ".join(words[:2]), words[0]) if name in OPTIONS), None)
    if task is None:
        return list(words), []
    options, length = OPTIONS[task], len(task.split())
    files: list[str] = []
    several: dict[str, list[str]] = {}
    kept, left = list(words[:length]), list(words[length:])
    while left:
        word = left.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if word == "--" and task in FILES:
            files += left
            break
        if name in options and (equals or word.startswith("--")):
            if not equals and not left:
                raise UserError(f"{word} needs a value: {word}=… or {word} …")
            given, setting = value if equals else left.pop(0), options[name]
            if setting in LISTS:
                several.setdefault(setting, []).append(given)
            else:
                kept.append(f"{setting}={given if setting in NUMBERS else _quoted(given)}")
        elif word in _VALUED:
            kept += [word, *left[:1]]
            del left[:1]
        elif task in FILES and (word == "-" or (word[:1] != "-" and "=" not in word)):
            files.append(word)
        else:
            kept.append(word)
    return [*kept, *(f"{setting}={_quoted(given)}" for setting, given in several.items())], files


def _quoted(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False).replace("${", "\\${")  # text, where Hydra would look up a setting


def _task(words: Sequence[str]) -> tuple[str, list[str]]:
    """The task, of one word or two, as its configuration is called; and the words after it."""
    for length in (2, 1):
        name, rest = " ".join(words[:length]), list(words[length:])
        if name in TASKS:
            values = {at + 1 for at, word in enumerate(rest) if word in _VALUED}  # of options
            bare = [w for at, w in enumerate(rest) if w[:1] != "-" and "=" not in w and at not in values]
            places = PLACES.get(name, ())[: len(bare)]
            named = [f"{place}={json.dumps(word)}" for place, word in zip(places, bare, strict=False)]
            kept = [word for word in rest if word not in bare[: len(places)]]
            if name in MANY and bare:
                named, kept = [f"{MANY[name]}={json.dumps(bare)}"], [word for word in rest if word not in bare]
            return name.replace(" ", "_"), named + kept
    second = [name for name in TASKS if name.split()[0] == words[0]]
    raise unknown("task", " ".join(words[:2]) if second else words[0], second or TASKS)


def _run(task: str, overrides: Sequence[str], files: Sequence[str] = ()) -> int:
    """Compose the task's configuration with Hydra and run it; Hydra's own errors become one line each."""
    import hydra  # noqa: PLC0415
    from hydra.core.hydra_config import HydraConfig  # noqa: PLC0415
    from omegaconf import DictConfig  # noqa: PLC0415

    from redqueen.hydra_errors import one_line  # noqa: PLC0415
    from redqueen.settings import accepted, check  # noqa: PLC0415

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and leaving
    _quiet()
    codes: list[int] = []
    errors: list[Exception] = []
    here = platform.node(), os.getpid()

    def job(cfg: DictConfig) -> None:
        try:
            check(cfg)
            folder = Path(HydraConfig.get().runtime.output_dir)
            given = (files,) if task in FILES else ()
            codes.append(import_module(f"redqueen.tasks.{task}").run(cfg, folder, *given))
        except Exception as error:  # raised again below: Hydra would write a line of its own to stderr first
            if (platform.node(), os.getpid()) != here:
                raise  # a process of the launcher's, which hands it on
            errors.append(error)
        except SystemExit as error:  # Lightning's answer to Ctrl-C
            raise (KeyboardInterrupt if isinstance(error.__context__, KeyboardInterrupt) else error) from None

    words, sys.argv = sys.argv, ["redqueen", *accepted(configs(), task, overrides)]
    try:
        with one_line(configs(), task, overrides):
            hydra.main(version_base="1.3", config_path=str(configs()), config_name=task)(job)()
            for error in errors:
                raise error
    finally:
        sys.argv = words
    return max(codes, default=EXIT_OK)


def _quiet() -> None:
    """Keep the libraries' advertisements and deprecation notes out of the user's terminal."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
