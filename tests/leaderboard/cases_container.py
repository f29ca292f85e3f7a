"""Bad inputs 1 to 20: what a bundle comes in, and its list of files."""

import gzip
import io
import tarfile
import zipfile

from leaderboard import world as worlds
from leaderboard.cases import Case, files, member, tarred, verify
from leaderboard.world import World
from redqueen.leaderboard import manifest
from redqueen.leaderboard.schema import COST, MANIFEST

UNSAFE, REJECTED = 4, 1
_SPARSE = 10**12  # bytes that a file with holes claims


def _with(*members: tuple[tarfile.TarInfo, bytes]):
    return lambda world: verify(world, tarred(world, *members))


def _through_a_link(world: World) -> list[str]:
    links = member("example/run/away", kind=tarfile.SYMTYPE, link="/etc"), member("example/run/away/passwd.json", b"{}")
    return verify(world, tarred(world, *links))


def _overflow(world: World) -> list[str]:
    """Folders so deep that a path check gives up, links back up, and a file through them (CVE-2025-4517)."""
    deep = "d" * 247
    chain = [member("/".join([deep] * (1 + step)), kind=tarfile.DIRTYPE) for step in range(16)]
    links = [member(f"{'abcdefghijklmnop'[step]}", kind=tarfile.SYMTYPE, link=deep) for step in range(16)]
    back = member("escape", kind=tarfile.SYMTYPE, link=f"{'/'.join('abcdefghijklmnop')}/{'../' * 16}etc")
    return verify(world, tarred(world, *chain, *links, back, member("escape/x.json", b"{}"), held={}))


def _zipped(world: World, held: dict[str, bytes]) -> io.BytesIO:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    return data


def _zip(world: World, held: dict[str, bytes]) -> list[str]:
    path = world.folder / "bundle.zip"
    path.write_bytes(_zipped(world, held).getvalue())
    return verify(world, path)


def _nested(world: World) -> list[str]:
    """As 42.zip: zips of zips of zips."""
    inner = bytes(10_000)
    for _ in range(3):
        inner = _zipped(world, {f"lib{number}.json": inner for number in range(8)}).getvalue()
    return _zip(world, {**files(world), "lib.json": inner})


def _bomb(world: World) -> list[str]:
    path = world.folder / "bundle.tar.gz"
    with gzip.open(path, "wb", 9) as file:
        file.write(member("example/submission.json", bytes(50 << 20))[0].tobuf())
        for _ in range(50):
            file.write(bytes(1 << 20))
    return verify(world, path)


def _sparse(world: World) -> list[str]:
    info, _ = member("example/submission.json")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(_SPARSE)}
    path = world.folder / "bundle.tar"
    path.write_bytes(info.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    return verify(world, path)


def _many(world: World) -> list[str]:
    """Headers that differ in the digits of their names alone, whose sum changes with them."""
    head = bytearray(member("example/000000.json")[0].tobuf())
    plain = int(head[148:154], 8)
    path = world.folder / "bundle.tar"
    with path.open("wb") as file:
        for number in range(100_000):
            digits = b"%06d" % number
            head[8:14], head[148:154] = digits, b"%06o" % (plain + sum(digits) - 6 * ord("0"))
            file.write(head)
        file.write(bytes(1024))
    return verify(world, path)


def _disagreeing(world: World) -> list[str]:
    """The directory says one name, the member's own header another one."""
    data = bytearray(_zipped(world, files(world)).getvalue())
    at = data.index(b"submission.json")
    data[at : at + 4] = b"SUBM"
    path = world.folder / "bundle.zip"
    path.write_bytes(data)
    return verify(world, path)


def _polyglot(world: World) -> list[str]:
    hidden = _zipped(world, {"archive/data.pkl": b"cos\nsystem\n(S'true'\ntR."}).getvalue()
    text = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (len(hidden), len(hidden))
    (world.bundle / "model" / "2026-01").mkdir(parents=True)
    (world.bundle / "model" / "2026-01" / "model.safetensors").write_bytes(
        len(text).to_bytes(8, "little") + text + hidden
    )
    worlds.seal(world.bundle)
    return verify(world)


def _extra(world: World) -> list[str]:
    (world.bundle / "predictions" / "other-v1.parquet").write_bytes(b"PAR1")
    return verify(world)


def _missing(world: World) -> list[str]:
    (world.bundle / COST).unlink()
    return verify(world)


def _changed(world: World) -> list[str]:
    path = world.bundle / COST
    path.write_bytes(path.read_bytes().replace(b"1.5", b"0.5", 1))
    return verify(world)


def _listed(world: World, changed: dict[str, object]) -> list[str]:
    """The manifest with other entries, written as a manifest is."""
    tree = manifest.read(world.bundle).model_dump(mode="json")
    tree["files"].update(changed)
    (world.bundle / MANIFEST).write_text(f"{manifest.canonical(tree)}\n")
    return verify(world)


CASES = [
    Case("1", "a tar that leads out", _with(member("../../etc/x.json", b"{}")), UNSAFE, r"container\.path"),
    Case("2", "an absolute path", _with(member("/etc/x.json", b"{}")), UNSAFE, r"container\.path"),
    Case("3", "a file through a link to /etc", _through_a_link, UNSAFE, r"container\.link"),
    Case(
        "4",
        "a hard link to outside",
        _with(member("example/x.json", kind=tarfile.LNKTYPE, link="/etc/passwd")),
        UNSAFE,
        r"container\.link",
    ),
    Case("5", "a named pipe", _with(member("example/x.json", kind=tarfile.FIFOTYPE)), UNSAFE, r"container\.special"),
    Case("6", "a path too long to be resolved", _overflow, UNSAFE, r"container\.name"),
    Case("7", "backslashes in a zip", lambda world: _zip(world, {"..\\..\\x.json": b"{}"}), UNSAFE, r"container\.path"),
    Case("8", "zips in zips", _nested, UNSAFE, r"container\.(nested|ratio)"),
    Case("9", "a bomb", _bomb, UNSAFE, r"container\.ratio"),
    Case("10", "a file with holes that claims 1 TB", _sparse, UNSAFE, r"container\.sparse"),
    Case("11", "100,000 empty files", _many, UNSAFE, r"container\.count"),
    Case("12", "two names that are one", _with(member("example/Submission.json", b"{}")), UNSAFE, r"container\.twice"),
    Case(
        "13", "a name that turns around", _with(member("example/a\u202enosj.json")), UNSAFE, r"container\.name.*\\u202e"
    ),
    Case("14", "a zip that disagrees with itself", _disagreeing, UNSAFE, r"container\.zip"),
    Case("15", "weights that are a zip as well", _polyglot, UNSAFE, r"container\.polyglot"),
    Case("16", "a file that is not listed", _extra, REJECTED, r"manifest\.extra"),
    Case("17", "a listed file that is missing", _missing, REJECTED, r"manifest\.missing"),
    Case("18", "a file changed after the list", _changed, REJECTED, r"manifest\.changed"),
    Case(
        "19",
        "a list that lists itself",
        lambda world: _listed(world, {MANIFEST: {"sha256": "0" * 64, "size": 9}}),
        REJECTED,
        r"manifest\.itself",
    ),
    Case(
        "20",
        "a digest in upper case",
        lambda world: _listed(world, {COST: {"sha256": "AB" * 32, "size": 9}}),
        REJECTED,
        r"manifest\.schema",
    ),
]
