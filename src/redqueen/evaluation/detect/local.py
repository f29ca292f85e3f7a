"""A page that this machine alone can ask: over loopback, under an address that nobody can guess, and nothing is kept.

Another page in the same browser can send requests here, and with a name that it lets point to 127.0.0.1 it could read
the answers (DNS rebinding). So every request must carry this server's own name in `Host`, a secret in its path, and no
`Origin` but this one.
"""

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from threading import Lock
from typing import Any

from redqueen.corpus.decode import MAX_BYTES
from redqueen.errors import UserError

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


class Local(ThreadingHTTPServer):
    """Serves one page, and answers one picture at a time.

    Args:
        port: 0 for any that is free.
        page: HTML for a nonce, which its style and script must carry.
        answer: what JSON is sent for the bytes of a picture; never called twice at once.
        patience: seconds for which a client may keep silent, and a picture wait for those before it.
    """

    daemon_threads = True
    allow_reuse_address = False

    def __init__(
        self,
        port: int,
        page: Callable[[str], str],
        answer: Callable[[bytes], Mapping[str, Any]],
        patience: float = 60.0,
    ) -> None:
        self.page, self.answer, self.patience = page, answer, patience
        self.secret, self.one_at_a_time = secrets.token_urlsafe(24), Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UserError(f"port={port}: {(error.strerror or 'cannot be used').lower()}; port=0 takes any") from None

    def server_bind(self) -> None:
        """Bind without looking up the machine's name."""
        super(HTTPServer, self).server_bind()

    @property
    def names(self) -> tuple[str, str]:
        """What `Host` may say."""
        port = self.server_address[1]
        return f"{HOST}:{port}", f"localhost:{port}"

    @property
    def address(self) -> str:
        """Of the page."""
        return f"http://{self.names[0]}/{self.secret}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away or kept silent."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Local
    server_version, sys_version = "redqueen", ""

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.patience)

    def do_GET(self) -> None:
        if self._refused(""):
            return
        nonce = secrets.token_urlsafe(16)
        page = self.server.page(nonce).encode()
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", page, {"Content-Security-Policy": _POLICY.format(nonce)})

    def do_POST(self) -> None:
        if self._refused("judge"):
            return
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdigit()):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif len(size) > 18 or int(size) > MAX_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BYTES} bytes are read")
        elif not self.server.one_at_a_time.acquire(timeout=self.server.patience):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "busy with other pictures; try again")
        else:
            try:
                found = self.server.answer(self.rfile.read(int(size)))
            finally:
                self.server.one_at_a_time.release()
            self._send(HTTPStatus.OK, "application/json", json.dumps(found).encode())

    def _refused(self, tail: str) -> bool:
        """Whether the request is none of this page's; it is told so without a word about what is here."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        ours = host in self.server.names and origin in (None, f"http://{host}")
        path = f"/{self.server.secret}/{tail}"
        if ours and secrets.compare_digest(self.path.encode(), path.encode()):
            return False
        self.send_error(HTTPStatus.NOT_FOUND if ours else HTTPStatus.FORBIDDEN)
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse in JSON, with the headers of every answer."""
        said = {"failure": message or HTTPStatus(code).phrase.lower()}
        self._send(HTTPStatus(code), "application/json", json.dumps(said).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is kept, and nothing that a client sends reaches the terminal."""
