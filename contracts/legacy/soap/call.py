"""Reads a SOAP request: which operation of a contract it calls, and whether the contract allows what it says.

The first child of the SOAP Body decides, by its qualified name; a SOAPAction (or action of SOAP 1.2) that names
another operation is refused, since a backend that goes by the action would do something else.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from contracts.legacy.soap.answer import ENVELOPES, Refusal
from contracts.legacy.soap.contract.model import Operation, Port, SoapVersion
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.related import is_related, root_part
from contracts.legacy.soap.validity import problems
from contracts.legacy.xml import Element, Limits, XmlError, local_name, parse

__all__ = ["Admit", "Call", "Reader"]

_VERSIONS: Final[Mapping[str, SoapVersion]] = {namespace: version for version, namespace in ENVELOPES.items()}
_MEDIA_TYPES: Final[Mapping[str, SoapVersion]] = {"text/xml": "1.1", "application/soap+xml": "1.2"}
_MOST_BYTES: Final = 16 * 1024**2
Admit: TypeAlias = Callable[[Element], Refusal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was read."""

    version: SoapVersion
    port: Port
    operation: Operation
    body: tuple[Element, ...]
    """Children of the SOAP Body."""
    headers: tuple[Element, ...] = ()
    """Children of the SOAP Header; nobody has looked at them."""


class Reader:
    """Reads requests to some ports of a contract."""

    def __init__(self, schemas: Schemas, ports: Iterable[Port]) -> None:
        self._schemas = schemas
        self._by_root: dict[str | None, list[tuple[Port, Operation]]] = defaultdict(list)
        self._by_action: dict[str, set[str]] = defaultdict(set)
        for port in ports:
            for operation in port.operations.values():
                self._by_root[operation.input.root].append((port, operation))
                if operation.action:
                    self._by_action[operation.action].add(operation.name)

    def read(
        self, data: bytes, *, content_type: str, action: str, admit: Admit = lambda _envelope: None
    ) -> tuple[SoapVersion, Call | Refusal]:
        """Return the version that a request is in, and the call or why it is none.

        Args:
            data: The body of the HTTP request.
            content_type: Its header; SOAP 1.2 may have its action there.
            action: The header SOAPAction, with or without its quotes.
            admit: Looks at the envelope before anything of the contract is told, and may refuse it.
        """
        if is_related(content_type):
            try:
                data, content_type = root_part(data, content_type)
            except XmlError as error:
                return "1.1", _refused(str(error))
        media = content_type.partition(";")[0].strip().lower()
        if media not in _MEDIA_TYPES:
            expected = "text/xml (SOAP 1.1), application/soap+xml (SOAP 1.2), or either in multipart/related"
            return "1.1", _refused(f"Content-Type: expected {expected}, found {media or 'none'}", status=415)
        version = _MEDIA_TYPES[media]
        try:
            root = parse(data, Limits(document_bytes=_MOST_BYTES))
        except XmlError as error:
            return version, _refused(str(error))
        namespace = root.tag[1:].partition("}")[0]
        if local_name(root) != "Envelope" or namespace not in _VERSIONS:
            text = f"expected a SOAP Envelope, found {root.tag}"
            return version, Refusal(code="VersionMismatch", text=text)
        if _VERSIONS[namespace] != version:
            text = f"expected an envelope of SOAP {version}, as Content-Type says, found one of {_VERSIONS[namespace]}"
            return _VERSIONS[namespace], _refused(text, status=415)
        named = action.strip().strip('"') or _parameter(content_type, "action")
        return version, admit(root) or self._call(version, root, named)

    def _call(self, version: SoapVersion, root: Element, action: str) -> Call | Refusal:
        body = root.find(f"{{{ENVELOPES[version]}}}Body")
        if body is None:
            return _refused("Envelope: expected a Body, found none")
        children = tuple(body)
        tag = children[0].tag if children else None
        known = self._by_root.get(tag, [])
        if not known:
            offered = ", ".join(sorted(each for each in self._by_root if each is not None))
            return _refused(f"Body: expected one of {offered}, found {tag or 'nothing'}")
        names = {operation.name for _, operation in known}
        meant = self._by_action.get(action, set())
        if meant and not meant & names:
            found = f"an action that names {', '.join(sorted(meant))}"
            return _refused(f"action {action!r}: expected {', '.join(sorted(names))}, as the Body says, found {found}")
        port, operation = max(known, key=lambda each: (each[1].action == action, each[0].soap == version))
        problem = next(problems(self._schemas, operation.input, children), None)
        if problem is not None:
            return _refused(problem.text)
        header = root.find(f"{{{ENVELOPES[version]}}}Header")
        headers = () if header is None else tuple(header)
        return Call(version=version, port=port, operation=operation, body=children, headers=headers)


def _refused(text: str, *, status: int = 500) -> Refusal:
    return Refusal(code="Client", text=text, status=status)


def _parameter(content_type: str, name: str) -> str:
    for each in content_type.split(";")[1:]:
        key, _, value = each.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return ""
