"""`banyan budget`: how much legacy systems are called, and what is left."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from contracts.budget.settings import LegacySystem
from contracts.errors import ConfigError
from hub.budget.asking import ask
from hub.budget.budgets import budget_folder
from hub.budget.folder import Folder
from hub.budget.report import BudgetReport
from hub.cli.context import settings
from hub.cli.output import AsJson, console, print_json, print_table

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def budget() -> None:
    """Budgets: how much legacy systems are called besides their live traffic."""


@app.command()
def show(
    context: typer.Context,
    system: Annotated[str | None, typer.Argument(metavar="[SYSTEM]", help="One system; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rate of now, who waits, live calls, and the last cut with its reason."""
    given = settings(context)
    if system is not None and system not in given.systems:
        there = ", ".join(sorted(given.systems)) or "none"
        raise ConfigError([f"no system {system!r} under systems in the settings; there are: {there}"])
    chosen = {name: of for name, of in sorted(given.systems.items()) if system in {None, name}}
    folders = {name: Folder(budget_folder(given, name)) for name in chosen}
    reports = {name: asyncio.run(ask(folder)) for name, folder in folders.items()}
    if as_json:
        print_json({name: _json(report) for name, report in reports.items()})
    else:
        silent = {name: "does not answer" if folders[name].is_led() else "nobody leads" for name in chosen}
        _print(chosen, reports, silent)


def _json(report: BudgetReport | None) -> Mapping[str, Any] | None:
    return None if report is None else report.model_dump(mode="json")


def _print(
    systems: Mapping[str, LegacySystem], reports: Mapping[str, BudgetReport | None], silent: Mapping[str, str]
) -> None:
    columns = ("system", "rate", "of", "window", "until", "live", "waiting", "leader", "last cut")
    rows = [
        (name, "-", _rate(systems[name].rate), *"----", silent[name], "-")
        if report is None
        else _row(name, systems[name], report)
        for name, report in reports.items()
    ]
    print_table(columns, rows, empty="no systems; describe them under systems in the settings", spare=("last cut",))
    members = list(_members(reports))
    if members:
        console().print()
        print_table(("system", "process", "pid", "leased", "waiting", "granted", "live", "settings"), members, empty="")


def _row(name: str, system: LegacySystem, report: BudgetReport) -> tuple[str, ...]:
    window = report.window or ("-" if system.windows else "none declared")
    until = "-" if report.changes is None else f"{report.changes.astimezone(system.place):%a %H:%M}"
    waiting = ", ".join(f"{count} {purpose}" for purpose, count in report.waiting.items() if count) or "nobody"
    return (
        name,
        _rate(report.rate),
        _rate(report.calendar_rate),
        window,
        until,
        _rate(report.live_rate),
        waiting,
        str(report.leader),
        _cut(report),
    )


def _members(reports: Mapping[str, BudgetReport | None]) -> Iterator[tuple[object, ...]]:
    for name, report in reports.items():
        for each in () if report is None else report.members:
            differs = "other than the leader's" if each.other_settings else "same"
            yield name, each.name, each.pid, each.leased, each.waiting, each.granted, each.live, differs


def _cut(report: BudgetReport) -> str:
    if report.last_cut is None:
        return "never"
    ago = (datetime.now(UTC) - report.last_cut).total_seconds()
    return f"{ago:.0f} s ago to {report.share:.0%} by now: {report.why}"


def _rate(rate: float) -> str:
    return f"{rate:.3g}/s" if rate >= 1 or not rate else f"{rate * 60:.3g}/min"
