"""`scripts/million_rows.py` on fewer rows: killed by the system again and again, it ends with the same bytes."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "million_rows.py"
ROWS, PARTS, SHARDS = 6000, 24, 2


def _command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, str(SCRIPT), str(folder), f"--rows={ROWS}", "--limit-mb=700", *words]


def _bytes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _killed_when(there: Path, folder: Path) -> None:
    """SIGKILL as soon as a file is there: in the middle of whatever comes after it."""
    process = subprocess.Popen(_command(folder, "--workers=2"), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not there.exists() and process.poll() is None:
        assert time.monotonic() < deadline, f"{there} never came"
        time.sleep(0.005)
    process.kill()
    process.wait()


@pytest.mark.slow
def test_a_build_that_is_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    calm = subprocess.run(_command(whole), capture_output=True, text=True, check=False)
    assert calm.returncode == 0, calm.stdout + calm.stderr
    assert f"{ROWS} rows in" in calm.stdout
    for name in ("treated/part-00000.parquet", "treated/part-00011.parquet", "corpus/data/shard-00000.parquet"):
        _killed_when(killed / name, killed)
        assert not (killed / "corpus" / "card.json").exists()
    last = subprocess.run(_command(killed), capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stdout + last.stderr
    assert _bytes(killed) == _bytes(whole)  # nothing half-written is left either
    assert len(list((whole / "treated").glob("*.parquet"))) == PARTS
    assert len(list((whole / "corpus" / "data").glob("*.parquet"))) == SHARDS
