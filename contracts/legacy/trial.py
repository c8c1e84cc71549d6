"""Tries to decode records by their copybook, as evidence for a framing and a code page that were proposed. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from contracts.errors import ConfigError, ContractError, RecordError
from contracts.legacy.copybook import Layout, RowCodec
from contracts.legacy.copybook.item import Item
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Framing
from contracts.legacy.framing.sniff import Trial

__all__ = ["trial_of"]

_MOST_RECORDS: Final = 1000
_FEWEST_RECORDS: Final = 20
_MOST_VALUES: Final = 50_000
"""Of all records that are tried with one proposal: wide records are tried less often."""


def trial_of(layouts: Sequence[Layout]) -> Trial:
    """Return what counts the records, of the first 1,000, that one of some layouts decodes.

    Where items redefine each other, nobody has said yet which of them a record has: these bytes are not looked at.

    Raises:
        ContractError: None of the layouts can be decoded without being told more, such as a code page of double bytes.
    """
    plain = [_plain(layout) for layout in layouts]
    usable = [layout for layout in plain if _codec(layout, "cp037", Framing()) is not None]
    if not usable:
        for layout in plain:
            RowCodec(layout)
    values = max(sum(_times(item) for item in layout.fields) for layout in plain)
    most = max(_FEWEST_RECORDS, min(_MOST_RECORDS, _MOST_VALUES // max(1, values)))

    def trial(records: Sequence[bytes], page: str, framing: Framing) -> tuple[int, int, str]:
        codecs = [codec for layout in usable if (codec := _codec(layout, page, framing)) is not None]
        tried, reasons = records[:most], Counter[str]()
        for record in tried:
            reasons[_reason(codecs, record)] += 1
        good = reasons.pop("", 0)
        return good, len(tried), next((reason for reason, _ in reasons.most_common(1)), "")

    return trial


def _codec(layout: Layout, page: str, framing: Framing) -> RowCodec | None:
    try:
        return FileSpec(copybook=Path(), encoding=page, framing=framing).codec(layout)
    except (ConfigError, ContractError):
        return None


def _reason(codecs: Sequence[RowCodec], record: bytes) -> str:
    """Say why no layout decodes a record, by the one that gets farthest; nothing where one does."""
    farthest, reason = -1, "no layout"
    for codec in codecs:
        try:
            codec.decode(record)
        except RecordError as error:
            if (error.start or 0) > farthest:
                farthest, reason = error.start or 0, f"{error.code} in {error.field}"
        else:
            return ""
    return reason


def _times(item: Item) -> int:
    times = 1
    for most, _ in item.dimensions:
        times *= most
    return times


def _plain(layout: Layout) -> Layout:
    """Return a layout without what redefines or is redefined: FILLER of as many bytes is there instead."""
    return replace(layout, items=tuple(map(_without_views, layout.items)), renames=())


def _without_views(item: Item) -> Item:
    redefined = {child.redefines for child in item.children} - {None}
    return replace(
        item,
        children=tuple(
            replace(child, name=None) if child.name in redefined else _without_views(child)
            for child in item.children
            if child.redefines is None
        ),
    )
