"""`banyan wsdl diff`: what changed between two contracts, and whom it breaks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.legacy.soap.contract.difference import Change, Verdict, difference
from contracts.legacy.soap.contract.model import Contract
from hub.cli.output import AsJson, complain, console, print_json
from hub.cli.wsdl_contract import load, shown_path
from hub.cli.wsdl_lines import folded

__all__ = ["diff"]

_SHOWN: Final = 20
_HEADINGS: Final[Mapping[tuple[Verdict, ...], str]] = {
    ("breaking for callers", "breaking for readers"): "Breaking for callers and readers",
    ("breaking for callers",): "Breaking for callers",
    ("breaking for readers",): "Breaking for readers",
    ("compatible",): "Compatible",
    ("note",): "Note",
}


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The WSDL before, or its folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The WSDL after, or its folder.")],
    old_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that all imports of OLD lie in; else its own.")
    ] = None,
    new_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that all imports of NEW lie in; else its own.")
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show every change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two contracts, and whom it breaks: callers or readers.

    For callers: a request that OLD allows is refused by NEW. For readers: NEW allows an answer that one who reads by
    OLD does not know. Only what operations reach is compared; prefixes, comments, order and splitting say nothing.
    Exit code 1 where anything breaks, else 0.
    """
    before, after = load(old, old_root), load(new, new_root)
    for path, contract in ((old, before), (new, after)):
        _warn(path, contract)
    changes = difference(before, after)
    breaks = any(change.is_breaking for change in changes)
    if as_json:
        print_json({"compatible": not breaks, "changes": [_shown(each, before, after) for each in changes]})
    else:
        out = console()
        for line in _lines(changes, show_all=show_all):
            out.print(line, markup=False, soft_wrap=True)
    if breaks:
        raise typer.Exit(1)


def _warn(path: Path, contract: Contract) -> None:
    broken = [each for each in contract.findings if each.severity == "broken"]
    if broken:
        first = f"{broken[0].place} {broken[0].text}"
        count = "1 thing in it is" if len(broken) == 1 else f"{len(broken)} things in it are"
        complain(f"{path}: {count} broken, so not all is compared; the first: {first}")


def _lines(changes: Sequence[Change], *, show_all: bool) -> Iterator[str]:
    by_verdict: defaultdict[tuple[Verdict, ...], list[Change]] = defaultdict(list)
    for change in changes:
        by_verdict[change.verdicts].append(change)
    for verdicts, heading in _HEADINGS.items():
        found = by_verdict[verdicts]
        if not found:
            continue
        yield f"{heading} ({len(found)})"
        shown = found if show_all or len(found) <= _SHOWN + 1 else found[:_SHOWN]
        for change in shown:
            yield from folded(_told(change), first="  ", then="      ")
        if len(shown) < len(found):
            kinds = Counter(change.kind for change in found[len(shown) :])
            more = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            yield from folded(f"and {len(found) - len(shown)} more (--all shows them): {more}", first="  ", then="    ")
        yield ""
    yield _verdict(changes)


def _told(change: Change) -> str:
    said = {(True, True): f"{change.old} -> {change.new}", (True, False): f"was {change.old}"}
    value = said.get((change.old is not None, change.new is not None), change.new or "")
    return f"{change.kind}  {change.about}{f'  {value}' if value else ''}  ({change.place})"


def _verdict(changes: Sequence[Change]) -> str:
    if not changes:
        return "nothing changed"
    counts = Counter(verdict for change in changes for verdict in change.verdicts)
    alone = [verdicts[0] for verdicts in _HEADINGS if len(verdicts) == 1]
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in alone if counts[verdict])
    return f"{len(changes)} change{'' if len(changes) == 1 else 's'}: {told}"


def _shown(change: Change, old: Contract, new: Contract) -> dict[str, Any]:
    start = new.bundle.start if change.place.uri in new.bundle.documents else old.bundle.start
    return {
        "kind": change.kind,
        "about": change.about,
        "old": change.old,
        "new": change.new,
        "verdicts": change.verdicts,
        "file": shown_path(change.place.uri, start),
        "line": change.place.line,
    }
