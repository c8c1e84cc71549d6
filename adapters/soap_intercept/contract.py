"""What the WSDL says of an operation: how its requests and its replies are read."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, final

from adapters._bundle_file import local_bundle, local_path, require_wsdl
from adapters._operation import chosen
from adapters.soap_intercept.config import Config
from contracts.errors import ConfigError, ContractError
from contracts.legacy.soap.contract.catalog import standard
from contracts.legacy.soap.contract.model import Operation
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.message.reader import Reader, Reply
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.message.structure import Complex
from contracts.legacy.xml import Limits, XmlError

__all__ = ["CALL_FIELDS", "Contract", "load"]

CALL_FIELDS: Final = ("at", "backend", "request_id", "side", "traceparent")
"""What `call/…` of a mapping may name."""


@final
class Contract:
    """One operation. Not for several threads at a time."""

    def __init__(self, operation: Operation, readers: Readers, *, system: str, most_bytes: int) -> None:
        self._limits = Limits(document_bytes=most_bytes)
        self._roots = {"request": operation.input.root}
        # A request is read as the reply of an operation that answers with it.
        self._readers = {
            "request": Reader(replace(operation, output=operation.input, faults=()), readers, system=system)
        }
        if operation.output is not None:
            self._roots["reply"] = operation.output.root
            self._readers["reply"] = Reader(operation, readers, system=system)

    @property
    def replies(self) -> bool:
        """Tell whether the operation has replies; else it is one-way."""
        return "reply" in self._readers

    def request(self, data: bytes) -> Reply:
        """Read a request; raises as `Reader.read` does."""
        return self._readers["request"].read(data, self._limits)

    def reply(self, data: bytes) -> Reply:
        """Read a reply of an operation that has some; raises as `Reader.read` does."""
        return self._readers["reply"].read(data, self._limits)

    def problems(self, fields: Iterable[str]) -> list[str]:
        """Return which fields of a mapping there are not, one sentence each."""
        return [problem for field in fields if (problem := self._problem(field)) is not None]

    def _problem(self, field: str) -> str | None:
        where, *path = field.split("/")
        if where == "call" and len(path) == 1 and path[0] in CALL_FIELDS:
            return None
        if where == "call":
            return f"mapping of {field}: of a call there are: {', '.join(CALL_FIELDS)}"
        if where not in self._readers or not path:
            return f"mapping of {field}: expected {', '.join(self._readers)} or call, and a path in it"
        return self._missing(where, path, field)

    def _missing(self, where: str, path: list[str], field: str) -> str | None:
        reader, steps = self._readers[where], [self._roots[where] or ""]
        for place, step in enumerate(path):
            if step.startswith(("@", "#")):
                return None
            steps.append(step)
            try:
                found = reader.field_at(tuple(steps))
            except ConfigError as error:
                problem = error.problems[0].removeprefix("items: ").replace("the reply", f"the {where}")
                return f"mapping of {field}: {problem}"
            if found.repeats and place < len(path) - 1:
                return f"mapping of {field}: {step} may be there several times: map it by a function"
            if found.type is None or (isinstance(found.type, Complex) and found.type.is_open):
                return None
        return None


def load(config: Config) -> Contract:
    """Read the WSDL and find the operation in it.

    Raises:
        ConfigError: There is no such file, service, port or operation; says what there is.
        ContractError: The WSDL is not understood, or lacks what it imports.
    """
    try:
        bundle = require_wsdl(local_bundle(local_path(config.wsdl), config.bundle, standard), config.wsdl)
        for missing in bundle.missing:
            raise ContractError(missing.needed_by, expected=f"an import of {missing.location}", found=missing.reason)
        _, _, operation = chosen(
            read_contract(bundle),
            config.wsdl,
            operation=config.operation,
            service=config.service,
            port=config.port,
        )
        return Contract(operation, Readers(build(bundle)), system=config.name, most_bytes=config.most_bytes)
    except XmlError as error:
        raise ContractError(config.wsdl, expected="a WSDL that can be read", found=str(error)) from error
