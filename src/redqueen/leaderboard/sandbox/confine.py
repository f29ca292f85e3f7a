"""What a process takes from itself before it judges: the network, programs, files to write, streams, secrets.

The network goes by a namespace of its own where the kernel lets a process have one. Besides that, and where it does
not, an audit hook of Python refuses and remembers what a detector has no business with; nothing takes the hook away.
"""

import ctypes
import fcntl
import os
import resource
import struct
import sys
import termios
from contextlib import suppress
from typing import Any

KEPT = (  # variables that libraries need, and no secrets among them
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "OMP_NUM_THREADS",
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME", "TORCH_HOME",
)  # fmt: skip
NAMESPACE, HOOK = "a network namespace without a way out", "an audit hook (no network namespace on this machine)"

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h; os.unshare comes with Python 3.12
_TASKS = 64  # processes and threads
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROGRAMS = ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "pty.")
_FILES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.chown",
    "os.utime", "shutil.", "tempfile.",
)  # fmt: skip
_SIGNALS = ("os.kill", "os.killpg", "signal.pthread_kill")


class Guard:
    """Refuses by an audit hook, and remembers what was refused.

    Attributes:
        attempted: what was tried since `close`, in words, each once.
    """

    def __init__(self) -> None:
        self.attempted: list[str] = []
        self._closed = False
        sys.addaudithook(self._hook)

    def close(self) -> None:
        """From now on all of it is refused; before, while the detector is built, the network alone."""
        self._closed = True

    def _hook(self, event: str, given: tuple[Any, ...]) -> None:
        what = refused(event, given)
        if what is None or not (self._closed or what == "network"):
            return
        said = f"{what} ({event})"
        if self._closed and said not in self.attempted:
            self.attempted.append(said)
        raise PermissionError(f"refused: {said}")


def refused(event: str, given: tuple[Any, ...]) -> str | None:
    """What an audit event of Python is an attempt at; None for what a detector may do.

    >>> refused("socket.connect", ()), refused("os.system", ()), refused("open", ("a", "r", os.O_RDONLY))
    ('network', 'another program', None)
    """
    for starts, what in ((("socket.",), "network"), (_PROGRAMS, "another program"), (_FILES, "change of files")):
        if event.startswith(starts):
            return what
    if event in _SIGNALS:
        return "signal to a process"
    if event == "open":
        path, _, flags = given
        named = isinstance(path, str | bytes) and os.fsdecode(path) != os.devnull
        return "change of files" if named and isinstance(flags, int) and flags & _WRITING else None
    return None


def without_network() -> bool:
    """Move into namespaces of users and of the network of its own; False where the kernel does not let this process."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None or unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    resource.setrlimit(resource.RLIMIT_NPROC, (_TASKS, _TASKS))  # counted within the namespace
    return True


def without_secrets() -> None:
    """Forget every variable of the environment but those that libraries need; write no bytecode."""
    for name in set(os.environ) - set(KEPT):
        del os.environ[name]
    sys.dont_write_bytecode = True


class Streams:
    """Standard streams that lead nowhere, but count what is written to the output."""

    def __init__(self) -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        self._end, inner = os.pipe()
        os.set_blocking(inner, False)
        os.set_blocking(self._end, False)
        for stream, to in ((0, nothing), (1, inner), (2, nothing)):
            os.dup2(to, stream)
        os.close(inner)
        os.close(nothing)

    def forget(self) -> None:
        """Throw away what has been written so far."""
        while self.printed():
            os.read(self._end, 1 << 16)

    def printed(self) -> int:
        """Bytes that were written to the output and not thrown away, at most what a pipe holds."""
        with suppress(BlockingIOError):  # full: enough was said
            sys.stdout.flush()
        waiting: tuple[int] = struct.unpack("i", fcntl.ioctl(self._end, termios.FIONREAD, struct.pack("i", 0)))
        return waiting[0]
