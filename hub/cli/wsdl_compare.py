"""`banyan wsdl compare`: whether replies of two sides say the same, by the types of their contract."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters.soap.bundle import load_bundle
from contracts.errors import ConfigError
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.legacy.soap.divergence.clusters import Class, Clusters
from contracts.legacy.soap.divergence.comparer import Comparer
from contracts.legacy.soap.divergence.difference import Comparison, Difference
from contracts.legacy.soap.divergence.rules import Rules, load_rules
from hub.cli.output import AsJson, console, print_json, print_table

__all__ = ["DIFFERENCES", "compare"]

DIFFERENCES: Final = 3
"""The exit code when the replies do not agree."""

Root = Annotated[
    Path | None,
    typer.Option(
        help="Folder that all imports lie in; without it, that of the WSDL.", metavar="DIR", show_default=False
    ),
]


def compare(
    contract: Annotated[Path, typer.Argument(metavar="CONTRACT", help="The WSDL that both sides keep.")],
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="Whose replies they are.")],
    left: Annotated[Path, typer.Argument(metavar="LEFT", help="A reply (its bytes), or a folder of replies.")],
    right: Annotated[
        Path, typer.Argument(metavar="RIGHT", help="The other side's reply, or folder with files of the same names.")
    ],
    rules: Annotated[
        Path | None,
        typer.Option(help="YAML file of what is no divergence: ignore, unordered, tolerances, …", metavar="FILE"),
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="The port, where several have the operation; else the first of SOAP.")
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Compare replies of two sides: of one call, or of many as classes of differences with their counts.

    Prefixes, layout, encoding and the lexical form of values say nothing; values are compared by their types. Values
    are shown as shapes (`X` and `x` letters, `9` digits) unless the rules call their path public. Exit code 3 when the
    replies do not agree.
    """
    given = Rules() if rules is None else load_rules(rules)
    read = read_contract(load_bundle(contract, root=root))
    comparer = Comparer(read, operation, build(read.bundle), port=port, rules=given)
    if left.is_dir() != right.is_dir():
        raise ConfigError([f"{left} and {right}: expected two files or two folders, found one of each"])
    agree = (
        _folders(comparer, left, right, as_json=as_json) if left.is_dir() else _files(comparer, left, right, as_json)
    )
    if not agree:
        raise typer.Exit(DIFFERENCES)


def _files(comparer: Comparer, left: Path, right: Path, as_json: bool) -> bool:
    found = comparer.compare(_bytes(left), _bytes(right))
    if as_json:
        print_json(found.as_json())
    else:
        print_table(
            ("kind", "path", "type", "left", "right", "hint"),
            map(_row, found.differences),
            empty=f"equal: {_how(found)}",
            spare=("type", "hint"),
        )
        _tell(found)
    return found.is_equal


def _folders(comparer: Comparer, left: Path, right: Path, *, as_json: bool) -> bool:
    clusters, lone = Clusters(), sorted({*_names(left)} ^ {*_names(right)})
    pairs = sorted({*_names(left)} & {*_names(right)})
    if not pairs:
        raise ConfigError([f"{left} and {right}: expected replies under the same names in both, found none"])
    for name in pairs:
        clusters.add(comparer.compare(_bytes(left / name), _bytes(right / name)), at=_time(left / name), name=name)
    if as_json:
        print_json({**clusters.as_json(), "without_a_pair": lone})
    else:
        print_table(
            ("class", "count", "replies", "kind", "path", "type", "shape", "hint", "first in"),
            map(_class_row, clusters.classes()),
            empty="no differences",
            spare=("first in", "type", "hint", "shape"),
        )
        console().print(_summed(clusters), markup=False)
        for name in lone:
            console().print(f"{name}: on one side only, not compared", markup=False)
    return clusters.equal == clusters.compared and not lone


def _row(each: Difference) -> tuple[str, ...]:
    return each.kind, each.path, each.type or "", *each.sides, each.hint


def _class_row(each: Class) -> tuple[object, ...]:
    sample = each.sample
    return (
        each.class_id,
        each.count,
        each.comparisons,
        sample.kind,
        sample.generic,
        sample.type or "",
        sample.shape,
        sample.hint,
        each.first_in,
    )


def _how(found: Comparison) -> str:
    return {"bytes": "the same bytes", "canonical": "the same canonical XML", "typed": "by the types"}[found.how]


def _tell(found: Comparison) -> None:
    if found.is_truncated:
        console().print(f"stopped at {len(found.differences)} differences (max_differences)", markup=False)
    if found.headers_ignored:
        console().print(f"not compared, by the rule `headers`: SOAP headers, {found.headers_ignored}", markup=False)


def _summed(clusters: Clusters) -> str:
    more = f", {clusters.others} differences of further classes" if clusters.others else ""
    return (
        f"{clusters.equal} of {clusters.compared} pairs agree, {len(clusters.classes())} classes of differences{more}"
    )


def _names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"]) from error
