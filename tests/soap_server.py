"""An HTTP server that answers as a test says, on a free port, in this process."""

import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

__all__ = ["Reply", "Script", "serving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml; charset=utf-8"
    cut: int = 0
    """How many bytes of the body are promised and not sent."""
    wait: threading.Event | None = None
    """What the second half of the body waits for."""


@dataclass(slots=True, kw_only=True)
class Script:
    """What is answered, one after the other, and what was asked."""

    replies: list[Reply]
    asked: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list[tuple[Mapping[str, str], bytes]])
    address: str = ""


@contextmanager
def serving(*replies: Reply, tls: ssl.SSLContext | None = None) -> Generator[Script, None, None]:
    """Serve these replies; a GET gets the next one, too."""
    script = Script(replies=list(replies))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            script.asked.append((dict(self.headers), body))
            reply = script.replies.pop(0)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            half = len(reply.body) // 2
            self.wfile.write(reply.body[:half])
            if reply.wait is not None:
                self.wfile.flush()
                reply.wait.wait(timeout=30)
            try:
                self.wfile.write(reply.body[half : len(reply.body) - reply.cut])
            except OSError:
                self.close_connection = True
            self.close_connection = self.close_connection or reply.cut > 0

        def do_GET(self) -> None:
            self.do_POST()

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        script.address = f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}/registry"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
