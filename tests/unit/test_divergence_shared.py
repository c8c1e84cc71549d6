"""Every operation of the shared contracts has a comparer, and what is made up for an answer is compared by it."""

from collections.abc import Iterator

from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.divergence.comparer import Comparer
from tests.replies import envelope, told
from tests.wsdls import shared, shared_names

MOST = 60


def answers(root: str) -> tuple[bytes, bytes, bytes]:
    """Return an answer, the same one with another prefix, and one that says another thing."""
    namespace, _, name = root.rpartition("}")
    plain, prefixed, other = (
        envelope(f'<{p}{name} xmlns{p and ":"}{p[:-1]}="{namespace[1:]}"><a xmlns="" b="1">{text}</a></{p}{name}>')
        if namespace
        else envelope(f"<{name}><a b='1'>{text}</a></{name}>")
        for p, text in (("", 1), ("q:", 1), ("q:", 2))
    )
    return plain, prefixed, other


def comparers() -> Iterator[tuple[str, Comparer]]:
    for name in shared_names():
        contract = shared(name)
        schemas = build(contract.bundle)
        for _, port in contract.ports:
            for operation in [*port.operations.values()][:MOST]:
                output = operation.output
                if output is not None and output.root is not None:
                    yield output.root, Comparer(contract, operation.name, schemas, port=port.name)


def test_each_operation_of_the_shared_contracts_can_be_compared() -> None:
    seen = 0
    for root, comparer in comparers():
        seen += 1
        plain, prefixed, other = answers(root)
        assert told(comparer.compare(plain, prefixed)) == []
        assert [kind for kind, _ in told(comparer.compare(plain, other))] == ["value"]

    assert seen > 200
