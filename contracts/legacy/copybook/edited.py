"""Edited numbers: characters as a picture shows them to numbers, and back.

The rules of editing: Enterprise COBOL Language Reference, "PICTURE clause editing".
"""

import math
import re
from dataclasses import dataclass

from contracts.legacy.copybook.item import Item
from contracts.legacy.copybook.number import Number, scaled
from contracts.legacy.copybook.picture import floating_of

__all__ = ["Editing", "read_float", "show_float"]

_OVERPUNCH = {c: (str(d), s) for s, cs in (("", "{ABCDEFGHI"), ("-", "}JKLMNOPQR")) for d, c in enumerate(cs)}
_PLAIN = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?", re.ASCII)
_CURRENCIES = "$€£¥¢¤"


@dataclass(frozen=True, slots=True)
class Editing:
    """How numbers are shown by one picture."""

    symbols: str
    floating: str
    scale: int
    digits: int
    overpunched: bool
    blank_when_zero: bool

    @classmethod
    def of(cls, item: Item) -> "Editing":
        """Return the editing of an edited item."""
        symbols = item.symbols.removeprefix("S").replace("P", "")
        return cls(
            symbols,
            floating_of(symbols),
            scale=item.scale,
            digits=item.digits,
            overpunched=item.symbols.startswith("S"),
            blank_when_zero=item.blank_when_zero,
        )

    @property
    def vanishes(self) -> bool:
        """Tell whether zero is shown as blanks: nothing in the picture shows a digit in any case."""
        return self.blank_when_zero or "9" not in self.symbols

    def read(self, text: str) -> Number | None:
        """Return the number that characters show, or None where the picture never shows them so."""
        if not text.strip(" ") or ("*" in self.symbols and not text.strip("*.")):
            return scaled(0, self.scale) if self.vanishes else None
        if self.overpunched and text[-1] in _OVERPUNCH:
            digit, sign = _OVERPUNCH[text[-1]]
            text = text[:-1] + digit
            return self._number(text, negative=bool(sign))
        found = self._number(text, negative=False)
        return self._plain(text) if found is None else found

    def _plain(self, text: str) -> Number | None:
        """Read a number that nobody edited: text moved into the item, with as many places as the picture."""
        match = _PLAIN.fullmatch(text.strip(" "))
        if match is None or len(match[2]) > self.digits - self.scale or len(match[3] or "") != max(0, self.scale):
            return None
        if (match[1] == "-" and not set(self.symbols) & set("+-cd")) or self.scale < 0 or "P" in self.symbols:
            return None
        number = int(match[2] + (match[3] or ""))
        return scaled(-number if match[1] == "-" else number, self.scale)

    def _number(self, text: str, *, negative: bool) -> Number | None:
        state = _Reading(self.floating, negative=negative)
        at = 0
        for symbol in self.symbols:
            width = 2 if symbol in "cd" else 0 if symbol == "V" else 1
            if not state.take(symbol, text[at : at + width]):
                return None
            at += width
        if at != len(text) or (not state.digits and not self.vanishes):
            return None
        number = int(state.digits or "0")
        return scaled(-number if state.negative else number, self.scale)

    def show(self, number: int) -> str | None:
        """Return the characters that show a number without its decimal point; None where it does not fit."""
        digits = f"{abs(number):0{self.digits}d}"
        signed = bool(set(self.symbols) & set("+-cd"))
        if len(digits) > self.digits or (number < 0 and not signed and not self.overpunched):
            return None
        if not number and self.vanishes:
            return self._nothing()
        writing = _Writing(self, digits, negative=number < 0)
        for symbol in self.symbols:
            writing.put(symbol)
        return self._signed_last(writing.text(), negative=number < 0)

    def _signed_last(self, text: str, *, negative: bool) -> str:
        if not (self.overpunched and negative):
            return text
        return text[:-1] + "}JKLMNOPQR"[int(text[-1])]

    def _nothing(self) -> str:
        if "*" in self.symbols and not self.blank_when_zero:
            return "".join({".": ".", "V": "", "c": "**", "d": "**"}.get(symbol, "*") for symbol in self.symbols)
        return " " * sum(2 if symbol in "cd" else symbol != "V" for symbol in self.symbols)


