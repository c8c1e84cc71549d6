"""`banyan adapter` and `banyan run`: list, check and run the adapters."""

import asyncio
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contracts.errors import BanyanError, ConfigError, FencedError
from events.publisher import Published
from hub.budget.budgets import Budgets
from hub.cli.context import settings
from hub.cli.lazy import Place, lazily
from hub.cli.output import AsJson, print_json, print_table
from hub.cli.redrive import redriving
from hub.discovery import Adapter, discover
from hub.outbound import made, outbounds
from hub.sending import Sender
from hub.settings import Settings
from hub.wiring import observed, pipelines, run

__all__ = ["app", "run_all"]

app = typer.Typer(
    no_args_is_help=True,
    cls=lazily(
        {
            "new": Place(
                "hub.cli.adapter_new",
                "new",
                "Write an adapter with a fixture and a test that passes, as far as a contract says what is in it.",
            )
        }
    ),
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the adapter; see `banyan adapter list`.")]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the adapters, with what each reads and publishes."""
    rows = [_described(adapter) for adapter in discover(settings(context).adapters).values()]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "kind", "publishes", "topic")
    print_table(columns, [[row[c] for c in columns] for row in rows], empty="no adapters; name files in adapters.files")


@app.command()
def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One adapter; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check configuration, mapping and whether the legacy system can be reached; publishes nothing."""
    chosen = _chosen(settings(context), [name] if name else [])
    problems = {adapter.name: asyncio.run(adapter.check()) for adapter in chosen}
    if as_json:
        print_json(problems)
    else:
        rows = [(n, "ok" if not found else "\n".join(found)) for n, found in problems.items()]
        print_table(("name", "result"), rows, empty="no adapters")
    if any(problems.values()):
        raise typer.Exit(code=1)


@app.command("run")
def run_(
    context: typer.Context,
    name: Name,
    once: Annotated[bool, typer.Option("--once", help="End after what is there now.")] = False,
    accept: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Publish this extract although a guard holds it; needs --reason."),
    ] = None,
    redrive: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Try this dead letter again first (`banyan dlq list`; `all` for all); needs --reason."
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why the extract is right, or the record now; kept with it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Publish what one adapter reads, exactly once; SIGTERM drains."""
    given = settings(context)
    chosen = _chosen(given, [name])
    if accept is not None:
        chosen = [_accepting(adapter, accept, reason) for adapter in chosen]
    if redrive:
        chosen = [redriving(given, adapter, redrive, reason) for adapter in chosen]
    if reason and accept is None and not redrive:
        raise ConfigError(["--reason: it says why a file is accepted (--accept) or a record tried again (--redrive)"])
    _run(given, chosen, {}, once=once, as_json=as_json)


@app.command()
def snapshot(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Ask an adapter, running or not, to list everything now, in chunks between its polls."""
    [adapter] = _chosen(settings(context), [name])
    ask = getattr(adapter, "ask_for_snapshot", None)
    if ask is None:
        raise ConfigError([f"{name}: it takes no snapshots in chunks"])
    request: Path = ask()
    if as_json:
        print_json({"adapter": name, "request": str(request)})
        return
    typer.echo(f"asked {name} for a snapshot in {request}; its log tells `snapshot begun` at its next poll")


def run_all(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these adapters and outbound files.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run adapters and outbound files until told to stop; SIGTERM drains."""
    given = settings(context)
    adapters, specs = discover(given.adapters), outbounds(given)
    if twice := adapters.keys() & specs.keys():
        raise ConfigError(f"{name!r} is an adapter and an outbound file; name one of them otherwise" for name in twice)
    chosen = names or [*adapters, *specs]
    if not chosen:
        raise ConfigError(["no adapters to run; name files in adapters.files, or in outbound"])
    _require_known(chosen, [*adapters, *specs])
    sending = {name: Sender(given, made(given, specs[name])) for name in chosen if name in specs}
    _run(given, [adapters[name] for name in chosen if name in adapters], sending, once=False, as_json=as_json)


def _run(
    given: Settings, chosen: Sequence[Adapter], sending: Mapping[str, Sender], *, once: bool, as_json: bool
) -> None:
    adapters = [_once(adapter) for adapter in chosen] if once else chosen
    with observed(given, service="pipeline"), _progress() as tell:
        budgets = Budgets(given, process="pipeline")
        running = pipelines(given, adapters, on_commit=tell, budgets=budgets)
        failed = asyncio.run(run(running, sending, health=given.health_file, budgets=budgets))
    held = {adapter.name: int(getattr(adapter, "held", 0)) for adapter in adapters}
    still = {adapter.name: int(getattr(adapter, "still_rejected", 0)) for adapter in adapters}
    counts = {name: _counts(pipeline.published) | {"held": held[name]} for name, pipeline in running.items()}
    for name in counts:
        counts[name] |= {"still_rejected": still[name]} if still[name] else {}
    sent = {name: {"files": each.files, "records": each.records} for name, each in sending.items()}
    if as_json:
        print_json(counts | sent)
    else:
        rows = [(name, c["events"], c["dead_letters"], c["transactions"], c["held"]) for name, c in counts.items()]
        if rows or not sent:
            print_table(("adapter", "events", "dead letters", "transactions", "held files"), rows, empty="nothing ran")
        if sent:
            print_table(("outbound file", "files", "records"), [(n, *c.values()) for n, c in sent.items()], empty="")
    _raise_worst(failed.values())
    if (once and any(held.values())) or any(still.values()):
        raise typer.Exit(code=1)


def _accepting(adapter: Adapter, file: Path, reason: str) -> Adapter:
    accepting = getattr(adapter, "accepting", None)
    if accepting is None:
        raise ConfigError([f"{adapter.name}: --accept: it holds no files that could be accepted"])
    accepted: Adapter = accepting(file, reason)
    return accepted


def _once(adapter: Adapter) -> Adapter:
    try:
        return adapter.configured({"once": True})
    except ValueError as error:
        raise ConfigError([f"{adapter.name}: --once: it can't end by itself; it has no setting `once`"]) from error


def _counts(published: Published) -> dict[str, Any]:
    return {
        "events": published.events,
        "dead_letters": published.dead,
        "transactions": published.transactions,
        "topics": dict(published.by_topic),
    }


def _raise_worst(errors: Iterable[Exception]) -> None:
    ranked = sorted(errors, key=lambda error: isinstance(error, FencedError))
    if ranked and isinstance(ranked[0], BanyanError):
        raise ranked[0]
    if ranked:  # the log tells where; what a foreign error says may be personal
        raise typer.Exit(code=1)


def _chosen(given: Settings, names: Sequence[str]) -> list[Adapter]:
    found = discover(given.adapters)
    _require_known(names, [*found])
    return [found[name] for name in names] if names else list(found.values())


def _require_known(names: Sequence[str], there: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in there]:
        raise ConfigError(f"no adapter {name!r}; there are: {', '.join(there) or 'none'}" for name in unknown)


def _described(adapter: Adapter) -> dict[str, str]:
    model = getattr(adapter, "model", None)
    return {
        "name": adapter.name,
        "kind": type(adapter).__module__.removeprefix("adapters.").partition(".")[0],
        "publishes": getattr(model, "type", ""),
        "topic": getattr(model, "topic", ""),
    }


@contextmanager
def _progress() -> Generator[Any]:
    """Show counts on a terminal while it runs; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        tasks: dict[str, Any] = {}
        totals: dict[str, int] = {}

        def tell(name: str, published: Published) -> None:
            totals[name] = totals.get(name, 0) + published.events
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], description=f"{name}: {totals[name]:,} events published")

        yield tell
