"""What the process that decodes a stranger's file may use; a file that needs more is a failed file, not a dead program.

These are limits, not a sandbox: they stop bombs, endless loops and crashes. Pixels, sides and bytes of a file are
bounded besides, in `corpus/decode.py`.
"""

import math
import resource
from dataclasses import dataclass
from pathlib import Path

from redqueen.errors import UserError


@dataclass(frozen=True)
class Bounds:
    """Limits of one file.

    Args:
        memory: MiB of address space beyond what the loaded detector takes.
        processor: seconds of processor time, over all threads.
        seconds: on the clock, from the bytes to the verdict.
        start: seconds on the clock to load the detector.
    """

    memory: int = 3072
    processor: int = 60
    seconds: float = 60.0
    start: float = 600.0

    def __post_init__(self) -> None:
        """Refuse limits under which nothing can be judged."""
        for name, value in vars(self).items():
            if value <= 0:
                raise UserError(f"bounds.{name}={value}: must be over 0")

    def enter(self) -> None:
        """Take up the limits of this process that hold for all files: address space, no file written, no core dump."""
        limit = _address_space() + self.memory * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def begin(self) -> None:
        """Start the processor clock of one file: the kernel ends this process (SIGXCPU) when it runs out."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = math.ceil(used.ru_utime + used.ru_stime) + self.processor
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _address_space() -> int:
    """Bytes of address space that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