class _Reading:
    """What is known of a number after some of its characters."""

    def __init__(self, floating: str, *, negative: bool) -> None:
        self.digits = ""
        self.negative = negative
        self._floating = floating
        self._shown = False
        """Whether a digit was seen, or what always comes before one."""
        self._suppressing = False
        self._sign_seen = False

    def take(self, symbol: str, found: str) -> bool:
        """Read what stands where a symbol is, and tell whether it may stand there."""
        if symbol in "9Z*" or symbol == self._floating:
            return self._digit(symbol, found)
        match symbol:
            case "," | "/" | "0" | "B":
                return self._inserted(" " if symbol == "B" else symbol, found)
            case "." | "V":
                is_hidden = symbol == "." and not self._shown and found in (" ", "*")
                self._shown = self._shown or found == "."
                return symbol in (found, "V") or is_hidden
            case "c" | "d":
                self.negative = self.negative or found in ("CR", "DB")
                return found in ({"c": "CR", "d": "DB"}[symbol], "  ")
            case "$":
                return found in _CURRENCIES
            case _:
                return self._sign(symbol, found)

    def _digit(self, symbol: str, found: str) -> bool:
        is_first = symbol == self._floating and not self._suppressing
        self._suppressing = self._suppressing or symbol != "9"
        if found.isascii() and found.isdigit() and not is_first:
            self.digits += found
            self._shown = True
            return True
        if symbol == "9" or self._shown:
            return False
        self.digits += "0"
        return self._suppressed(found)

    def _inserted(self, wanted: str, found: str) -> bool:
        return self._suppressed(found) if self._suppressing and not self._shown else found == wanted

    def _suppressed(self, found: str) -> bool:
        if found and found in "+-" and self._floating in ("+", "-") and not self._sign_seen:
            self._sign_seen = True
            return self._sign(self._floating, found)
        if found in _CURRENCIES and self._floating == "$" and not self._sign_seen:
            self._sign_seen = True
            return True
        return found in (" ", "*") and not self._sign_seen

    def _sign(self, symbol: str, found: str) -> bool:
        self.negative = self.negative or found == "-"
        return found in (("+", "-") if symbol == "+" else ("-", " "))


class _Writing:
    """The characters of a number so far."""

    def __init__(self, editing: Editing, digits: str, *, negative: bool) -> None:
        self._floating = editing.floating
        self._fill = "*" if "*" in editing.symbols else " "
        self._digits = iter(digits)
        self._negative = negative
        self._shown: list[str] = []
        self._started_at: int | None = None
        self._suppressing = False
        self._floats = 0

    def put(self, symbol: str) -> None:
        """Show one symbol."""
        if symbol == self._floating:
            self._floats += 1
            self._suppressing = True
            self._digit("Z", "0" if self._floats == 1 else next(self._digits))
        elif symbol in "9Z*":
            self._suppressing = self._suppressing or symbol != "9"
            self._digit(symbol, next(self._digits))
        elif symbol in ".V":
            self._start()
            self._shown += [symbol] if symbol == "." else []
        elif symbol in ",/0B":
            hidden = self._suppressing and self._started_at is None
            self._shown.append(self._fill if hidden else " " if symbol == "B" else symbol)
        else:
            self._shown.append(self._sign(symbol))

    def text(self) -> str:
        """Return all characters."""
        if self._floating and self._started_at:
            self._shown[self._started_at - 1] = self._sign(self._floating)
        return "".join(self._shown)

    def _start(self) -> None:
        if self._started_at is None:
            self._started_at = len(self._shown)

    def _digit(self, symbol: str, digit: str) -> None:
        if symbol == "9" or digit != "0":
            self._start()
        self._shown.append(self._fill if self._started_at is None else digit)

    def _sign(self, symbol: str) -> str:
        match symbol:
            case "+":
                return "-" if self._negative else "+"
            case "-":
                return "-" if self._negative else " "
            case "$":
                return "$"
            case _:
                return {"c": "CR", "d": "DB"}[symbol] if self._negative else "  "


def read_float(text: str, item: Item) -> float | None:
    """Return the number that the characters of an external float show, or None where they are none."""
    point = "[.]" if "." in item.symbols else ""
    before = item.digits - item.scale
    match = re.fullmatch(rf"([+ -])(\d{{{before}}}){point}(\d{{{item.scale}}})E([+ -]\d\d)", text)
    if match is None:
        return None
    sign = "-" if match[1] == "-" else ""
    return float(f"{sign}{match[2] or '0'}.{match[3]}E{match[4].strip()}")


def show_float(number: float, item: Item) -> str | None:
    """Return the characters of an external float, normalized to all its digits; None where it does not fit."""
    if not math.isfinite(number):
        return None
    mantissa, _, exponent = f"{abs(number):.{item.digits - 1}e}".partition("e")
    digits = mantissa.replace(".", "")
    power = int(exponent) - (item.digits - item.scale) + 1 if number else 0
    if abs(power) > 99:  # noqa: PLR2004 - two digits of an exponent
        return None
    before = item.digits - item.scale
    point = "." if "." in item.symbols else ""
    front, back = item.symbols[0], item.symbols[item.symbols.index("E") + 1]
    sign = "-" if number < 0 else "+" if front == "+" else " "
    power_sign = "-" if power < 0 else "+" if back == "+" else " "
    return f"{sign}{digits[:before]}{point}{digits[before:]}E{power_sign}{abs(power):02d}"
