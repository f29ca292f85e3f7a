"""Hydra's errors, said in one line: the value, the nearest match, what is allowed."""

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.errors import HydraException, InstantiationException, MissingConfigException
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from redqueen.errors import UserError, unknown


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
        raise _bad_override(error, task, overrides) from None


def _no_such_choice(error: MissingConfigException, configs: Path) -> UserError:
    missing = str(error.missing_cfg_file or "")
    group, _, name = missing.removesuffix(".yaml").rpartition("/")
    folder = configs / group
    if group and folder.is_dir():
        return unknown(group, name, (path.stem for path in folder.glob("*.yaml")))
    return unknown("group of settings", group or name, (path.name for path in configs.iterdir() if path.is_dir()))


def _bad_override(error: Exception, task: str, overrides: Sequence[str]) -> UserError:
    """The override that Hydra could not apply, with the nearest key at its level."""
    text = " ".join(str(error).split())
    found = re.search(r"Could not override '([^']+)'", text) or re.search(
        r"Could not append to config.*'([^']+)'", text
    )
    if not found:
        return UserError(text)
    key = found.group(1)
    head, _, last = key.rpartition(".")
    siblings = _siblings(task, overrides, head)
    near = difflib.get_close_matches(last, siblings, n=1)
    hint = f"; did you mean '{f'{head}.' if head else ''}{near[0]}'?" if near else ";"
    return UserError(f"no setting '{key}'{hint} Allowed{f' under {head}' if head else ''}: {', '.join(siblings)}")


def _siblings(task: str, overrides: Sequence[str], head: str) -> list[str]:
    """Names of the settings at the level of the wrong one, from the task's configuration without that override."""
    from hydra import compose, initialize_config_dir  # noqa: PLC0415
    from hydra.core.global_hydra import GlobalHydra  # noqa: PLC0415
    from omegaconf import OmegaConf  # noqa: PLC0415

    from redqueen.cli import configs  # noqa: PLC0415

    GlobalHydra.instance().clear()
    groups = [word for word in overrides if "=" in word and "." not in word.partition("=")[0]]
    for attempt in (groups, [word for word in groups if word.startswith("experiment=")], []):
        try:
            with initialize_config_dir(str(configs()), version_base="1.3"):
                node: Any = OmegaConf.select(compose(task, attempt), head) if head else compose(task, attempt)
        except (HydraException, OmegaConfBaseException, ConfigKeyError):
            continue
        return sorted(str(key) for key in node) if node is not None else []
    return []
