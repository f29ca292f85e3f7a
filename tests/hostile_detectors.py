"""Detectors that do what no detector may: the process that runs submitted ones imports them from here."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from redqueen.detectors.base import Detector, to_tensor


class Brightness(Detector):
    """Honest: the logit is how bright the picture is."""

    def prepare(self, pixels, rng=None):
        return to_tensor(pixels)

    def forward(self, batch):
        return 4 * (batch.mean(dim=(1, 2, 3)) - 0.5)


class Remembers(Brightness):
    """Adds a running mean of what came before."""

    def __init__(self):
        super().__init__()
        self.seen = 0.0

    def forward(self, batch):
        self.seen = 0.9 * self.seen + float(batch[0].std())
        return super().forward(batch) + self.seen


class AveragesTheBatch(Brightness):
    def forward(self, batch):
        logits = super().forward(batch)
        return 50 * (logits - logits.mean())


class Dropout(Brightness):
    """Left on, whatever `eval` says."""

    def forward(self, batch):
        return super().forward(nn.functional.dropout(batch, 0.5, training=True)) * 10


class Acts(Brightness):
    """Does something while it judges, and carries on if that fails."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def forward(self, batch):
        with suppress(Exception):  # a hostile detector hides that it was refused
            self.act()
        return super().forward(batch)


class Memory(Brightness):
    def forward(self, batch):
        return super().forward(batch) + torch.zeros(2**38)[:1]


class NotFinite(Brightness):
    def forward(self, batch):
        return super().forward(batch) / 0


class TooFew(Brightness):
    def forward(self, batch):
        return super().forward(batch)[:1]


def network():
    socket.create_connection(("192.0.2.1", 443), timeout=1)


def unix_socket():
    socket.socket(socket.AF_UNIX).connect("/run/docker.sock")


def names():
    socket.getaddrinfo("example.org", 443)


def fork_bomb():
    for _ in range(3):  # three are enough to be seen, should nothing refuse them
        if os.fork() == 0:
            os._exit(0)


def program():
    subprocess.run(["true"], check=True)


def write():
    Path("/tmp/redqueen-hostile-detector").write_text("labels")  # noqa: S108


def remove():
    Path(__file__ + ".not-there").unlink()


def kill_the_parent():
    os.kill(os.getppid(), 0)


def prints():
    sys.stdout.write("labels: 0 1 1 0\n")


def secret():
    if os.environ.get("REDQUEEN_TEST_SECRET"):
        os._exit(7)


def sleeps():
    time.sleep(3600)


def spins():
    while True:
        pass


def exits():
    os._exit(3)


def crashes():
    os.abort()


def honest():
    return Brightness(), 1.0


def made(name, folder=None, precision="float32"):
    """Detector by the name of its class here, whatever the folder and the precision."""
    return globals()[name](), 1.0


def acting(name, folder=None, precision="float32"):
    """A detector that calls a function of this module, whatever the folder and the precision."""
    return Acts(globals()[name]), 1.0
