"""The listeners' sockets: bound once by the parent, shared by its workers."""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping

from contracts.errors import ConfigError
from routers.facade.settings import FacadeSettings

__all__ = ["address", "bind", "bind_all", "resolved"]

_BACKLOG = 4_096
_REASONS = {
    errno.EADDRINUSE: "is taken by another process",
    errno.EACCES: "needs a privilege that this process does not have; choose a port from 1024",
    errno.EADDRNOTAVAIL: "is no address of this machine",
}


def address(text: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[host]:port`.

    >>> address("[::1]:8080")
    ('::1', 8080)
    """
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def resolved(text: str) -> tuple[str, int] | None:
    """Return the address that `bind` would take, with the host as a number; None where it has none.

    >>> resolved("[::1]:8080")
    ('::1', 8080)
    """
    host, port = address(text)
    try:
        place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4]
    except OSError:
        return None
    return str(place[0]), int(place[1])


def bind(name: str, text: str) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        ConfigError: The address can't be had; names the listener, the address and the reason.
    """
    host, port = address(text)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError([f"listeners.{name}: {text}: {error.strerror}"]) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigError([f"listeners.{name}: {text} {_reason(error)}"]) from error
    listening.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return listening


async def bind_all(settings: FacadeSettings, *, patience: float = 0.0) -> Mapping[str, socket.socket]:
    """Return the listeners' sockets by name.

    Args:
        settings: The façade.
        patience: Seconds in which a taken address may become free: workers of a killed parent still hold theirs.

    Raises:
        ConfigError: Some can't be had; names each.
    """
    deadline = asyncio.get_running_loop().time() + patience
    bound: dict[str, socket.socket] = {}
    while True:
        problems: list[str] = []
        for name, listener in settings.listeners.items():
            try:
                if name not in bound:
                    bound[name] = bind(name, listener.address)
            except ConfigError as error:
                problems += error.problems
        if not problems:
            return {name: bound[name] for name in settings.listeners}
        if asyncio.get_running_loop().time() >= deadline:
            for listening in bound.values():
                listening.close()
            raise ConfigError(problems)
        await asyncio.sleep(0.1)


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number is None:
        return "is no address: a port has 16 bits"
    return _REASONS.get(number, os.strerror(number))
