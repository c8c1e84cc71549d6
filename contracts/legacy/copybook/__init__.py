"""Mainframe records: copybook text to a layout, bytes to columns of values and back. Pure, no I/O."""

from contracts.legacy.copybook.codec import Codec, Decoded
from contracts.legacy.copybook.entry import Usage
from contracts.legacy.copybook.layout import Field, Layout, parse, parse_all

__all__ = ["Codec", "Decoded", "Field", "Layout", "Usage", "parse", "parse_all"]
