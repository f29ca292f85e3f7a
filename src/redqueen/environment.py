"""What a run was made with: versions, machine, commit. Recorded beside every result."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "redqueen", "torch", "torchvision", "pytorch-lightning", "timm", "diffusers", "datasets", "hydra-core", "numpy",
    "scikit-learn", "scikit-image", "pillow", "pyarrow", "matplotlib",
)  # fmt: skip
DECODERS = ("libjpeg_turbo", "webp", "avif", "zlib")  # of Pillow: another version decodes to other pixels


def environment() -> dict[str, str | None]:
    """Package versions, Python, platform, and the commit of the checkout (None outside of one)."""
    found: dict[str, str | None] = {name: _version(name) for name in PACKAGES}
    return found | {"python": platform.python_version(), "machine": platform.machine(), "commit": commit()}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit() -> str | None:
    """Commit of the checkout that this package runs from; None if it is an installed wheel."""
    here = Path(__file__).resolve().parent
    if not (here.parents[1] / ".git").exists():
        return None
    command = ["git", "-C", str(here), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def system() -> dict[str, Any]:
    """What lies under the packages: operating system, C library, the libraries that decode pictures, the lock."""
    from PIL import features  # noqa: PLC0415  (not for the command line's help)

    return {
        "system": _system(),
        "glibc": " ".join(filter(None, platform.libc_ver())) or None,
        "decoders": {name: features.version(name) for name in DECODERS},
        "lock": _lock(),
    }


def hardware() -> dict[str, Any]:
    """Processor, cores, memory in GiB, and the names of the CUDA devices; None where it cannot be told."""
    import torch  # noqa: PLC0415

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory": _memory(),
        "gpus": [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())],
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _cpu() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


def _lock() -> str | None:
    """sha256 of the checkout's requirements.lock; None if the package is an installed wheel."""
    path = Path(__file__).resolve().parents[2] / "requirements.lock"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
