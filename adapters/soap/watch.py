"""Watches whether a polled service still has the contract that was imported: an event, a warning and a gauge."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from adapters._edge import Patience, call
from adapters.soap.bundle import is_web, load_bundle, local_path
from adapters.soap.bundle_folder import is_pinned, read_bundle
from adapters.soap.bundle_web import Access
from adapters.soap.config import Config
from adapters.soap.outward import Outward
from contracts.errors import BanyanError, ConfigError, safe_message
from contracts.identifiers import ordinal
from contracts.legacy.soap.contract.bundle import Bundle
from contracts.legacy.soap.contract.catalog import kept
from contracts.legacy.soap.contract.drift import Drift, drift, drifted
from contracts.ports import Columns, EventBatch, Progress
from contracts.wsdl_drifted import WsdlDrifted
from observability import metrics

__all__ = ["STREAM", "Watch"]

STREAM: Final = "contract"
"""The stream of what is told of the contract."""
_WHOLE: Final = timedelta(minutes=2)
_PATIENCE: Final = Patience(timeout=_WHOLE + timedelta(seconds=10), attempts=1)
"""What fetches the contract ends by itself before that."""
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checkpoint:
    """What is known; its JSON is the stream's checkpoint."""

    looked: datetime | None = None
    live: str | None = None
    """Digest of the drifted contract that was told last; None where it is the pinned one."""
    told: int = 0
    """How many drifts were told."""

    def to_bytes(self) -> bytes:
        """Return its JSON."""
        looked = None if self.looked is None else self.looked.isoformat()
        return json.dumps({"looked": looked, "live": self.live, "told": self.told}).encode()


def _read(data: bytes | None) -> _Checkpoint:
    found: dict[str, Any] = json.loads(data or b"{}")
    looked = found.get("looked")
    return _Checkpoint(
        looked=None if looked is None else datetime.fromisoformat(looked),
        live=found.get("live"),
        told=found.get("told", 0),
    )


class Watch:
    """Looks now and then, and tells each drift once; a live contract that can't be had ends nothing."""

    def __init__(
        self, config: Config, since: Progress, *, clock: Callable[[], datetime], outward: Outward | None = None
    ) -> None:
        self._config, self._clock, self._outward = config, clock, outward or Outward()
        self._known = _read(since.checkpoints.get(STREAM))
        self._metrics = metrics.Metrics()

    async def look(self) -> EventBatch | None:
        """Compare where it is time to; return what is to be told, and that it was looked.

        Raises:
            ConfigError: There is no imported contract to compare with.
        """
        every, now = self._config.drift_every, self._clock()
        if every is None or (self._known.looked is not None and now - self._known.looked < every):
            return None
        try:
            found, live = await self._asked()
        except ConfigError:
            raise
        except BanyanError as error:
            _log.warning("contract not compared", source=self._config.name, reason=safe_message(error))
            return None
        if found.unreachable and not found.is_changed:
            _log.warning("contract not compared", source=self._config.name, reason=found.unreachable[0].reason)
            return None
        self._metrics.contract_drifted(self._config.name, drifted=found.is_changed)
        return self._batch(found, live, now)

    async def _asked(self) -> tuple[Drift, Bundle]:
        """Compare once; the next poll looks again where that fails."""
        config = self._config
        folder = await asyncio.to_thread(_folder, config)
        url = config.drift_url or folder.start
        operation = self._outward.fetches(config, url)
        return await call(
            config.name, lambda: asyncio.to_thread(_compared, config, folder, url), _PATIENCE, operation=operation
        )

    def _batch(self, found: Drift, live: Bundle, now: datetime) -> EventBatch:
        digest = found.live_digest if found.is_changed else None
        is_news = digest is not None and digest != self._known.live
        told = self._known.told + is_news
        self._known = _Checkpoint(looked=now, live=digest, told=told)
        events: list[Columns] = []
        if is_news:
            event = drifted(found, source=self._config.name, wsdl=live.start)
            _log.error(
                "contract drifted", source=self._config.name, changed=event.changed, added=event.added, gone=event.gone
            )
            events.append(
                Columns(
                    topic=WsdlDrifted.topic,
                    type=WsdlDrifted.type,
                    dataschema=WsdlDrifted.dataschema(),
                    time=now,
                    keys=[self._config.name.encode()],
                    # The same contract may come back after another: the number tells them apart.
                    positions=[f"{told}.{found.live_digest}"],
                    sequences=[ordinal(told)],
                    values=[event.model_dump_json().encode()],
                )
            )
        return EventBatch(stream=STREAM, checkpoint=self._known.to_bytes(), events=events)


def _compared(config: Config, folder: Bundle, url: str) -> tuple[Drift, Bundle]:
    access = Access(credentials=config.credentials, ca_file=config.tls.ca, whole=_WHOLE)
    root = None if config.drift_url else folder.root
    live = load_bundle(url, root=root, catalog=kept(folder), access=access)
    return drift(folder, live), live


def _folder(config: Config) -> Bundle:
    path = None if is_web(config.wsdl) else local_path(config.wsdl)
    if path is None or not is_pinned(path):
        raise ConfigError(["drift_every: expected wsdl to be a folder that `banyan wsdl import` wrote"])
    return read_bundle(path)
