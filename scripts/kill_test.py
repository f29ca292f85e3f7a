"""Does a run that is killed again and again end with the same bytes as one that was left alone?

usage: python scripts/kill_test.py [--kills 10] [--seed 0] [override=value …]

Runs `redqueen track experiment=quickstart` undisturbed in one folder; in another one it is killed (SIGKILL, the whole
process group) at random moments, started again each time, and at last left to end. Every result, prediction table and
checkpoint must be equal byte for byte. Exit code 0 if they are, 1 if not.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMPARED = ("run/results/*.json", "store/predictions/*/*.parquet", "store/checkpoint/*/model.safetensors")


def start(folder: Path, overrides: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "import sys; from redqueen.cli import main; sys.exit(main())"]
    command += ["track", "experiment=quickstart", f"store={folder}/store", f"hydra.run.dir={folder}/run", *overrides]
    log = (folder / "log.txt").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def finish(folder: Path, overrides: list[str]) -> float:
    began = time.monotonic()
    if start(folder, overrides).wait():
        raise SystemExit(f"the run failed: {(folder / 'log.txt').read_text()[-2000:]}")
    return time.monotonic() - began


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for pattern in COMPARED for path in folder.glob(pattern))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options, overrides = parser.parse_known_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as root:
        calm, killed = Path(root, "calm"), Path(root, "killed")
        calm.mkdir()
        killed.mkdir()
        seconds = finish(calm, overrides)
        print(f"undisturbed: {seconds:.0f} s", flush=True)
        for number in range(options.kills):
            process = start(killed, overrides)
            wait = rng.uniform(3, 3 + 1.5 * seconds / options.kills)
            try:
                process.wait(timeout=wait)
                print(f"start {number + 1}: ended by itself within {wait:.0f} s", flush=True)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                print(f"start {number + 1}: killed after {wait:.1f} s", flush=True)
        print(f"last start: {finish(killed, overrides):.0f} s", flush=True)
        expected, found = digests(calm), digests(killed)
    different = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    print(f"{len(expected)} files compared, {len(different)} differ")
    for name in different:
        print(f"  {name}")
    return 1 if different or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
