"""`banyan facade`: run the strangler façade, check it, and see how it is."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import typer

from contracts.errors import BrokerUnavailableError, ConfigError
from hub import facade as facades
from hub import facade_check
from hub.cli.context import settings
from hub.cli.options import Options
from hub.cli.output import AsJson, complain, console, print_json, print_table
from hub.rules import in_force
from hub.settings import Settings
from routers.facade.process.report import Report, read
from routers.facade.settings import FacadeSettings
from routers.rulesets.capability import Capability

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
    """Check rules, contracts, addresses, certificates and whether the backends can be reached; serves nothing."""
    given = settings(context)
    facade, running = facades.facade_settings(given), facades.running(given)
    found = asyncio.run(facade_check.check(facade, running=running, in_force=_in_force(given, facade)))
    problems = found.problems
    for warning in found.warnings:
        complain(f"warning: {warning}")
    if as_json:
        print_json(problems)
    else:
        rows = [(what, "ok" if not found else "\n".join(found)) for what, found in problems.items()]
        print_table(("what", "result"), rows, empty="nothing to check")
        if running is not None:
            typer.echo(f"a façade with these settings runs, process {running.pid}: its own addresses are not taken")
    if any(problems.values()):
        raise typer.Exit(code=1)


def _in_force(given: Settings, facade: FacadeSettings) -> Mapping[str, Capability] | None:
    """Return the rules in force; those of the topic only where there are contracts that they have to fit."""
    if facade.ruleset is None and not any(each.contracts for each in facade.listeners.values()):
        return None
    try:
        return asyncio.run(in_force(given)).chain.ruleset.capabilities
    except (BrokerUnavailableError, ConfigError) as error:
        if facade.ruleset is not None:
            raise
        complain(f"warning: the rules are not compared with the contracts: {error}")
        return None


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
    if report.unusable_keys:
        keys = [(u.route, u.reason, u.calls) for u in report.unusable_keys]
        print_table(("route", "key", "calls"), keys, empty="")
