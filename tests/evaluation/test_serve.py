"""The page of `redqueen serve`: who else asks gets nothing, and in a browser it does what it says."""

import http.client
import re
import socket
import threading
from datetime import date
from functools import partial

import pytest

import browser
import hostile_files
from browser import Browser
from redqueen.cli import main
from redqueen.corpus.decode import MAX_BYTES
from redqueen.errors import UserError
from redqueen.evaluation.detect.local import Local
from redqueen.evaluation.detect.standing import standing
from redqueen.evaluation.detect.verdict import Heat, Judgement, Seen
from redqueen.report.judging_page import answer, page
from redqueen.report.verdicts import facts

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


class Serving:
    """A server in a thread; `asked` holds what it was asked to judge."""

    def __init__(self, shown=lambda nonce: f"<p>{nonce}", reply=lambda data: {"bytes": len(data)}, patience=20.0):
        self.asked, self.reply = [], reply
        self.server = Local(0, shown, self._answer, patience)
        self.path = f"/{self.server.secret}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def _answer(self, data):
        self.asked.append(data)
        return self.reply(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def ask(self, method, path, headers=None, body=None):
        line = http.client.HTTPConnection(*self.server.server_address, timeout=20)
        line.putrequest(method, path, skip_host=True)
        for name, value in ({"Host": self.server.names[0]} | (headers or {})).items():
            line.putheader(name, value)
        line.endheaders(body)
        told = line.getresponse()
        found = told.status, told.headers, told.read().decode()
        line.close()
        return found


@pytest.fixture(scope="module")
def serving():
    with Serving() as one:
        yield one


def test_it_is_for_this_machine_alone(serving):
    assert serving.server.server_address[0] == "127.0.0.1"
    assert serving.server.address.endswith(serving.path)
    assert len(serving.path) > 30


def test_the_page_allows_itself_and_nothing_else(serving):
    pages = [serving.ask("GET", serving.path) for _ in range(2)]
    for status, headers, text in pages:
        nonce = text.removeprefix("<p>")
        assert status == 200
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"].startswith(f"default-src 'none'; script-src 'nonce-{nonce}'; ")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "Python" not in headers["Server"]
    assert pages[0][2] != pages[1][2]


def test_a_picture_is_judged(serving):
    serving.asked.clear()
    status, headers, text = serving.ask("POST", f"{serving.path}judge", {"Content-Length": "3"}, b"abc")
    assert (status, text, serving.asked) == (200, '{"bytes": 3}', [b"abc"])
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 404),
        ("GET", "/favicon.ico", {}, 404),
        ("GET", "/../../etc/passwd", {}, 404),
        ("POST", "/judge", {"Content-Length": "3"}, 404),
        ("POST", "{}", {"Content-Length": "3"}, 404),
        ("GET", "{}judge", {}, 404),
        ("GET", "{}", {"Host": "rebound.example:{port}"}, 403),
        ("GET", "{}", {"Host": "127.0.0.1"}, 403),
        ("GET", "{}", {"Host": ""}, 403),
        ("POST", "{}judge", {"Content-Length": "3", "Origin": "https://elsewhere.example"}, 403),
        ("POST", "{}judge", {"Content-Length": "3", "Origin": "null"}, 403),
        ("POST", "{}judge", {"Content-Length": "3", "Host": "rebound.example:{port}"}, 403),
        ("POST", "{}judge", {}, 411),
        ("POST", "{}judge", {"Content-Length": "-1"}, 411),
        ("POST", "{}judge", {"Content-Length": "\u00b2"}, 411),
        ("POST", "{}judge", {"Content-Length": str(MAX_BYTES + 1)}, 413),
        ("POST", "{}judge", {"Content-Length": "9" * 5000}, 413),
        ("PUT", "{}judge", {"Content-Length": "3"}, 501),
    ],
)
def test_what_is_none_of_the_page_s_is_refused(method, path, headers, status, serving, capfd):
    serving.asked.clear()
    port = serving.server.server_address[1]
    named = {name: value.replace("{port}", str(port)) for name, value in headers.items()}
    found = serving.ask(method, path.format(serving.path), named)
    assert found[0] == status
    assert serving.server.secret not in str(found[1]) + found[2]
    assert serving.asked == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[2J\x1b]0;owned\x07\r\n\r\n",
        b"GET /\x1b[2J HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\n",
        b"GET /" + b"a" * 70_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["escapes", "escapes in a path", "version", "TLS", "long", "many headers"],
)
def test_what_is_no_request_is_refused_in_silence(sent, serving, capfd):
    with socket.create_connection(serving.server.server_address, timeout=20) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        told = line.recv(1000)
    assert not told.startswith(b"HTTP/1.0 2")
    assert b"\x1b" not in told
    assert capfd.readouterr() == ("", "")


