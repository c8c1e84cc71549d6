"""Recorded traffic: pairs of files `NAME.request.xml` and `NAME.answer.xml`, whole envelopes as they were sent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from adapters.soap.sandbox.meaning import Meaning, meaning
from contracts.errors import ConfigError
from contracts.legacy.soap.answer import ENVELOPES
from contracts.legacy.soap.envelope import body_of
from contracts.legacy.xml import Element, XmlError, local_name, parse

__all__ = ["Recorder", "Recording", "Recordings"]

_REQUEST, _ANSWER = ".request.xml", ".answer.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One call that was recorded."""

    name: str
    asked: Element
    """The child of the SOAP Body."""
    answer: bytes
    is_fault: bool


class Recordings:
    """What is in a folder.

    Raises:
        ConfigError: It is no folder, or a file of it is no SOAP message.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError([f"{folder}: expected a folder of *{_REQUEST} and *{_ANSWER}"])
        self._by_tag: dict[str, list[Recording]] = defaultdict(list)
        for path in sorted(folder.glob("*" + _REQUEST)):
            name = path.name.removesuffix(_REQUEST)
            answer = (folder / (name + _ANSWER)).read_bytes() if (folder / (name + _ANSWER)).exists() else None
            if answer is None:
                raise ConfigError([f"{path}: expected {name}{_ANSWER} beside it"])
            asked, told = _first(path, path.read_bytes()), _first(folder / (name + _ANSWER), answer)
            is_fault = told.tag in {f"{{{namespace}}}Fault" for namespace in ENVELOPES.values()}
            self._by_tag[asked.tag].append(Recording(name=name, asked=asked, answer=answer, is_fault=is_fault))

    def find(self, asked: Element, match: Sequence[Sequence[str]]) -> Recording | None:
        """Return the call that is the same as one that comes in; None where none is.

        Args:
            asked: The child of the SOAP Body.
            match: Fields by which they are the same; the whole request where there are none.
        """
        wanted = _keys(asked, match)
        return next((each for each in self._by_tag.get(asked.tag, []) if _keys(each.asked, match) == wanted), None)


class Recorder:
    """Writes calls into a folder, as `Recordings` reads them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._numbers = count(1 + len([*folder.glob("*" + _REQUEST)]))

    def keep(self, operation: str, request: bytes, answer: bytes) -> None:
        """Write one call."""
        name = f"{next(self._numbers):05}-{operation}"
        (self._folder / (name + _ANSWER)).write_bytes(answer)
        (self._folder / (name + _REQUEST)).write_bytes(request)


def _keys(asked: Element, match: Sequence[Sequence[str]]) -> Mapping[str, str | None] | Meaning:
    if not match:
        return meaning(asked)
    return {"/".join(steps): _text(asked, steps) for steps in match}


def _text(element: Element, steps: Sequence[str]) -> str | None:
    here: Element | None = element
    for step in steps:
        here = None if here is None else next((child for child in here if local_name(child) == step), None)
    return None if here is None else (here.text or "").strip()


def _first(path: Path, data: bytes) -> Element:
    try:
        child = next(iter(body_of(parse(data))), None)
    except XmlError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    if child is None:
        raise ConfigError([f"{path}: expected a SOAP Body that has a child"])
    return child
