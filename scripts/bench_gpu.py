"""The same as bench_train.py on a CUDA device, with its memory and how busy it was.

usage: python scripts/bench_gpu.py [--pictures 2048] [--side 448] [--steps 200] [--rounds 5] [--workers 8] [--json FILE]
                                   [--check] [PART …]

Loop and bare loop both run NPR in bf16. Memory is the peak that PyTorch reserved; how busy the device was is the mean
of what the driver said ten times a second (needs nvidia-ml-py). Without CUDA: one line, exit code 2.
"""

import os
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import torch

from bench_compare import show
from bench_train import PARTS, measured, parsed, quiet
from redqueen.environment import environment
from redqueen.files import write_json


@contextmanager
def watched(every: float = 0.1) -> Iterator[list[float]]:
    """Per cent that the device was busy, one entry each `every` seconds; empty where the driver cannot be asked."""
    found: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every):
            try:
                found.append(float(torch.cuda.utilization()))
            except ModuleNotFoundError:
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def main(arguments: list[str] | None = None) -> int:
    given, options = parsed(arguments, __doc__, pictures=2048, side=448, steps=200, workers=min(os.cpu_count() or 1, 8))
    if not torch.cuda.is_available():
        print("bench_gpu: there is no CUDA device here; bench_train.py measures the same on the CPU", file=sys.stderr)
        return 2
    quiet()
    options = replace(options, accelerator="cuda", precision="bf16-mixed")
    device, rows = torch.cuda.get_device_properties(0), []
    print(f"{device.name}, {device.total_memory / 2**30:.0f} GiB, {options}")
    for part in given.parts or PARTS:
        torch.cuda.reset_peak_memory_stats()
        with watched() as busy:
            found = measured([part], options)
        memory, mean = torch.cuda.max_memory_reserved() / 2**30, statistics.mean(busy) if busy else None
        show(found)
        print(f"  memory {memory:.2f} GiB, busy {'unknown' if mean is None else f'{mean:.0f} %'}")
        rows += [{**asdict(one), "met": one.met, "memory_gib": memory, "busy_percent": mean} for one in found]
    if given.json:
        about = {"device": device.name, "options": asdict(options), "environment": environment()}
        write_json(given.json, {**about, "measured": rows})
    return int(given.check and not all(row["met"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
