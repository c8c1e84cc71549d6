"""A stored trace as a tree that somebody new to it can read, or as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.cells import cell_len
from rich.text import Text

from observability import fields
from observability.storedspan import StoredSpan

__all__ = ["render", "to_json", "tree"]

LIKE_SHOWN = 5
"""How many siblings that are alike are shown before the others are only counted."""
_VALUE_WIDTH = 48
_HASH_WIDTH = 12
_HANGING: Final = 4
"""How much deeper than its span's name stands what has no room beside it."""
_MS_PER_SECOND: Final = 1000

_LABELS: Final[Mapping[str, str]] = {
    fields.BANYAN_FILE_NAME: "file",
    fields.BANYAN_FILE_SHA256: "sha256",
    fields.BANYAN_STREAM: "stream",
    fields.BANYAN_CHUNK: "chunk",
    fields.BANYAN_OPERATION: "operation",
    fields.BANYAN_POSITION: "position",
    fields.BANYAN_RECORDS: "records",
    fields.BANYAN_EVENTS: "events",
    fields.MESSAGING_BATCH_MESSAGE_COUNT: "messages",
    fields.MESSAGING_DESTINATION_PARTITION_ID: "partition",
    fields.MESSAGING_KAFKA_OFFSET: "offset",
    fields.MESSAGING_CONSUMER_GROUP_NAME: "group",
    fields.CLOUDEVENTS_EVENT_TYPE: "type",
    fields.HTTP_RESPONSE_STATUS_CODE: "status",
    fields.BANYAN_SIDE: "side",
    fields.BANYAN_STAGE: "stage",
    fields.BANYAN_BUCKET: "bucket",
    fields.BANYAN_REASON: "reason",
    fields.FEATURE_FLAG_VERSION: "ruleset",
    fields.BANYAN_KEY_HASH: "key",
    fields.BANYAN_DEAD_LETTERS: "dead letters",
    fields.BANYAN_DUPLICATES: "duplicates",
    fields.BANYAN_ATTEMPT: "attempt",
    fields.BANYAN_OUTCOME: "outcome",
}


def tree(spans: Sequence[StoredSpan]) -> Iterator[tuple[int, StoredSpan]]:
    """Yield each span once with its depth: below its parent, else below the first stored span it links to.

    Siblings stand in the order of their start. A span whose parent is not stored stands at the top.
    """
    children = _children(spans)
    seen = set[tuple[str, str]]()
    # The second turn takes what only links in a circle and so hangs below no top.
    for start in (*children.get(None, ()), *spans):
        stack = [(0, start)]
        while stack:
            depth, span = stack.pop()
            if _id(span) not in seen:
                seen.add(_id(span))
                yield depth, span
                stack.extend((depth + 1, child) for child in reversed(children.get(_id(span), ())))


def render(spans: Sequence[StoredSpan], *, width: int | None = None) -> Text:
    """Return the trace for a terminal: each span with its start, duration, service and key attributes.

    Of many siblings that are alike the first few are shown. `Text.plain` has no colours.

    Args:
        spans: Of one trace.
        width: Columns of the terminal: what has no room on a span's line stands below it, whole. Without it, each
            span has one line.
    """
    if not spans:
        return Text("no such trace is stored\n")
    began = min(span.start_ns for span in spans)
    rows = _few_alike(tree(spans))
    widths = (
        max(2 * depth + len(_clean(span.name)) for depth, span, hidden in rows if not hidden),
        max(len(_clean(span.service)) for _, span, _ in rows),
    )
    text = _headline(spans, width)
    for depth, span, hidden in rows:
        if hidden:
            text.append(f"{'':22}{'  ' * depth}... and {hidden} more like this\n", style="dim")
        else:
            text.append_text(_line(depth, span, began=began, widths=widths, width=width))
    return text.append_text(_not_kept(spans))


def to_json(spans: Sequence[StoredSpan]) -> str:
    """Return the trace as a JSON array in the tree's order, with every attribute, depth and duration."""
    return json.dumps(
        [
            {"depth": depth, "duration_ms": span.duration_ms, "alike": span.alike} | json.loads(span.to_json())
            for depth, span in tree(spans)
        ],
        indent=2,
    )


def _id(span: StoredSpan) -> tuple[str, str]:
    return span.trace_id, span.span_id


def _children(spans: Sequence[StoredSpan]) -> Mapping[tuple[str, str] | None, Sequence[StoredSpan]]:
    known = {_id(span) for span in spans}
    children: dict[tuple[str, str] | None, list[StoredSpan]] = {}
    for span in sorted(spans, key=lambda span: (span.start_ns, span.span_id)):
        causes = [(span.trace_id, span.parent_id or ""), *span.links]
        children.setdefault(next((cause for cause in causes if cause in known), None), []).append(span)
    return children


