"""The process that runs a submitted detector: what it is given, and what it may not do."""

import os
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import hostile_detectors
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.leaderboard.sandbox import pixels
from redqueen.leaderboard.sandbox.confine import HOOK, NAMESPACE, refused
from redqueen.leaderboard.sandbox.session import StoppedError, ran

SHORT = Bounds(memory=1024, processor=2, seconds=20, start=60)
PICTURES = [np.full((8, 8, 3), shade, np.uint8) for shade in (0, 51, 255)]


def stopped(built, bounds=SHORT):
    with pytest.raises(StoppedError) as caught:
        ran(built, [PICTURES], bounds)
    return caught.value.check


def test_an_honest_detector_gives_its_logits():
    found = ran(hostile_detectors.honest, [PICTURES, PICTURES[:1]], SHORT)
    assert found.logits == pytest.approx([-2.0, -1.2, 2.0, -2.0], abs=1e-6)
    assert found.isolation in (NAMESPACE, HOOK)


def test_the_message_holds_pixels_and_their_sizes_alone():
    first, second = np.arange(24, dtype=np.uint8).reshape(2, 4, 3), np.zeros((3, 1, 3), np.uint8)
    message = pixels.packed([first, second])
    assert message == b"[[2, 4], [3, 1]]\n" + bytes(range(24)) + bytes(9)
    assert all((a == b).all() for a, b in zip(pixels.unpacked(message), (first, second), strict=True))


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("network", "network"),
        ("unix_socket", "network"),
        ("names", "network"),
        ("fork_bomb", "another program"),
        ("program", "another program"),
        ("write", "change of files"),
        ("remove", "change of files"),
        ("kill_the_parent", "signal"),
    ],
)
def test_what_is_refused_is_told_even_if_the_detector_hides_it(act, says):
    check = stopped(partial(hostile_detectors.acting, act))
    assert (check.id, check.outcome) == ("run.forbidden", "rejected")
    assert says in check.message


def test_the_hook_alone_keeps_the_network_out():
    """Where the kernel gives no namespace; it holds while the detector is built as well, and tells nothing then."""
    code = (
        "import socket; from redqueen.leaderboard.sandbox.confine import Guard\n"
        "guard = Guard()\n"
        "for closed in (False, True):\n"
        "    try: socket.create_connection(('127.0.0.1', 9))\n"
        "    except PermissionError as error: print(error, guard.attempted)\n"
        "    guard.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "refused: network (socket.getaddrinfo) []"
    assert second == "refused: network (socket.getaddrinfo) ['network (socket.getaddrinfo)']"


def test_output_is_counted_not_shown():
    check = stopped(partial(hostile_detectors.acting, "prints"))
    assert (check.id, check.message) == ("run.output", "wrote 16 bytes to standard output")


@pytest.mark.parametrize(
    ("built", "bounds", "says"),
    [
        (partial(hostile_detectors.acting, "sleeps"), Bounds(seconds=0.3), "took more than the 0.3 s"),
        (partial(hostile_detectors.acting, "spins"), Bounds(processor=1), "more processor time than the 1 s"),
        (partial(hostile_detectors.acting, "exits"), SHORT, "exit code 3"),
        (partial(hostile_detectors.acting, "crashes"), SHORT, r"crashed \(SIGABRT\)"),
        (partial(hostile_detectors.made, "Memory"), SHORT, "more memory than it is given"),
        (partial(hostile_detectors.made, "TooFew"), SHORT, "failed on a picture: KeyError"),
    ],
)  # fmt: skip
def test_what_goes_beyond_its_bounds_is_ended(built, bounds, says):
    check = stopped(built, bounds)
    assert (check.id, check.outcome) == ("run.limits", "rejected")
    assert re.search(says, check.message), check.message


def test_a_score_that_is_not_finite_is_no_number():
    found = ran(partial(hostile_detectors.made, "NotFinite"), [PICTURES], SHORT)
    assert np.isnan(found.logits).all()
    assert len(found.logits) == 3


def test_no_secret_of_the_environment_reaches_it(monkeypatch):
    monkeypatch.setitem(os.environ, "REDQUEEN_TEST_SECRET", "token")
    found = ran(partial(hostile_detectors.acting, "secret"), [PICTURES], SHORT)  # raises where it can read one
    assert len(found.logits) == len(PICTURES)


@pytest.mark.parametrize(
    ("event", "given", "what"),
    [
        ("open", ("/dev/null", "w", os.O_WRONLY), None),
        ("open", ("/etc/passwd", "r", os.O_RDONLY), None),
        ("open", (5, "w", os.O_WRONLY), None),
        ("open", ("file", None, os.O_RDWR), "change of files"),
        ("socket.__new__", (), "network"),
        ("import", ("os",), None),
        ("os.listdir", (".",), None),
    ],
)
def test_audit_events(event, given, what):
    assert refused(event, given) == what