def test_one_picture_at_a_time():
    free, begun = threading.Event(), threading.Event()

    def slow(data):
        begun.set()
        free.wait(20)
        return {"bytes": len(data)}

    with Serving(reply=slow, patience=0.2) as one:
        words = "POST", f"{one.path}judge", {"Content-Length": "1"}, b"x"
        found = []
        first = threading.Thread(target=lambda: found.append(one.ask(*words)))
        first.start()
        assert begun.wait(20)
        assert one.ask(*words)[0] == 503
        free.set()
        first.join(20)
        assert found[0][0] == 200


def test_a_port_that_is_taken_is_told_in_one_line(serving):
    with pytest.raises(UserError, match=r"port=\d+: address already in use; port=0 takes any"):
        Local(serving.server.server_address[1], str, dict)


def test_the_command_prints_its_address_and_ends_by_ctrl_c(checkpoint, monkeypatch, capsys, tmp_path):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Local, "serve_forever", interrupted)
    assert main(["serve", "--detector", str(checkpoint), "--port", "0"]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/\n", capsys.readouterr().out)
    assert list(tmp_path.iterdir()) == []


def seen(view, verdict):
    return Seen(view, 1.0, 0.7, verdict)


def test_the_script_is_told_words():
    judged = Judgement("id", (seen("clean", "generated"), seen("x", "generated"), seen("y", "human")), Heat("QQ", "w"))
    assert answer(judged) == {
        "verdict": "generated",
        "words": "looks AI-generated",
        "chance": "70 %",
        "views": [
            {"name": "x", "said": "70 %", "changed": False},
            {"name": "y", "said": "70 %, looks human-made", "changed": True},
        ],
        "heat": {"source": "data:image/png;base64,QQ", "words": "w"},
    }


HOSTILE = "<img src=x onerror=alert(1)>\u202egpj.png"
DONE = "waiting === 0 && document.querySelectorAll('article').length === {}"


@pytest.mark.slow  # a browser starts
@browser.needed
def test_in_a_browser(worker, tmp_path):
    """Pictures are chosen and dropped; the keyboard reaches it, a phone fits it, axe-core and console are silent."""
    known = standing(worker.basis, None, date(2026, 9, 1))
    shown = partial(page, worker.basis, facts(worker.basis, known, 2.0), ["Something is to be known."])
    good, bad = tmp_path / HOSTILE, tmp_path / "html.jpg"
    good.write_bytes(hostile_files.PNG)
    bad.write_bytes(hostile_files.CONTENTS["html.jpg"][0])
    with Serving(shown, lambda data: answer(worker.judge(data))) as one, Browser(tmp_path / "profile") as browser:
        browser.look(1200)
        browser.open(one.server.address)
        for kind in ("rawKeyDown", "keyUp"):
            browser.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert browser.run("document.activeElement.id") == "chooser"
        browser.choose("#chooser", good, bad)
        browser.wait(DONE.format(2))
        names, said = (
            browser.run(f"[...document.querySelectorAll('{one}')].map(x => x.textContent)") for one in ("h3", ".said")
        )
        assert names == ["html.jpg", HOSTILE]
        assert said[0] == "could not be judged"
        assert re.fullmatch("looks AI-generated|looks human-made|too close to call", said[1])
        browser.wait("document.querySelector('article:last-child .heat img').naturalWidth > 0")
        drop = {"items": [], "files": [str(good)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            browser.send("Input.dispatchDragEvent", type=kind, x=300, y=250, data=drop)
        browser.wait(DONE.format(3))
        assert one.asked == [hostile_files.PNG, bad.read_bytes(), hostile_files.PNG]
        browser.look(320)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        assert browser.console == []
        browser.send("Page.setBypassCSP", enabled=True)
        browser.open(one.server.address)
        browser.choose("#chooser", good, bad)
        browser.wait(DONE.format(2))
        for dark in (False, True):
            browser.look(1200, dark=dark)
            assert browser.axe() == []
        browser.run("document.querySelector('.given img').alt = ''; document.documentElement.lang = ''; 0")
        assert browser.axe()[0][0] == "html-has-lang"  # what it is to find, it finds
        browser.run("console.error('x'); 0")
        assert len(browser.console) == 1
