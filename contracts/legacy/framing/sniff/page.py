"""Tells EBCDIC from ASCII by what the bytes are."""

from dataclasses import replace
from string import ascii_letters, digits
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.legacy.framing.sniff.proposal import Proposal, Trial

__all__ = ["is_ebcdic", "text_share", "with_page"]

_WORDS: Final = ascii_letters + digits + " "
_EBCDIC: Final = "cp037"
_OTHERS: Final = ("cp273", "cp500", "cp1140")
_CLEAR: Final = 1.5


def _marked(characters: bytes) -> NDArray[np.bool_]:
    marks = np.zeros(256, bool)
    marks[list(characters)] = True
    return marks


_EBCDIC_WORDS: Final = _marked(_WORDS.encode(_EBCDIC))
_ASCII_WORDS: Final = _marked(_WORDS.encode("ascii"))
_ASCII_TEXT: Final = _marked(bytes(range(0x20, 0x7F)) + b"\r\n\t")
_EBCDIC_TEXT: Final = _marked(
    bytes(b for b in range(0x40, 0xFF) if bytes([b]).decode(_EBCDIC).isprintable()) + b"\x15\x25\x0d\x05"
)


def text_share(data: bytes, *, ebcdic: bool) -> float:
    """Return which share of some bytes are printable characters or ends of lines; UTF-8 counts as such."""
    if not ebcdic and _is_utf8(data):
        return float(np.mean(_marked(bytes(range(0x20, 256)) + b"\r\n\t")[np.frombuffer(data, np.uint8)]))
    return float(np.mean((_EBCDIC_TEXT if ebcdic else _ASCII_TEXT)[np.frombuffer(data, np.uint8)])) if data else 0.0


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return False
    try:
        data[:-3].decode("utf-8")  # a sample may end inside a character
    except UnicodeDecodeError as error:
        return error.start >= len(data) - 6 and error.start > 0
    return True


def with_page(proposal: Proposal, trial: Trial | None) -> Proposal:
    """Return a proposal with the code page that its records are in, and what that does to it."""
    data = b"".join(proposal.records)
    page, evidence, against = _by_bytes(data)
    confidence = proposal.confidence
    if trial is not None:
        page, confidence, tried = _by_trial(proposal, trial, page=page)
        (evidence if confidence > proposal.confidence / 2 else against).append(tried)
    return replace(
        proposal,
        code_page=page,
        confidence=confidence,
        evidence=(*proposal.evidence, *evidence),
        against=(*proposal.against, *against),
    )


def is_ebcdic(data: bytes) -> bool | None:
    """Tell by letters, digits and blanks; None where neither EBCDIC nor ASCII has clearly more of them."""
    ebcdic, ascii_ = _shares(data)
    return True if ebcdic > ascii_ * _CLEAR else False if ascii_ > ebcdic * _CLEAR else None


def _shares(data: bytes) -> tuple[float, float]:
    codes = np.frombuffer(data, np.uint8)
    return (float(np.mean(_EBCDIC_WORDS[codes])), float(np.mean(_ASCII_WORDS[codes]))) if data else (0.0, 0.0)


def _by_bytes(data: bytes) -> tuple[str | None, list[str], list[str]]:
    ebcdic, ascii_ = _shares(data)
    shares = f"letters, digits and blanks are {ebcdic:.0%} of the bytes in EBCDIC, {ascii_:.0%} in ASCII"
    match is_ebcdic(data):
        case True:
            return _EBCDIC, [shares], [_other_pages(data)]
        case False:
            return ("utf-8" if _is_utf8(data) else "ascii"), [shares], []
        case None:
            return None, [], [f"{shares}: that does not tell the code page"]


def _other_pages(data: bytes) -> str:
    """Say what is not known: most EBCDIC pages differ in special characters only."""
    used = sorted(set(data) - set(range(0x40)))
    same, other = list[str](), list[str]()
    for page in _OTHERS:
        differing = [b for b in used if bytes([b]).decode(page) != bytes([b]).decode(_EBCDIC)]
        (other if differing else same).append(page)
    told = [f"{', '.join(same)} {'agree' if same[1:] else 'agrees'} here"] if same else []
    told += [f"{', '.join(other)} {'differ' if other[1:] else 'differs'} in bytes that occur here"] if other else []
    return f"{_EBCDIC} stands for all EBCDIC pages: " + "; ".join(told)


def _by_trial(proposal: Proposal, trial: Trial, *, page: str | None) -> tuple[str | None, float, str]:
    """Decode the records with both families of pages; the better one wins, and its share is how sure it is."""
    pages = [page or _EBCDIC, _EBCDIC if page in {"ascii", "utf-8"} else "ascii"]
    counts = [trial(proposal.records, each, proposal.framing) for each in pages]
    shares = [good / tried if tried else 0.0 for good, tried, _ in counts]
    best = 0 if shares[0] >= shares[1] else 1
    told = " but ".join(
        f"{good:,} of {tried:,} with {each}" for (good, tried, _), each in zip(counts, pages, strict=True)
    )
    why = f"; most others: {counts[best][2]}" if counts[best][2] else ""
    return pages[best], proposal.confidence * (0.2 + 0.8 * shares[best]), f"records that decode: {told}{why}"
