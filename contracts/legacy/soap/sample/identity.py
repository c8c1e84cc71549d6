"""Keys, unique values and references to keys (XML Schema, section 3.11): made to hold once the message is whole."""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias, cast

from xmlschema.validators import XsdIdentity, XsdKeyref

from contracts.errors import ContractError
from contracts.legacy.soap.sample.place import Leaf, Message
from contracts.legacy.soap.sample.text import texts
from contracts.legacy.xml import Element

__all__ = ["settle"]

_MOST_TRIES: Final = 60
_Leaves: TypeAlias = dict[tuple[Element, str | None], Leaf]


def settle(message: Message) -> None:
    """Let keys differ, and references to keys name one of them.

    Raises:
        ContractError: There are not enough values for a key, or no key for what must refer to one.
    """
    if not message.constrained:
        return
    leaves: _Leaves = {(leaf.element, leaf.attribute): leaf for leaf in message.leaves}
    # The innermost were made first, which is how keys propagate upwards.
    for element, declared in message.constrained:
        for identity in declared.identities:
            if not isinstance(identity, XsdKeyref):
                _differ(identity, element, leaves)
    for element, declared in message.constrained:
        for identity in declared.identities:
            if isinstance(identity, XsdKeyref):
                _name_one(identity, element, leaves, message=message)


def _differ(identity: XsdIdentity, root: Element, leaves: _Leaves) -> None:
    seen: set[tuple[str, ...]] = set()
    for row in _rows(identity, root, leaves):
        last = row[-1]
        for text in texts(last.kind, last.name, last.draw.at("key", len(seen))):
            if _said(row) not in seen:
                break
            last.set(text.text)
        for again in range(_MOST_TRIES):
            if _said(row) not in seen:
                break
            last.set(next(texts(last.kind, last.name, last.draw.at("key", len(seen), again))).text)
        if _said(row) in seen:
            expected = f"one more value that {last.kind.name or 'its type'} allows for the key {identity.local_name}"
            raise ContractError(last.name, expected=expected, found=f"{len(seen)}, all taken")
        seen.add(_said(row))


def _name_one(identity: XsdKeyref, root: Element, leaves: _Leaves, *, message: Message) -> None:
    key = identity.refer
    if not isinstance(key, XsdIdentity):
        return
    homes = [element for element, declared in message.constrained if key in declared.identities]
    known = [_said(row) for home in homes for row in _rows(key, home, leaves)]
    for number, row in enumerate([*_rows(identity, root, leaves)]):
        if known:
            for leaf, text in zip(row, known[number % len(known)], strict=True):
                leaf.set(text)
        elif row[0].is_optional:
            _leave_out(row[0])
        else:
            expected = f"a key {key.local_name} to refer to"
            raise ContractError(row[0].name, expected=expected, found="none in the message")


def _leave_out(leaf: Leaf) -> None:
    if leaf.attribute is not None:
        del leaf.element.attrib[leaf.attribute]
    elif (parent := leaf.element.getparent()) is not None:
        parent.remove(leaf.element)


def _rows(identity: XsdIdentity, root: Element, leaves: _Leaves) -> Iterator[list[Leaf]]:
    """Yield the fields of each element that an identity constraint selects and that has all of them."""
    if identity.selector is None:
        return
    known = {prefix: uri for prefix, uri in identity.schema.namespaces.items() if prefix}
    for element in _found(root, identity.selector.path, known):
        fields = [_leaf(element, field.path, known, leaves=leaves) for field in identity.fields]
        row = [leaf for leaf in fields if leaf is not None]
        if row and len(row) == len(fields):
            yield row


def _leaf(element: Element, path: str, known: dict[str, str], *, leaves: _Leaves) -> Leaf | None:
    for found in _found(element, path, known):
        if isinstance(found, str):
            text: Any = found
            return leaves.get((text.getparent(), text.attrname))
        return leaves.get((found, None))
    return None


def _found(element: Element, path: str, known: dict[str, str]) -> list[Any]:
    return cast("list[Any]", element.xpath(path, namespaces=known))


def _said(row: list[Leaf]) -> tuple[str, ...]:
    return tuple(leaf.text for leaf in row)
