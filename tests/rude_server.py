"""A server of raw sockets in this process, for what no HTTP server does: it says nothing, drips, or hangs up."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Behaviour", "Rude", "answering", "dripping", "freed_port", "resetting", "rude", "silent", "unreachable"]

Behaviour: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""What is done with one connection until the event says that the test is over."""


@dataclass(slots=True, kw_only=True)
class Rude:
    """A server, and what it saw."""

    address: str = ""
    connections: int = 0
    ended: int = 0
    """Connections that have ended."""
    behaviours: list[Behaviour] = field(default_factory=list[Behaviour])
    """One a connection; the last one for all that follow."""


def silent(peer: socket.socket, over: threading.Event) -> None:
    """Accept, and say nothing."""
    del peer
    over.wait(30)


def answering(body: bytes, *, status: str = "200 OK", headers: str = "", content_type: str = "text/xml") -> Behaviour:
    """Read the request, and answer like a server."""

    def answer(peer: socket.socket, _: threading.Event) -> None:
        _read(peer)
        peer.sendall(_head(status, headers, content_type, len(body)) + body)

    return answer


def dripping(before: bytes, drops: bytes, *, every: float) -> Behaviour:
    """Send the one at once, and then one byte at a time."""

    def drip(peer: socket.socket, over: threading.Event) -> None:
        _read(peer)
        peer.sendall(before)
        for drop in drops:
            if over.wait(every):
                return
            peer.sendall(bytes([drop]))

    return drip


def resetting(before: bytes) -> Behaviour:
    """Send this, then reset the connection."""

    def reset(peer: socket.socket, _: threading.Event) -> None:
        _read(peer)
        peer.sendall(before)
        time.sleep(0.05)  # or the reset overtakes it
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return reset


def _head(status: str, headers: str, content_type: str, length: int) -> bytes:
    said = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{headers}\r\n"
    return said.encode()


def _read(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += peer.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    wanted = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < wanted:
        body += peer.recv(65536)
    return body


@contextmanager
def rude(*behaviours: Behaviour, scheme: str = "http") -> Generator[Rude, None, None]:
    """Serve each connection with the next behaviour."""
    server = Rude(behaviours=list(behaviours))
    over = threading.Event()
    threads: list[threading.Thread] = []

    def one(peer: socket.socket, behaviour: Behaviour) -> None:
        with peer, suppress(OSError):
            behaviour(peer, over)
        server.ended += 1

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            with suppress(TimeoutError, OSError):
                peer, _ = listener.accept()
                peer.settimeout(30)
                server.connections += 1
                number = min(server.connections, len(server.behaviours)) - 1
                threads.append(threading.Thread(target=one, args=(peer, server.behaviours[number]), name="rude-one"))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server.address = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/registry"
        threads.append(threading.Thread(target=accept, args=(listener,), name="rude-accept"))
        threads[0].start()
        try:
            yield server
        finally:
            over.set()
            for thread in threads:
                thread.join(5)


def freed_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def unreachable() -> Generator[str, None, None]:
    """Give an address whose machine does not answer: its queue of connections is full, so it drops what comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(listener.getsockname())
        time.sleep(0.1)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/registry"
        finally:
            for each in waiting:
                each.close()
