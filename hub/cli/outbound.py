"""`banyan outbound`: files for systems that still read files."""

import asyncio
import hashlib
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from adapters._place import masked
from adapters.outbound import Answer, Answered, CutFile, Outbound, OutboundSpec, Outcome
from contracts.errors import ConfigError
from hub.cli.context import settings
from hub.cli.output import AsJson, complain, console, print_json, print_table
from hub.outbound import answers_to, made, outbounds
from hub.sending import Sender, run
from hub.settings import Settings
from hub.wiring import observed

__all__ = ["app"]

NOT_THE_SAME: Final = 3
"""The exit code when a file is rendered again with other bytes."""

NOT_ACCEPTED: Final = 3
"""The exit code when the receiver did not accept a file as it was handed over, or does not answer."""

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the outbound file; see `banyan outbound list`.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The file's number; see `banyan outbound show`.")]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the outbound files: from which events, where to, and how many records wait."""
    given = settings(context)
    rows = [_listed(made(given, spec)) for spec in outbounds(given).values()]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "events", "folder", "waiting", "files", "newest", "state")
    shown = [["-" if row[c] is None else row[c] for c in columns] for row in rows]
    print_table(columns, shown, empty="no outbound files; name descriptions in outbound", spare=("folder", "events"))


@app.command()
def show(
    context: typer.Context,
    name: Name,
    newest: Annotated[int, typer.Option(help="How many files, the newest.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the files that were cut, the newest last, and what waits for the next one."""
    outbound = _made(settings(context), name)
    answers = answers_to(outbound)
    answered = {} if answers is None else answers.ledger.newest()
    overdue = set[int]() if answers is None else {file.number for file in answers.overdue(datetime.now(UTC))}
    files = [
        _row(file) | _fared(answered.get(file.number), is_overdue=file.number in overdue)
        for file in outbound.ledger.files(newest=newest)
    ]
    waiting = outbound.ledger.waiting
    if as_json:
        print_json({"name": name, "waiting": waiting, "files": files})
        return
    columns = ("number", "sequence", "file", "business_date", "records", "state", "answer", "delivered", "problem")
    shown = [["-" if row[c] is None else row[c] for c in columns] for row in files]
    print_table(columns, shown, empty="no file has been cut", spare=("problem", "delivered", "business_date"))
    console().print(f"{waiting} records wait for the next file", markup=False)


@app.command()
def cut(
    context: typer.Context,
    name: Name,
    business_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Its business date; else today's, in the zone of the description."),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Cut a file without records, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Cut a file of what waits now, and hand it over."""
    outbound = _made(settings(context), name)
    chosen: date | None = None if business_date is None else business_date.date()
    made_ = outbound.cut(chosen, empty=empty)
    if made_ is None:
        complain("no records wait; --empty cuts a file without any")
    while made_ is not None:
        made_ = outbound.cut(chosen)
    _tell(outbound.deliver(), as_json=as_json)


@app.command()
def deliver(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Hand over what is cut and was kept back: a full disk, a file in the way, a check that did not agree."""
    _tell(_made(settings(context), name).deliver(), as_json=as_json)


@app.command()
def ack(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="This file of answers, again; else all that are new.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read what the receiver answers, and compare it with what was handed over.

    Exit code 3 when a file was not accepted as it was handed over, or an answer is overdue.
    """
    outbound = _made(settings(context), name)
    answers = answers_to(outbound)
    if answers is None:
        raise ConfigError([f"{name}: its description has no acknowledgement"])
    now = datetime.now(UTC)
    found = answers.take(now) if file is None else answers.read(file, now, again=True)
    overdue = [each.name for each in answers.overdue(now)]
    rows = [_answer(each) for each in found]
    if as_json:
        print_json({"answers": rows, "overdue": overdue})
    else:
        columns = ("file", "sequence", "outcome", "detail")
        print_table(columns, [["-" if row[c] is None else row[c] for c in columns] for row in rows], empty="no answers")
        for late in overdue:
            console().print(f"overdue: {late}", markup=False)
    if overdue or any(each.answer.outcome is not Outcome.ACCEPTED for each in found):
        raise typer.Exit(NOT_ACCEPTED)


@app.command()
def render(
    context: typer.Context,
    name: Name,
    number: Number,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to; standard output without it.")] = None,
) -> None:
    """Write a file again, for a receiver that lost it, or to see what would be handed over.

    Exit code 3 when its bytes are not those that were handed over, since the description has changed.
    """
    outbound = _made(settings(context), name)
    file = outbound.ledger.file(number)
    if file is None:
        raise ConfigError([f"{name} has no file of number {number}; see `banyan outbound show {name}`"])
    sha256, pieces = hashlib.sha256(), outbound.render(file)
    with _opened(output) as stream:
        for piece in pieces:
            stream.write(piece)
            sha256.update(piece)
    if file.sha256 not in {None, sha256.hexdigest()}:
        complain(f"{file.name}: these are not the bytes that were handed over: the description has changed since")
        raise typer.Exit(NOT_THE_SAME)


@app.command("run")
def run_(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; all without any.")] = None,
) -> None:
    """Collect records from events, cut files and hand them over, until told to stop; SIGTERM drains."""
    given = settings(context)
    found = outbounds(given)
    chosen = [_chosen(found, name) for name in names or found]
    if not chosen:
        raise ConfigError(["no outbound files to run; name descriptions in outbound"])
    with observed(given, service="outbound"):
        asyncio.run(run([Sender(given, made(given, spec)) for spec in chosen]))


def _made(given: Settings, name: str) -> Outbound:
    return made(given, _chosen(outbounds(given), name))


def _chosen(found: Mapping[str, OutboundSpec], name: str) -> OutboundSpec:
    if name not in found:
        raise ConfigError([f"no outbound file {name!r}; there are: {', '.join(found) or 'none'}"])
    return found[name]


@contextmanager
def _opened(output: Path | None) -> Generator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        return
    try:
        with output.open("xb") as file:
            yield file
    except OSError as error:
        raise ConfigError([f"--output {output}: {error.strerror}"]) from error


def _tell(delivered: Sequence[CutFile], *, as_json: bool) -> None:
    rows = [_row(file) for file in delivered]
    if as_json:
        print_json(rows)
        return
    columns = ("number", "sequence", "file", "records")
    print_table(columns, [[row[c] for c in columns] for row in rows], empty="nothing was handed over")


def _fared(answered: Answered | None, *, is_overdue: bool) -> dict[str, Any]:
    if answered is None:
        return {"answer": "overdue" if is_overdue else None, "detail": None, "rejects": []}
    answer = answered.answer
    return {"answer": answer.outcome.value, "detail": answer.detail or None, "rejects": _rejects(answer)}


def _answer(each: Answered) -> dict[str, Any]:
    return {
        "file": each.file,
        "sequence": each.answer.sequence,
        "number": each.answer.number,
        "outcome": each.answer.outcome.value,
        "detail": each.answer.detail,
        "rejects": _rejects(each.answer),
    }


def _rejects(answer: Answer) -> list[dict[str, Any]]:
    return [{"record": each.record, "reason": each.reason} for each in answer.rejects]


def _listed(outbound: Outbound) -> dict[str, Any]:
    newest = outbound.ledger.files(newest=1)
    return {
        "name": outbound.spec.name,
        "events": ", ".join(each.model.type for each in outbound.spec.events),
        "folder": masked(str(outbound.spec.folder)),
        "waiting": outbound.ledger.waiting,
        "files": newest[0].number if newest else 0,
        "newest": newest[0].name if newest else None,
        "state": newest[0].state.value if newest else None,
    }


def _row(file: CutFile) -> dict[str, Any]:
    return {
        "number": file.number,
        "sequence": file.sequence,
        "file": file.name,
        "business_date": file.business_date.isoformat(),
        "created": file.created.isoformat(),
        "records": file.records,
        "state": file.state.value,
        "sha256": file.sha256,
        "bytes": file.size,
        "delivered": None if file.delivered is None else file.delivered.isoformat(timespec="seconds"),
        "problem": file.problem,
    }
