"""Counts and durations of every call, for the price of a few additions.

A worker counts, and gives the difference since it last did; the parent adds up what its workers give, and gives all
of it as OpenTelemetry metrics (`observability.readout`). Both are a `Tally`, each used by one thread, but that
`metrics` may be called by another.
"""

import json
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, final

import structlog
from opentelemetry.sdk.metrics.export import Metric

from observability import fields
from observability.readout import FINE_BUCKETS_SECONDS, counted, timed
from routers.facade.ended import Ended, Outcome
from routers.facade.process.report import Observed, UnusableKeys

__all__ = ["OTHER", "ROUTES", "Tally"]

ROUTES: Final = 2_000
"""How many routes are told apart."""
OTHER: Final = "other"
"""The route of all others."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_CALL, _MODERN, _FALLBACK = "call", "modern", "fallback"
_HISTOGRAMS: Final = {
    _CALL: fields.BANYAN_CALL_DURATION,
    _MODERN: fields.BANYAN_MODERN_DURATION,
    _FALLBACK: fields.BANYAN_FALLBACK_DURATION,
}
_LABELS: Final = {
    fields.BANYAN_KEYS_UNUSABLE: (fields.BANYAN_ROUTE, fields.BANYAN_REASON),
    fields.BANYAN_CALLS_REFUSED: (fields.BANYAN_ROUTE, fields.ERROR_TYPE),
    fields.BANYAN_CALLS_INTERCEPTED: (fields.BANYAN_ROUTE, fields.BANYAN_OUTCOME),
    fields.BANYAN_DECISIONS_DROPPED: (),
    fields.BANYAN_SPANS_DROPPED: (),
}
"""Counter -> the attributes that its labels are."""

_BOUNDS_NS: Final = [round(bound * 1e9) for bound in FINE_BUCKETS_SECONDS]
# A row: the count of each bucket, then sum, least and most in nanoseconds.
_BUCKETS: Final = len(_BOUNDS_NS) + 1
_SUM, _LEAST, _MOST = _BUCKETS, _BUCKETS + 1, _BUCKETS + 2
_EMPTY: Final = [0] * (_BUCKETS + 1) + [1 << 62, 0]

_Series = tuple[str, str | None, str | None, str | None]
"""Kind, route, side, outcome."""
_Counter = tuple[str, str, str]
"""Metric and two labels; empty where it has fewer."""


@final
class Tally:
    """Counts calls.

    Args:
        routes: How many routes are told apart, of all that were ever met; the others are one, named `other`.
    """

    __slots__ = ("_counts", "_names", "_routes", "_rows", "_since_ns", "_told")

    def __init__(self, *, routes: int = ROUTES) -> None:
        self._routes = routes
        self._names = set[str]()
        self._told = False
        self._rows: dict[_Series, list[int]] = {}
        self._counts: dict[_Counter, int] = {}
        self._since_ns = time.time_ns()

    def add(self, ended: Ended) -> None:
        """Count a call that has ended."""
        duration_ns, route, outcome = ended.duration_ns, ended.route, ended.outcome
        self._time((_CALL, route, ended.side, outcome), duration_ns)
        if modern_ns := ended.modern_ns:
            self._time((_MODERN, route, None, outcome), modern_ns)
            if outcome is Outcome.FELL_BACK:
                self._time((_FALLBACK, route, None, None), max(0, duration_ns - modern_ns))

    def count(self, name: str, route: str | None = None, label: str = "", *, by: int = 1) -> None:
        """Count something else: a tallied counter of `fields.METRICS`, by route and label where it has them."""
        key = (name, "" if route is None else self._name(route), label)
        self._counts[key] = self._counts.get(key, 0) + by

    def take(self) -> bytes:
        """Return what was counted since the last time, for `merge`; empty when nothing was."""
        rows, counts = self._rows, self._counts
        if not rows and not counts:
            return b""
        self._rows, self._counts = {}, {}
        taken = {
            "rows": [[*series, row] for series, row in rows.items()],
            "counts": [[*counter, by] for counter, by in counts.items()],
        }
        return json.dumps(taken, separators=(",", ":")).encode()

    def merge(self, packed: bytes) -> None:
        """Add what another tally gave with `take`."""
        given = json.loads(packed or b'{"rows":[],"counts":[]}')
        for kind, route, side, outcome, added in given["rows"]:
            row = self._row((kind, route, side, outcome))
            for place in range(_BUCKETS + 1):
                row[place] += added[place]
            row[_LEAST], row[_MOST] = min(row[_LEAST], added[_LEAST]), max(row[_MOST], added[_MOST])
        for name, route, label, by in given["counts"]:
            self.count(name, route or None, label, by=by)

    def observed(self) -> Sequence[Observed]:
        """Return how many calls there were per route, side and outcome, busiest first."""
        found = [
            Observed(route=route or "", side=side or "", outcome=outcome or "", calls=sum(row[:_BUCKETS]))
            for (kind, route, side, outcome), row in list(self._rows.items())
            if kind == _CALL
        ]
        return sorted(found, key=lambda observed: -observed.calls)

    def unusable_keys(self) -> Sequence[UnusableKeys]:
        """Return how many calls of each route had no key that could decide, and why, most first."""
        found = [
            UnusableKeys(route=route, reason=reason, calls=calls)
            for (name, route, reason), calls in list(self._counts.items())
            if name == fields.BANYAN_KEYS_UNUSABLE
        ]
        return sorted(found, key=lambda each: -each.calls)

    def metrics(self) -> Sequence[Metric]:
        """Return all that was counted, cumulative since this was made; what was never met is left out."""
        timings = [timed(name, self._points(kind), since_ns=self._since_ns) for kind, name in _HISTOGRAMS.items()]
        counters = [counted(name, self._sums(name), since_ns=self._since_ns) for name in _LABELS]
        return [metric for metric in (*timings, *counters) if metric.data.data_points]

    def _time(self, series: _Series, took_ns: int) -> None:
        row = self._rows.get(series)
        if row is None:
            row = self._row(series)
        row[bisect_left(_BOUNDS_NS, took_ns)] += 1
        row[_SUM] += took_ns
        if took_ns < row[_LEAST]:  # noqa: PLR1730 - min() and max() would cost as much as all else here
            row[_LEAST] = took_ns
        if took_ns > row[_MOST]:  # noqa: PLR1730
            row[_MOST] = took_ns

    def _row(self, series: _Series) -> list[int]:
        kind, route, side, outcome = series
        named = (kind, None if route is None else self._name(route), side, outcome)
        return self._rows.setdefault(named, _EMPTY.copy())

    def _name(self, route: str) -> str:
        if route in self._names:
            return route
        if len(self._names) < self._routes:
            self._names.add(route)
            return route
        if not self._told:
            self._told = True
            _log.warning("further routes are counted as one", routes=self._routes, counted_as=OTHER)
        return OTHER

    def _points(self, kind: str) -> Iterator[tuple[dict[str, fields.Value], Sequence[int], tuple[float, float, float]]]:
        # list() and a copy of each row: the other thread may add meanwhile.
        for (of, route, side, outcome), row in list(self._rows.items()):
            if of == kind:
                *counts, total, least, most = row.copy()
                labels = ((fields.BANYAN_ROUTE, route), (fields.BANYAN_SIDE, side), (fields.BANYAN_OUTCOME, outcome))
                yield {k: str(v) for k, v in labels if v is not None}, counts, (total / 1e9, least / 1e9, most / 1e9)

    def _sums(self, name: str) -> Iterator[tuple[dict[str, fields.Value], int]]:
        for (of, *labels), value in list(self._counts.items()):
            if of == name:
                yield {k: v for k, v in zip(_LABELS[name], labels, strict=False) if v}, value
