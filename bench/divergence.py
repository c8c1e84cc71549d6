"""Two SOAP replies compared, beside peers, on one core: `python -m bench.divergence [RECORDS]`.

A list of 10,000 residents, about 4 MB a side: the right reply has other prefixes, and one record in a hundred has
another fee. Beside that, ours with one record more at the front, and with every value written in another form, where
nothing is left but to read it all by its types. Contenders in turns, medians of CPU time; what each tells is counted,
since a peer that knows no types and no lists without an order tells what is no difference. Prints a table, and a JSON
object at the end; the exit code is 1 when a bar is missed.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Final, cast

from lxml import etree
from rich.console import Console
from rich.table import Table

from adapters.soap.bundle import load_bundle
from bench.machine import facts
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.divergence.comparer import Comparer
from contracts.legacy.soap.divergence.rules import Rules

ROUNDS: Final = 5
RECORDS: Final = 10_000
ONE_IN: Final = 100
AT_LEAST: Final = 1.5
"""Times as fast as xmltodict with a comparison of dictionaries."""
_WSDL: Final = Path(__file__).parent.parent / "tests" / "wsdl" / "registry.wsdl"
_RESIDENT: Final = (
    "<{r}:resident><{t}:id>R{n:08d}</{t}:id><{t}:name>Ada Igelkott of House and Yard Number {n}</{t}:name>"
    "<{t}:born>1980-02-03</{t}:born><{t}:status>ACTIVE</{t}:status>"
    '<{t}:address country="AT"><{t}:street>Ringstrasse at the Old Mill, Stair {n}</{t}:street><{t}:city>Wien</{t}:city>'
    "<{t}:postcode>{zeros}1010</{t}:postcode></{t}:address><{t}:fee>{fee}{zeros}</{t}:fee>"
    "<{t}:lastModified>2026-01-02T{time}</{t}:lastModified></{r}:resident>"
)
_OURS: Final = {
    "lxml c14n, lines": "banyan",
    "xmltodict, dictionaries": "banyan",
    "xmltodict, a record more in front": "banyan, a record more in front",
}
"""Which of ours compares the same pair."""

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What compares a pair of replies, and returns how many differences it tells."""

    name: str
    compare: Callable[[bytes, bytes], int]
    pair: Pair


def reply(numbers: Sequence[int], *, prefixes: str, every: int = 0, is_rewritten: bool = False) -> bytes:
    """Return a list of residents; one in so many has another fee, and with `is_rewritten` all values another form."""
    r, t = prefixes[0], prefixes[1]
    zeros, clock = ("00", "04:04:05.00+01:00") if is_rewritten else ("", "03:04:05Z")
    items = (
        _RESIDENT.format(r=r, t=t, n=n, fee="7.77" if every and n % every == 0 else "1.50", zeros=zeros, time=clock)
        for n in numbers
    )
    said = f'xmlns:{r}="urn:banyan:registry" xmlns:{t}="urn:banyan:registry:types"'
    inner = f"<{r}:ListResponse {said}>{''.join(items)}<{r}:complete>true</{r}:complete></{r}:ListResponse>"
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


def banyan() -> Callable[[bytes, bytes], int]:
    """Return our own comparer."""
    contract = read_contract(load_bundle(_WSDL))
    comparer = Comparer(contract, "List", build(contract.bundle), rules=Rules(max_differences=100_000))
    return lambda left, right: len(comparer.compare(left, right).differences)


def lines(left: bytes, right: bytes) -> int:
    """Compare the canonical forms, element by element as lines of text."""
    sides = [
        etree.tostring(etree.fromstring(each), method="c14n", exclusive=True).split(b"><") for each in (left, right)
    ]
    return sum(mine != theirs for mine, theirs in zip_longest(*sides))


def dictionaries(left: bytes, right: bytes) -> int:
    """Compare what xmltodict makes of both, namespaces resolved, place by place."""
    parse = import_module("xmltodict").parse
    sides = [parse(each, process_namespaces=True) for each in (left, right)]
    return sum(1 for _ in _unlike(sides[0], sides[1]))


def _unlike(left: object, right: object) -> Iterator[None]:
    if isinstance(left, dict) and isinstance(right, dict):
        one, other = cast("dict[str, object]", left), cast("dict[str, object]", right)
        for key in {**one, **other}:
            yield from _unlike(one.get(key), other.get(key))
    elif isinstance(left, list) and isinstance(right, list):
        for mine, theirs in zip_longest(cast("list[object]", left), cast("list[object]", right)):
            yield from _unlike(mine, theirs)
    elif left != right:
        yield None


def contenders(records: int) -> list[Contender]:
    """Return ours on three pairs, and the peers that are here on the first of them."""
    numbers = range(records)
    left = reply(numbers, prefixes="rt")
    pair = (left, reply(numbers, prefixes="xy", every=ONE_IN))
    more = (left, reply([records, *numbers], prefixes="xy", every=ONE_IN))
    rewritten = (left, reply(numbers, prefixes="xy", every=ONE_IN, is_rewritten=True))
    ours = banyan()
    found = [
        Contender(name="banyan", compare=ours, pair=pair),
        Contender(name="banyan, a record more in front", compare=ours, pair=more),
        Contender(name="banyan, every value in another form", compare=ours, pair=rewritten),
        Contender(name="lxml c14n, lines", compare=lines, pair=pair),
    ]
    if find_spec("xmltodict"):
        found.append(Contender(name="xmltodict, dictionaries", compare=dictionaries, pair=pair))
        found.append(Contender(name="xmltodict, a record more in front", compare=dictionaries, pair=more))
    return found


def measured(contender: Contender) -> tuple[float, int]:
    """Return MB per second of CPU time, and how many differences are told."""
    began = time.process_time()
    told = contender.compare(*contender.pair)
    return sum(map(len, contender.pair)) / (time.process_time() - began) / 1e6, told


def main() -> None:
    """Measure each contender, and print it; the exit code is 1 when a bar is missed."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    every = contenders(records)
    rates: dict[str, list[float]] = {each.name: [] for each in every}
    told: dict[str, int] = {}
    for _ in range(ROUNDS):
        for each in every:
            rate, told[each.name] = measured(each)
            rates[each.name].append(rate)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    table = Table(title=f"two replies of {len(every[0].pair[0]) / 1e6:.1f} MB, one core, median of {ROUNDS} rounds")
    for column in ("contender", "MB/s", "lowest", "highest", "banyan is", "differences told"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for name, found in rates.items():
        ratio = "" if name.startswith("banyan") else f"{medians[_OURS[name]] / medians[name]:.2f}x"
        figures = [f"{each:.1f}" for each in (medians[name], min(found), max(found))]
        table.add_row(name, *figures, ratio, f"{told[name]:,}")
    Console().print(table)
    print(f"bar: {AT_LEAST}x xmltodict, and each real difference told once; {facts()}")
    met = _is_met(medians, told, real=-(-records // ONE_IN))
    print(json.dumps({"mb_per_s": {name: round(each, 1) for name, each in medians.items()}, "told": told, "met": met}))
    sys.exit(0 if met else 1)


def _is_met(medians: dict[str, float], told: dict[str, int], *, real: int) -> bool:
    peer = medians.get("xmltodict, dictionaries")
    # The record more has the number 10,000, so its fee is another one, too; but it is one difference.
    exact = [told["banyan"], told["banyan, every value in another form"], told["banyan, a record more in front"] - 1]
    return exact == [real] * 3 and (peer is None or medians["banyan"] >= AT_LEAST * peer)


if __name__ == "__main__":
    main()
