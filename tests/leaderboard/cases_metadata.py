"""Bad inputs 21 to 35: what a bundle says of itself."""

from collections.abc import Callable
from typing import Any

from leaderboard import world as worlds
from leaderboard.cases import Case, verify
from leaderboard.world import World
from redqueen.leaderboard.schema import CARD, CONFIG, TRAINING

REJECTED = 1
_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
_HTML = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def _edited(change: Callable[[dict[str, Any]], Any], name: str = CARD, form: str = "text"):
    """A JSON file with a change, all else as it should be."""

    def make(world: World) -> list[str]:
        worlds.edit(world.bundle, name, change)
        return verify(world, None, "--format", form)

    return make


def _written(change: Callable[[bytes], bytes], name: str = CARD):
    """A file with other bytes, listed as they are."""

    def make(world: World) -> list[str]:
        path = world.bundle / name
        before = path.read_bytes()
        path.write_bytes(change(before))
        assert path.read_bytes() != before
        worlds.seal(world.bundle)
        return verify(world)

    return make


def _html(card: dict[str, Any]) -> None:
    card["team"]["names"] = [_HTML]
    card["detector"].update(family=_HTML, input=f"{_HTML} footnote")


def _shouting(card: dict[str, Any]) -> None:
    card["submission_id"] = "@everyone </details> | `x`"
    card["detector"]["method"] = "y" * 80_000


def _future(world: World) -> list[str]:
    worlds.edit(world.bundle, CARD, lambda card: card.update(created="2999-01-01"))
    worlds.edit(
        world.bundle, TRAINING, lambda said: said["cutoffs"]["2026-01"].update(newest_release_allowed="2026-02")
    )
    return verify(world)


def _learned(world: World) -> list[str]:
    worlds.edit(world.bundle, TRAINING, lambda said: said["cutoffs"]["2026-01"]["generators"].append("maker-c"))
    return verify(world)


def _token(data: bytes) -> bytes:
    return data + f"logger:\n  api_key: {'0123456789abcdef' * 2}\nhub: hf_{'aB3' * 12}\n".encode()


CASES = [
    Case(
        "21",
        "NaN",
        _written(lambda data: data.replace(b'"parameters":1000', b'"parameters":NaN')),
        REJECTED,
        r"metadata\.json.*NaN",
    ),
    Case(
        "22",
        "a key twice",
        _written(lambda data: data.replace(b"{", b'{"team": 1,', 1)),
        REJECTED,
        r"metadata\.json.*twice",
    ),
    Case("23", "10,000 levels", _written(lambda data: b"[" * 10_000), REJECTED, r"metadata\.json.*levels"),
    Case(
        "24", "UTF-16", _written(lambda data: data.decode().encode("utf-16")), REJECTED, r"metadata\.json.*byte order"
    ),
    Case("25", "an unknown key", _edited(lambda card: card.update(tier="hidden")), REJECTED, r"metadata\.schema.*tier"),
    Case("26", "another version", _edited(lambda card: card.update(schema_version=2)), REJECTED, "schema_version"),
    Case("27", "a YAML bomb", _written(lambda data: _BOMB.encode(), CONFIG), REJECTED, r"metadata\.yaml.*alias"),
    Case(
        "28",
        "a link that is a script",
        _edited(lambda card: card["detector"].update(code_url="javascript:alert(1)")),
        REJECTED,
        r"metadata\.schema.*code_url",
    ),
    Case("29", "HTML in names", _edited(_html, form="md"), 0, r"^\*\*Accepted"),
    Case(
        "30",
        "a name that is a formula",
        _edited(lambda card: card["detector"].update(name='=HYPERLINK("https://example.org")')),
        REJECTED,
        r"metadata\.schema.*detector\.name",
    ),
    Case(
        "31",
        "Markdown that shouts",
        _edited(_shouting, form="md"),
        REJECTED,
        "@\u200beveryone &#60;/details&#62; &#124;",
    ),
    Case(
        "32",
        "an id that leads out",
        _edited(lambda card: card.update(submission_id="../../index")),
        REJECTED,
        r"metadata\.schema.*submission_id",
    ),
    Case("33", "from the future", _future, REJECTED, r"metadata\.date.*metadata\.cutoff"),
    Case("34", "learned from a test generator", _learned, REJECTED, r"metadata\.training.*maker-c"),
    Case("35", "a token in the settings", _written(_token, CONFIG), REJECTED, r"metadata\.secret"),
]
