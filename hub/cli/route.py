"""`banyan route`: routes, what they decide for a key, and why a call went where it went."""

import asyncio
import difflib
import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.errors import BanyanError, ConfigError, RecordError
from hub.cli.context import settings
from hub.cli.duration import duration
from hub.cli.output import AsJson, complain, console, print_json, print_table
from hub.rules import Rules, current, decisions, doubts, from_file
from hub.settings import Settings
from routers.decision import decide as decide_one
from routers.decision_record import DecisionRecord, decode
from routers.explanation import explain
from routers.rulesets.difference import percent
from routers.rulesets.ruleset import Rule

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="ROUTE", help="capability/route; see `banyan route list`.")]
Document = Annotated[Path | None, typer.Option("--file", help="A YAML document instead of the rules in force.")]


@app.command("list")
def list_(context: typer.Context, file: Document = None, as_json: AsJson = False) -> None:
    """List the routes with their calls, stages and share."""
    rules = _rules(settings(context), file)
    rows = [_row(rule) for _, rule in sorted(rules.chain.ruleset.rules.items())]
    if as_json:
        print_json(rows)
        return
    columns = ("route", "call", "class", "current", "next", "share", "backends", "held")
    print_table(columns, [_shown(row) for row in rows], empty="no route", spare=("call", "held", "backends", "class"))


@app.command()
def show(context: typer.Context, route: Name, file: Document = None, as_json: AsJson = False) -> None:
    """Show one route with all that its capability declares."""
    rules = _rules(settings(context), file)
    rule = _rule(rules, route)
    shown = {
        **_row(rule),
        "salt": rule.capability.salt,
        "key": None if rule.route.key is None else rule.route.key.model_dump(exclude_none=True),
        "canonical_key": rule.capability.key.model_dump(),
        "unfit_key": rule.capability.unfit_key,
        "several_keys": rule.capability.several_keys,
        "changed_by": rule.version,
        "version": rules.chain.ruleset.version,
    }
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        console().print(f"{name:>14}  {percent(rule.capability.share) if name == 'share' else value}", markup=False)


@app.command()
def decide(
    context: typer.Context,
    route: Name,
    key: Annotated[str | None, typer.Option(help="The key, as a call would have it; no key without it.")] = None,
    file: Document = None,
    as_json: AsJson = False,
) -> None:
    """Show what is decided for a key: side, stage, bucket against share, reason, ruleset."""
    rules = _rules(settings(context), file)
    rule = _rule(rules, route)
    decision = decide_one(rules.chain.ruleset, route, key)
    shown = {
        "route": decision.route,
        "side": decision.side,
        "also": decision.also,
        "stage": decision.stage,
        "bucket": decision.bucket,
        "share": rule.capability.share,
        "reason": decision.reason,
        "version": decision.version,
    }
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        console().print(f"{name:>8}  {'-' if value is None else value}", markup=False)


@app.command()
def why(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="As the answer's header has it.")],
    since: Annotated[str, typer.Option(help="How far back to look: 30m, 24h, 7d.")] = "24h",
    as_json: AsJson = False,
) -> None:
    """Explain one call: which side was chosen and why, and what happened then."""
    given, back = settings(context), duration(since)
    records, doubt = asyncio.run(_found(given, request_id, back))
    if not records and doubt is None:
        raise ConfigError([f"no decision on request {request_id!r} in the last {since}; look further with --since"])
    for record in records:
        rules = asyncio.run(_at(given, record.version))
        rule = None if rules is None else rules.chain.ruleset.rules.get(record.route or "")
        manifests = {} if rules is None else {each.version: each for each in rules.chain.manifests}
        told = explain(record, rule=rule, manifests=manifests, in_doubt=doubt)
        if as_json:
            print_json({**record._asdict(), "in_doubt": doubt, "explanation": told})
        else:
            console().print("\n".join(told), markup=False)
    if not records:
        print_json(doubt)  # the decision is not there any more: what is left of it


async def _found(given: Settings, request_id: str, back: timedelta) -> tuple[list[DecisionRecord], Any]:
    wanted, found, unreadable = json.dumps(request_id).encode(), list[DecisionRecord](), 0
    async for packed in decisions(given, since=back):
        if wanted not in (packed.value or b""):
            continue
        try:
            found += [record for record in decode(packed.value or b"") if record.request_id == request_id]
        except RecordError:
            unreadable += 1
    if unreadable:
        complain(f"warning: {unreadable} records of the decision topic can't be read")
    doubt: Any = None
    async for entry in doubts(given, since=back):
        if wanted in (entry.value or b""):
            doubt = json.loads(entry.value or b"null")
    return found, doubt


async def _at(given: Settings, version: int) -> Rules | None:
    """Return the ruleset that decided; None where it can't be had."""
    try:
        return await current(given, version=version) if version else None
    except BanyanError:
        return None


def _rules(given: Settings, file: Path | None) -> Rules:
    rules = asyncio.run(current(given)) if file is None else from_file(given, file)
    for warning in rules.warnings():
        complain(f"warning: {warning}")
    return rules


def _rule(rules: Rules, route: str) -> Rule:
    there = rules.chain.ruleset.rules
    if route not in there:
        near = difflib.get_close_matches(route, there, n=1)
        fix = f"did you mean {near[0]!r}?" if near else "see `banyan route list`"
        raise ConfigError([f"{rules.source} has no route {route!r}; {fix}"])
    return there[route]


def _row(rule: Rule) -> dict[str, Any]:
    route, capability = rule.route, rule.capability
    return {
        "route": rule.name,
        "call": route.soap or route.rest or route.record,
        "class": route.operation,
        "current": capability.current,
        "next": capability.next,
        "share": capability.share,
        "legacy": route.legacy,
        "modern": route.modern,
        "held": route.held,
    }


def _shown(row: dict[str, Any]) -> list[str]:
    """Return a row for people."""
    backends = f"{row['legacy']} -> {row['modern']}" if row["legacy"] else ""
    return [
        row["route"],
        row["call"] or "",
        row["class"],
        row["current"],
        row["next"],
        percent(row["share"]),
        backends,
        row["held"] or "",
    ]
