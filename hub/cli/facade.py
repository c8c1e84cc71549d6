"""`banyan facade`: run the strangler façade, check it, and see how it is."""

import asyncio
from datetime import UTC, datetime

import typer

from hub import facade as facades
from hub import facade_check
from hub.cli.context import settings
from hub.cli.options import Options
from hub.cli.output import AsJson, console, print_json, print_table
from hub.rules import in_force
from routers.facade.process.report import Report, read

__all__ = ["app"]

_BREAKERS = {"closed": "closed", "open": "open", "half_open": "half open"}

app = typer.Typer(no_args_is_help=True)


@app.command()
def run(context: typer.Context) -> None:
    """Serve until told to stop; SIGTERM drains, a second one ends at once."""
    options = context.find_object(Options)
    facades.run(settings(context), environ={} if options is None else options.environ)


@app.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Check rules, addresses, certificates and whether the backends can be reached; serves nothing."""
    given = settings(context)
    facade, running = facades.facade_settings(given), facades.running(given)
    rules = asyncio.run(in_force(given)) if facade.ruleset is not None else None
    there = None if rules is None else rules.chain.ruleset.capabilities
    problems = asyncio.run(facade_check.check(facade, running=running, in_force=there))
    if as_json:
        print_json(problems)
    else:
        rows = [(what, "ok" if not found else "\n".join(found)) for what, found in problems.items()]
        print_table(("what", "result"), rows, empty="nothing to check")
        if running is not None:
            typer.echo(f"a façade with these settings runs, process {running.pid}: its own addresses are not taken")
    if any(problems.values()):
        raise typer.Exit(code=1)


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Tell how the running façade is; the exit code is 1 when something is wrong."""
    report = read(facades.report_file(settings(context)))
    problems = report.problems(datetime.now(UTC))
    if not facades.is_alive(report.pid):
        problems = ["no façade runs: its parent process is gone", *problems]
    if as_json:
        print_json({"ok": not problems, "problems": problems, **report.model_dump(mode="json")})
    else:
        _print(report)
        for problem in problems:
            typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(code=1)


def _print(report: Report) -> None:
    out, ruleset = console(), report.ruleset
    age = datetime.now(UTC) - ruleset.since
    out.print(
        f"ruleset {ruleset.version} ({ruleset.hash[:12]}), {ruleset.rules} routes, from {ruleset.source}, "
        f"in force for {age.total_seconds():.0f} s, slowest change {ruleset.slowest_ms:g} ms"
    )
    out.print(
        f"Kafka {report.kafka}; {report.dropped} decision records dropped; in doubt: {report.in_doubt_kept} on the "
        f"disk, {report.in_doubt_sent} in Kafka; lost with a worker: {sum(report.lost.values())}"
    )
    if report.captured_kept or report.captured_sent or report.captured_dropped:
        out.print(
            f"captured calls: {report.captured_kept} on the disk, {report.captured_sent} in Kafka, "
            f"{report.captured_dropped} dropped"
        )
    print_table(("listener", "address"), list(report.addresses.items()), empty="no listeners")
    workers = [(w.number, w.pid, w.state, w.version, w.in_flight, w.restarts) for w in report.workers]
    print_table(("worker", "pid", "state", "ruleset", "in flight", "restarts"), workers, empty="no workers")
    backends = [
        (b.name, w.number, _BREAKERS[b.breaker], b.connections, b.waiting, b.calls, b.failures)
        for w in report.workers
        for b in w.backends
    ]
    columns = ("backend", "worker", "breaker", "connections", "waiting", "calls", "failures")
    print_table(columns, sorted(backends), empty="no worker has told of its backends yet")
    calls = [(o.route or "-", o.side or "-", o.outcome, o.calls) for o in report.observed]
    print_table(("route", "side", "outcome", "calls"), calls, empty="no calls yet")
