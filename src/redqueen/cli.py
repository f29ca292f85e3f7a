"""The command line: `redqueen TASK overrides…`. Nothing heavy is imported until a task runs."""

import json
import logging
import os
import platform
import sys
import textwrap
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from redqueen import __version__
from redqueen.commands import NUMBERS, TASKS, Command
from redqueen.errors import UserError, unknown
from redqueen.files import configs

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
{codes}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one task; returns the exit code (see USAGE)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_usage())
        return EXIT_OK
    if words[0] == "--version":
        sys.stdout.write(f"redqueen {__version__}\n")
        return EXIT_OK
    return _ended(words)


def _ended(words: Sequence[str]) -> int:
    """Run a task; what goes wrong becomes a line on stderr and an exit code."""
    crash = None
    try:
        name, length = _named(words)
        crash = TASKS[name].crash
        kept, files = _files(TASKS[name], words[length:])
        return _run(name.replace(" ", "_"), _placed(TASKS[name], kept), files)
    except UserError as error:
        return _failed(str(error), EXIT_USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted; the same command goes on where it stopped", EXIT_INTERRUPTED)
    except OSError as error:
        return _failed(str(error), EXIT_FAILED if crash is None else crash)
    except Exception as error:  # an error of ours: a traceback tells most, but where a code of its own is promised
        if crash is None:
            raise
        return _failed(f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}", crash)


def _usage() -> str:
    """The help: every command with what it does, and exit codes."""
    tasks = "\n".join(f"  {name:<{_WIDTH}} {command.does}" for name, command in TASKS.items())
    wide = max(len(name) for name, command in TASKS.items() if command.codes)
    codes = [
        textwrap.fill(
            command.codes, 120, initial_indent=f"  {name + ':':<{wide + 1}} ", subsequent_indent=" " * (wide + 4)
        )
        for name, command in TASKS.items()
        if command.codes
    ]
    return USAGE.format(tasks=tasks, codes="\n".join(codes))


def _failed(message: str, code: int) -> int:
    sys.stderr.write(f"redqueen: {message}\n")
    return code


def _named(words: Sequence[str]) -> tuple[str, int]:
    """The command that the first words name, and how many they are."""
    for length in (2, 1):
        if " ".join(words[:length]) in TASKS:
            return " ".join(words[:length]), length
    second = [name for name in TASKS if name.split()[0] == words[0]]
    raise unknown("task", " ".join(words[:2]) if second else words[0], second or TASKS)


def _files(command: Command, words: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """The words with options as settings; and the files among them: bare words, `-`, and all that follows `--`.

    None in place of files where the command takes none.
    """
    files: list[str] = []
    several: dict[str, list[str]] = {}
    kept, left = list[str](), list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if word == "--" and command.files:
            files += left
            break
        if name in command.options and (equals or word.startswith("--")):
            if not equals and not left:
                raise UserError(f"{word} needs a value: {word}=… or {word} …")
            given, setting = value if equals else left.pop(0), command.options[name]
            if setting in command.several:
                several.setdefault(setting, []).append(given)
            else:
                kept.append(f"{setting}={given if setting in NUMBERS else _quoted(given)}")
        elif word in _VALUED:
            kept += [word, *left[:1]]
            del left[:1]
        elif command.files and (word == "-" or (word[:1] != "-" and "=" not in word)):
            files.append(word)
        else:
            kept.append(word)
    kept += [f"{setting}={_quoted(given)}" for setting, given in several.items()]
    return kept, files if command.files else None


def _quoted(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False).replace("${", "\\${")  # text, where Hydra would look up a setting


def _placed(command: Command, words: Sequence[str]) -> list[str]:
    """The words, those that are known by their place alone with the names of their settings."""
    values = {at + 1 for at, word in enumerate(words) if word in _VALUED}  # of options
    bare = [w for at, w in enumerate(words) if w[:1] != "-" and "=" not in w and at not in values]
    if command.many and bare:
        return [f"{command.many}={json.dumps(bare)}", *(word for word in words if word not in bare)]
    places = command.places[: len(bare)]
    named = [f"{place}={json.dumps(word)}" for place, word in zip(places, bare, strict=False)]
    return named + [word for word in words if word not in bare[: len(places)]]


def _run(task: str, overrides: Sequence[str], files: Sequence[str] | None) -> int:
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
            given = () if files is None else (files,)
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
