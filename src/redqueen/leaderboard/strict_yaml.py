"""YAML of plain values: no anchors, aliases, tags or references to Python, few levels, and no key twice."""

from collections.abc import Hashable
from typing import Any

import yaml

MOST = 256 * 2**10  # bytes
DEPTH = 32  # levels of lists and mappings
_OPEN = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSE = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


class StrictYamlError(ValueError):
    """What was read is no such YAML; the message is one line."""


class _Loader(yaml.SafeLoader):
    """The safe loader, which a key that stands twice is an error to."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found = super().construct_mapping(node, deep)
        if len(found) != len(node.value):
            raise StrictYamlError("has a key twice")
        return found


def loads(data: bytes) -> Any:
    """The value of a YAML document in UTF-8.

    Raises:
        StrictYamlError: it is too long or too deep, no YAML, or more than plain values.
    """
    if len(data) > MOST:
        raise StrictYamlError(f"has {len(data)} bytes; at most {MOST} are read")
    try:
        text = data.decode()
        _scan(text)
        return yaml.load(text, _Loader)  # noqa: S506  (a safe loader)
    except UnicodeDecodeError as error:
        raise StrictYamlError(f"is not UTF-8 at byte {error.start}") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        if isinstance(error, StrictYamlError):
            raise
        reason = " ".join(str(error).split())
        raise StrictYamlError(f"is not YAML: {reason[:160]}") from None


def _scan(text: str) -> None:
    """Refuse what is no plain value before a value is made: the scanner does not recurse, the parser does."""
    level = 0
    for token in yaml.scan(text, yaml.SafeLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise StrictYamlError(f"has an anchor or alias '{token.value[:40]}'; write values out")
        if isinstance(token, yaml.TagToken):
            raise StrictYamlError(f"has a tag {token.value!s:.60}; plain values alone are read")
        level += isinstance(token, _OPEN) - isinstance(token, _CLOSE)
        if level > DEPTH:
            raise StrictYamlError(f"has more than {DEPTH} levels")
