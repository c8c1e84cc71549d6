"""Mainframe records: copybook text to a layout, bytes to values and back, by rows or by columns. Pure, no I/O."""

from contracts.legacy.copybook.codec import Codec, Decoded
from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.layout import Field, Layout, parse, parse_all
from contracts.legacy.copybook.options import OddBytes, Options, Policy, Segments, Trim, Unnamed
from contracts.legacy.copybook.row import Record, RowCodec

__all__ = [
    "Codec",
    "Decoded",
    "Field",
    "Layout",
    "OddBytes",
    "Options",
    "Policy",
    "Record",
    "RowCodec",
    "Segments",
    "Trim",
    "Unnamed",
    "Usage",
    "parse",
    "parse_all",
]
