"""An HTTP server of contract documents, on a free port, in this process; it keeps what it was asked."""

import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from typing_extensions import override

__all__ = ["Page", "Shelf", "serving_contract"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands behind one address."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    """Where it redirects to."""
    endless: bool = False
    """The body is repeated until nobody reads it."""
    wait: threading.Event | None = None
    """What the answer waits for."""


@dataclass(slots=True, kw_only=True)
class Shelf:
    """All pages by path with query, and what was asked."""

    pages: dict[str, Page] = field(default_factory=dict[str, Page])
    asked: list[str] = field(default_factory=list[str])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    address: str = ""
    """Without a slash at the end."""

    def put(self, path: str, text: str) -> None:
        """Put a document there."""
        self.pages[path] = Page(body=text.encode())


@contextmanager
def serving_contract(*, certificate: Path | None = None) -> Generator[Shelf, None, None]:
    """Serve what is put on the shelf; by TLS with a certificate and its key in PEM."""
    shelf = Shelf()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.asked.append(self.path)
            shelf.headers.append(dict(self.headers))
            page = shelf.pages.get(self.path, Page(status=404))
            if page.wait is not None:
                page.wait.wait(timeout=30)
            with suppress(OSError):
                self.send_response(page.status)
                if page.location:
                    self.send_header("Location", page.location)
                self.end_headers()
                self.wfile.write(page.body)
                while page.endless:
                    self.wfile.write(page.body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        @override
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that does not trust the certificate hangs up

    with Server(("127.0.0.1", 0), Handler) as server:
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        shelf.address = f"{scheme}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()
