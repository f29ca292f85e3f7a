"""What a run was made with: versions, machine, commit. Recorded beside every result."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "redqueen", "torch", "torchvision", "pytorch-lightning", "timm", "diffusers", "datasets", "hydra-core", "numpy",
    "scikit-learn", "scikit-image", "pillow", "pyarrow", "matplotlib",
)  # fmt: skip


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
