"""The part of `submission.json` that people write: a YAML file, and the template that asks for it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from redqueen.errors import UserError

_POINTS = {
    "no_test_pictures_in_training": "no test picture was trained on, whole or in part",
    "no_test_labels_used": "no label of a test picture was used for anything",
    "threshold_not_fitted_on_test": "the threshold comes from validation pictures alone",
    "one_final_run": "these are the predictions of one final run, not the best of several",
    "no_look_up_elsewhere": "no reverse image search, no C2PA, no watermark reader",
    "no_metadata_of_files": "nothing but pixels was read",
    "may_be_run_again_and_published": "the results may be published, and the weights, if there are any, run again",
}
_KEYS = {  # what the file may say; True: it has to
    "submission_id": True,
    "revision_of": False,
    "detector": {
        "family": True,
        "method": True,
        "paper": False,
        "code_url": False,
        "licence": True,
        "parameters": False,
        "input": True,
    },
    "team": {"names": True, "contact": True},
    "attempts_on_public": True,
    "selection": {"checkpoint": True, "threshold": True, "split": True},
    "training": {"data_sets": False, "pretrained": False, "exclusions": False},
    "checklist": dict.fromkeys(_POINTS, True),
}


def template(known: Mapping[str, str]) -> str:
    """The YAML to fill in; `known` is what the run already says of `submission_id`, `paper` and `input`."""
    points = "\n".join(f"  {name}: null  # {text}" for name, text in _POINTS.items())
    return f"""\
# What people say of a submission. Fill in every null that is not marked as optional; text in plain characters.
submission_id: {_quoted(known.get("submission_id"))}  # small letters, digits, - and _
revision_of: null  # optional: the submission_id that this one replaces
detector:
  family: null  # in a few words, such as "frozen backbone, linear head"
  method: null  # in a sentence or two
  paper: {_quoted(known.get("paper"))}  # optional: https only
  code_url: null  # optional: https only
  licence: null  # of code and weights, such as Apache-2.0
  parameters: null  # optional: of the whole network
  input: {_quoted(known.get("input"))}  # what it sees of a picture
team:
  names: []  # one or more
  contact: null  # a public address: it is published
attempts_on_public: null  # how often test pictures of this benchmark were scored, this time included
selection:
  checkpoint: null  # how it was chosen, such as "the last step"
  threshold: highest balanced accuracy on validation pictures
  split: val  # that both were chosen on
training:  # optional: what the run cannot know
  data_sets: []  # - {{name: …, digest: null}}, besides the corpus of the run
  pretrained: []  # - {{name: …, until: YYYY-MM or null, source: …}}, besides those that this project knows
  exclusions: []  # - {{what: …, reason: …}}: generators or pictures that the results must not be ranked on
checklist:  # true or false; what is false is shown
{points}
"""


def _quoted(text: str | None) -> str:
    return "null" if text is None else yaml.safe_dump(text, width=1000, allow_unicode=True).split("\n")[0]


def read(path: Path) -> dict[str, Any]:
    """The file as a tree that has every key, null for what it does not say.

    Raises:
        UserError: it is no YAML of this form.
    """
    try:
        given = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())[:200]}") from None
    unknown = sorted(_unknown(given, _KEYS))
    if unknown:
        raise UserError(f"{path}: unknown: {', '.join(unknown)}; allowed are the keys of the template")
    return _whole(given or {}, _KEYS)


def unfilled(tree: Mapping[str, Any]) -> list[str]:
    """The dotted names of all that has to be filled in and is not."""
    return list(_unfilled(tree, _KEYS))


def _unknown(given: Any, keys: Mapping[str, Any], where: str = "") -> Iterator[str]:
    if given is None:
        return
    if not isinstance(given, dict):
        yield where or "a file without keys"
        return
    for key, value in given.items():
        name = f"{where}.{key}".strip(".")
        if key not in keys:
            yield name
        elif isinstance(keys[key], dict):
            yield from _unknown(value, keys[key], name)


def _whole(given: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _whole(given.get(key) or {}, below) if isinstance(below, dict) else given.get(key)
        for key, below in keys.items()
    }


def _unfilled(tree: Mapping[str, Any], keys: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for key, below in keys.items():
        name = f"{where}.{key}".strip(".")
        if isinstance(below, dict):
            yield from _unfilled(tree[key], below, name)
        elif below and tree[key] in (None, [], ""):
            yield name
