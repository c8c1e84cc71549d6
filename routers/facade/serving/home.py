"""What a call knows of its surroundings: its worker, and its caller's connection."""

from typing import Protocol

from routers.facade.accounting.account import Account
from routers.facade.http.forwarding import Origin
from routers.facade.serving.clock import Clock
from routers.facade.serving.pool import Pool
from routers.facade.settings import Limits
from routers.facade.soap.matcher import Matcher
from routers.rulesets.ruleset import Ruleset

__all__ = ["Client", "Home"]


class Home(Protocol):
    """What a call needs of its worker."""

    matcher: Matcher
    ruleset: Ruleset
    pools: dict[str, Pool]
    account: Account
    limits: Limits
    clock: Clock
    draining: bool

    def request_id(self, given: bytes | None) -> str:
        """Return the caller's own request id where it is fit, else a new one."""
        ...


class Client(Protocol):
    """What a call needs of its caller's connection."""

    listener: str
    legacy: str
    origin: Origin

    def write(self, data: bytes) -> None:
        """Send to the caller."""
        ...

    def hold(self, *, full: bool) -> None:
        """Take no more of the request for now, or go on."""
        ...

    def done(self, *, keep_alive: bool) -> None:
        """The call has ended."""
        ...

    def cut(self) -> None:
        """Close at once: the answer broke off."""
        ...