def _few_alike(rows: Iterable[tuple[int, StoredSpan]]) -> list[tuple[int, StoredSpan, int]]:
    """Put one row that counts them in place of the siblings that follow the first few alike."""
    shown: list[tuple[int, StoredSpan, int]] = []
    alike: dict[tuple[int, str], int] = {}
    counted: dict[tuple[int, str], int] = {}
    hidden_below: int | None = None
    for depth, span in rows:
        if hidden_below is not None and depth > hidden_below:
            continue
        hidden_below = None
        alike = {place: count for place, count in alike.items() if place[0] <= depth}
        place = (depth, span.likeness)
        alike[place] = alike.get(place, 0) + 1
        if alike[place] <= LIKE_SHOWN:
            shown.append((depth, span, 0))
            continue
        hidden_below = depth
        if alike[place] == LIKE_SHOWN + 1:
            counted[place] = len(shown)
            shown.append((depth, span, 0))
        shown[counted[place]] = (depth, span, alike[place] - LIKE_SHOWN)
    return shown


def _headline(spans: Sequence[StoredSpan], width: int | None) -> Text:
    first = min(spans, key=lambda span: span.start_ns)
    began = datetime.fromtimestamp(first.start_ns / 1e9, UTC)
    took = _took((max(span.end_ns for span in spans) - first.start_ns) / 1e6)
    services, failed = len({span.service for span in spans}), sum(span.error is not None for span in spans)
    said = [
        (f"began {began:%Y-%m-%d %H:%M:%S} UTC,", ""),
        (f"took {took}:", ""),
        (f"{_count(len(spans), 'span')} in {_count(services, 'service')},", ""),
        (f"{failed} failed" if failed else "none failed", "red" if failed else "green"),
    ]
    text = _flowing(Text(f"Trace {first.trace_id},", style="bold"), said, gap=" ", indent=0, width=width)
    return text.append("\n\n").append(f"{'after':>9}{'took':>11}  what\n", style="dim")


def _line(depth: int, span: StoredSpan, *, began: int, widths: tuple[int, int], width: int | None) -> Text:
    after, took = _took((span.start_ns - began) / 1e6), _took(span.duration_ms)
    text = Text()
    text.append(f"{after:>9}{took:>11}  ", style="dim")
    text.append(f"{'  ' * depth}{_clean(span.name)}".ljust(widths[0]), style="red" if span.error else "")
    said = [(_clean(span.service).ljust(widths[1]), "dim"), *((detail, "") for detail in _details(span.attributes))]
    if span.error is not None:
        said.append((f"FAILED {_clean(span.error)}", "bold red"))
    text = _flowing(text, said, gap="  ", indent=len(f"{after:>9}{took:>11}") + 2 * depth + _HANGING, width=width)
    text.rstrip()
    return text.append("\n")


def _flowing(text: Text, said: Iterable[tuple[str, str]], *, gap: str, indent: int, width: int | None) -> Text:
    """Append words with their styles; one for which the line has no room begins the next, and none is cut."""
    used = text.cell_len
    for words, style in said:
        if width is None or used <= indent or used + len(gap) + cell_len(words.rstrip()) <= width:
            text.append(gap)
            used += len(gap)
        else:
            text.append("\n" + " " * indent)
            used = indent
        text.append(words, style=style)
        used += cell_len(words)
    return text


def _not_kept(spans: Sequence[StoredSpan]) -> Text:
    text = Text(style="dim")
    groups: dict[tuple[str, str], list[StoredSpan]] = {}
    for span in spans:
        groups.setdefault((span.trace_id, span.likeness), []).append(span)
    for alike in groups.values():
        if (missing := alike[0].alike - len(alike)) > 0:
            text.append(f"\n{missing} more of {_clean(alike[0].name)} in {_clean(alike[0].service)} were not kept\n")
    return text


def _details(attributes: Mapping[str, Any]) -> list[str]:
    shown = [(label, attributes[name]) for name, label in _LABELS.items() if name in attributes]
    return [f"{label} {_value(label, value)}" for label, value in shown]


def _value(label: str, value: object) -> str:
    text = _clean(str(value))
    width = _HASH_WIDTH if label == "sha256" else _VALUE_WIDTH
    return text if len(text) <= width else text[: width - 1] + "…"


def _clean(text: str) -> str:
    # Names of files come from outside and may hold what steers a terminal.
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def _took(duration_ms: float) -> str:
    return f"{duration_ms / _MS_PER_SECOND:.2f} s" if duration_ms >= _MS_PER_SECOND else f"{duration_ms:.1f} ms"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
