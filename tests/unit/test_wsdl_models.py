"""Models that are written of a contract: they take what the contract's samples become, and lose nothing."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.errors import BanyanError, ContractError, LegacyFaultError
from contracts.legacy.soap.answer import Answers, envelope
from contracts.legacy.soap.contract.model import Body, Contract, Operation, Part, Place, Port
from contracts.legacy.soap.contract.schema import Schemas, build
from contracts.legacy.soap.message.reader import Reader
from contracts.legacy.soap.message.readers import Readers
from contracts.legacy.soap.sample.message import Sampler
from hub.scaffold.models import Module, models_of
from tests.wsdls import OWN, contract_of, shared, shared_names

_SEEDS = range(3)
_MOST_OPERATIONS = 25


def loaded(text: str) -> ModuleType:
    """Run a module, and let pydantic find it by its name."""
    module = ModuleType("written_models")
    sys.modules[module.__name__] = module
    exec(compile(text, module.__name__, "exec"), vars(module))  # noqa: S102 - the text is what is tested
    return module


def operations(contract: Contract) -> list[Operation]:
    found: dict[str, Operation] = {}
    for _, port in contract.ports:
        if port.soap is not None:
            for name, operation in port.operations.items():
                found.setdefault(name, operation)
    return [*found.values()]


def plain(value: Any) -> Any:
    """Return a record without the classes of enumerations."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [*map(plain, cast("Iterable[Any]", value))]
    return value.value if isinstance(value, Enum) else value


def replies(contract: Contract, schemas: Schemas, module: Module) -> Iterator[tuple[str, str, Any]]:
    """Yield operation, model and record of samples of its replies and faults."""
    answers, readers = Answers(Sampler(schemas)), Readers(schemas)
    for operation in operations(contract)[:_MOST_OPERATIONS]:
        if operation.name not in module.replies or operation.output is None:
            continue
        reader = Reader(operation, readers, system="test", refused=frozenset())
        for seed in _SEEDS:
            try:
                body, _ = answers.parts(operation.output, seed=seed)
            except ContractError:
                break  # nothing of finite size is valid
            yield operation.name, module.replies[operation.name], reader.read(envelope("1.1", body)).record
        for fault in operation.faults:
            with pytest.raises(LegacyFaultError) as caught:
                reader.read(answers.fault("1.1", fault, seed=0))
            # A detail that is no global element stays text, whatever its type.
            is_typed = fault.part is not None and fault.part.element is not None
            detail: object = caught.value.detail
            if is_typed and isinstance(detail, dict):
                yield operation.name, module.faults[operation.name][fault.name], cast("dict[str, Any]", detail)


def checked(contract: Contract) -> Counter[str]:
    """Validate samples by the models; return how many were right."""
    schemas = build(contract.bundle)
    made = models_of(contract, schemas)
    module = loaded(made.text)
    counts = Counter[str]()
    for name, model, record in replies(contract, schemas, made):
        adapter: TypeAdapter[Any] = TypeAdapter(getattr(module, model))
        counts["samples"] += 1
        try:
            found = adapter.validate_python(record)
        except ValidationError as error:
            pytest.fail(f"{contract.name}: {name}: {error}")
        # By repr, since NaN is not equal to itself.
        dumped = adapter.dump_python(found, by_alias=True, exclude_unset=True)
        assert repr(sorted_(plain(dumped))) == repr(sorted_(record)), f"{contract.name}: {name}"
        written = adapter.dump_json(found)  # by name, where records are by alias
        again = adapter.validate_json(written)
        assert adapter.dump_json(again) == written, f"{contract.name}: {name}"
        assert b'"unset"' not in written
        assert type(again) is type(found)
        counts["right"] += 1
    return counts


def test_a_field_is_never_read_for_another_that_is_absent() -> None:
    contract = contract_of(OWN / "namesakes.wsdl")
    module = loaded(models_of(contract, build(contract.bundle)).text)

    found = module.Thing.model_validate({"id": "7", "unit_price": "1"})

    assert (found.model_dump(by_alias=True, exclude={"xsi_type"})) == {"id": "7", "unit_price": "1"}
    assert found.model_dump_json(exclude={"xsi_type"}) == '{"unit_price":"1","id":"7"}'
    for attribute in ({}, {"@since": "b"}):
        record = {"id": "7", "unit_price": "1", "since": "a", **attribute}
        more = module.Special.model_validate(record)
        assert more.model_dump(by_alias=True, exclude={"xsi_type"}) == record
        assert module.Special.model_validate_json(more.model_dump_json()) == more


def sorted_(value: Any) -> Any:
    """Return a record in the order of names."""
    if isinstance(value, dict):
        return {name: sorted_(each) for name, each in sorted(cast("dict[str, Any]", value).items())}
    return [*map(sorted_, cast("Iterable[Any]", value))] if isinstance(value, list) else value


def of_elements(contract: Contract) -> Contract:
    """Return a contract of schemas with an operation that answers with each global element."""
    operations: dict[str, Operation] = {}
    place = Place(uri=contract.bundle.start, line=1)
    for tag, element in build(contract.bundle).xsd.maps.elements.items():
        if tag.startswith(f"{{{contract.namespace}}}") and not [*element.iter_substitutes()]:
            part = Part(name="parameters", element=tag)
            body = Body(message=tag, parts=(part,), wrapper=None, use="literal")
            name = tag.rpartition("}")[2]
            operations[name] = Operation(
                name=name, style="document", action="", input=body, output=body, faults=(), place=place
            )
    port = Port(name="all", binding="b", soap="1.1", address=None, operations=operations, place=place)
    return replace(contract, unbound={"all": port})


@pytest.mark.parametrize("path", sorted(OWN.glob("*.wsdl")), ids=lambda path: path.stem)
def test_samples_of_our_contracts_survive_their_models(path: Path) -> None:
    contract = contract_of(path)
    counts = checked(contract if operations(contract) else of_elements(contract))

    print(f"{path.name}: {counts['right']} of {counts['samples']} samples")
    assert counts["right"] == counts["samples"] > 0


@pytest.mark.timeout(600)
def test_samples_of_shared_contracts_survive_their_models() -> None:
    counts = Counter[str]()
    for name in shared_names():
        try:
            contract = shared(name)
            counts += checked(contract)
        except BanyanError as error:
            print(f"{name}: {error}")
            counts["unread"] += 1
    print(f"{counts['right']} of {counts['samples']} samples, {counts['unread']} contracts without")
    assert counts["right"] == counts["samples"] > 0
