"""Hydra's errors, said in one line: the value, the nearest match, what is allowed."""

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import HydraException, InstantiationException, MissingConfigException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from redqueen.errors import UserError, unknown
from redqueen.settings import siblings


@contextmanager
def one_line(configs: Path, task: str, overrides: Sequence[str]) -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise about a user's settings into UserError."""
    try:
        yield
    except MissingConfigException as error:
        raise _no_such_choice(error, configs) from None
    except InstantiationException as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from None
        raise
    except MissingMandatoryValue as error:
        key = re.search(r"full_key: (\S+)", str(error))
        name = key.group(1) if key else "a setting"
        raise UserError(f"{name} has no value yet: add {name}=… to the command") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise _bad_override(error, configs, task, overrides) from None


def _no_such_choice(error: MissingConfigException, configs: Path) -> UserError:
    missing = str(error.missing_cfg_file or "")
    group, _, name = missing.removesuffix(".yaml").rpartition("/")
    folder = configs / group
    if group and folder.is_dir():
        return unknown(group, name, (path.stem for path in folder.glob("*.yaml")))
    return unknown("group of settings", group or name, (path.name for path in configs.iterdir() if path.is_dir()))


def _bad_override(error: Exception, configs: Path, task: str, overrides: Sequence[str]) -> UserError:
    """The override that Hydra could not apply, with the nearest key at its level."""
    text = " ".join(str(error).split())
    found = re.search(r"Could not override '([^']+)'", text) or re.search(
        r"Could not append to config.*'([^']+)'", text
    )
    if not found:
        return UserError(text)
    key = found.group(1)
    head, _, last = key.rpartition(".")
    allowed = siblings(configs, task, overrides, head)
    while head and not allowed:  # nor is there anything of the name above it
        key, (head, _, last) = head, head.rpartition(".")
        allowed = siblings(configs, task, overrides, head)
    near = difflib.get_close_matches(last, allowed, n=1)
    hint = f"; did you mean '{f'{head}.' if head else ''}{near[0]}'?" if near else ";"
    return UserError(f"no setting '{key}'{hint} Allowed{f' under {head}' if head else ''}: {', '.join(allowed)}")
