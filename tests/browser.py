"""Debian's chromium without a window, driven over a pipe: no port, no package, nothing but its own protocol."""

import base64
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
AXE = importlib.util.find_spec("axe_core_python")
needed = pytest.mark.skipif(  # continuous integration has both, or fails
    (CHROMIUM is None or AXE is None) and "CI" not in os.environ, reason="needs chromium and the extra `dev`"
)
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-extensions",
)
PATIENCE = 60  # seconds for an answer: what else the machine does is no failure


class Browser:
    """One page of a browser, for use in a `with`.

    Attributes:
        console: what the page and the browser complained of.
    """

    def __init__(self, profile: Path) -> None:
        self.profile, self.console, self._number, self._left = profile, list[str](), 0, b""

    def __enter__(self) -> "Browser":
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        words = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={self.profile}", "about:blank"]
        shell = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec "$@"'
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", shell, "bash", *words], pass_fds=(theirs_in, theirs_out), stdout=quiet, stderr=quiet
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out, self._session = ours_in, ours_out, None
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for what it returns."""
        self._number += 1
        call = {"id": self._number, "method": method, "params": parameters}
        os.write(self._out, json.dumps(call | ({"sessionId": self._session} if self._session else {})).encode() + b"\0")
        while (told := self._next()).get("id") != self._number:
            pass
        assert "error" not in told, told
        return told["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            assert select([self._in], [], [], PATIENCE)[0], "the browser says nothing"
            self._left += os.read(self._in, 1 << 20)
        message, _, self._left = self._left.partition(b"\0")
        told = json.loads(message)
        if told.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.console.append(json.dumps(told["params"]))
        return told

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        told = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def open(self, address: str) -> None:
        """Go there, and wait until it is loaded."""
        self.send("Page.navigate", url=address)
        self.run("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))")

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files, as a person does in the browser's dialog."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def wait(self, condition: str) -> None:
        """Until an expression is true."""
        self.run(
            f"new Promise((done, fail) => {{ const start = Date.now(); (function look() {{ if ({condition}) done(); "
            f"else if (Date.now() - start > {PATIENCE * 900}) fail('never'); else setTimeout(look, 20) }})() }})"
        )

    def look(self, width: int, height: int = 900, dark: bool = False) -> None:
        """Be a screen of this size."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def axe(self) -> list[list[str]]:
        """What axe-core finds: rule, impact and the first element of each."""
        assert AXE is not None
        (folder,) = AXE.submodule_search_locations or ()
        self.run(f"{(Path(folder) / 'axe.min.js').read_text('utf-8')}; 0")
        return list(self.run("axe.run().then(f => f.violations.map(one => [one.id, one.impact, one.nodes[0].html]))"))

    def picture(self, path: Path) -> None:
        """A screenshot of the whole page."""
        told = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))
