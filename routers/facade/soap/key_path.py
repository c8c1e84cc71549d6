"""Follows a key's steps through the Header or the Body, element by element, and collects what lies on them."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from routers.facade.soap.expat_parser import Parser

__all__ = ["KeyPath"]

_PART = 2
"""Depth of Header and Body."""


class KeyPath:
    """Handlers for one parser; names come as expat writes them, `namespace}name`."""

    def __init__(self, parser: Parser, steps: tuple[str, ...], on_key: Callable[[], None]) -> None:
        self._parser, self._on_key = parser, on_key
        self._steps, self._of_attribute = _read(steps)
        self._target = len(self._steps)
        self._depth: int = 0
        self._matched: int = 0
        self._text: list[str] | None = None
        self.keys: list[str] = []
        """What the matches hold; equal ones once."""
        self.ended: bool = False
        """The part that the steps begin with has ended: there are no more matches."""

    @property
    def element(self) -> str:
        """Return the local name of the element that holds the key."""
        return self._steps[-1].rpartition("}")[2]

    def follow(self, *, inside: bool) -> None:
        """Set the handlers; with `inside`, the parser is in the Body already."""
        self._depth = self._matched = _PART if inside else 0
        self.listen()

    def listen(self) -> None:
        """Have the parser call the handlers, again or for the first time."""
        self._parser.StartElementHandler = self.enter
        self._parser.EndElementHandler = self._leave

    @property
    def landmarks(self) -> list[bytes]:
        """Return the names without which no tag matters: none that this path follows begins or ends."""
        return [step.rpartition("}")[2].encode() for step in self._steps[1:]]

    @property
    def in_attribute(self) -> bool:
        """Tell whether the key is an attribute."""
        return self._of_attribute is not None

    @property
    def collecting(self) -> bool:
        """Tell whether the parser is inside a match, whose texts matter."""
        return self._text is not None

    def skip(self, levels: int) -> None:
        """Take that some tags went by unseen, which left the depth changed by so much."""
        self._depth += levels

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take a start tag."""
        self._depth += 1
        if self._matched == self._depth - 1 < self._target and self._is_step(name):
            self._matched += 1
            if self._matched == self._target:
                self._reached(attributes)

    def _is_step(self, name: str) -> bool:
        step = self._steps[self._matched]
        return not step or name == step or name.rpartition("}")[2] == step

    def _reached(self, attributes: Mapping[str, str]) -> None:
        if self._of_attribute is None:
            self._text = []
            self._parser.CharacterDataHandler = self._read
            return
        for name, value in attributes.items():
            if name.rpartition("}")[2] == self._of_attribute:
                self._put(value)

    def _read(self, text: str) -> None:
        if self._text is not None and self._depth == self._target:
            self._text.append(text)

    def _leave(self, _name: str) -> None:
        if self._matched == self._depth:
            self._matched -= 1
            if self._text is not None:
                text, self._text = "".join(self._text), None
                self._parser.CharacterDataHandler = None
                self._put(text)
            self.ended = self._depth == _PART
        self._depth -= 1

    def _put(self, key: str) -> None:
        if key not in self.keys:
            self.keys.append(key)
        self._on_key()


@lru_cache(maxsize=1024)
def _read(steps: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """Return the elements as expat names them, the root first, and the attribute at the end."""
    attribute = steps[-1][1:] if steps[-1].startswith("@") else None
    elements = steps if attribute is None else steps[:-1]
    # An empty step takes anything: the root was checked when the operation was found.
    return ("", *(step.removeprefix("{") for step in elements)), attribute
