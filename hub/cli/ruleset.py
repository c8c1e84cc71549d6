"""`banyan ruleset`: the rules, their history, and the way to change them."""

import asyncio
import getpass
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from contracts.errors import ConfigError
from events.log import KafkaLog
from events.topics import ruleset_topic
from hub.cli.context import settings
from hub.cli.output import AsJson, complain, console, print_json, print_table
from hub.rule_fit import fit
from hub.rules import Rules, current, in_force, read_document
from hub.settings import Settings
from routers.rulesets.capability import Capability
from routers.rulesets.chain import Manifest
from routers.rulesets.difference import CapabilityChange, difference, percent
from routers.rulesets.document import RulesetDocument, unknown_backends
from routers.rulesets.log import apply as apply_to
from routers.rulesets.redraw import Redraw, undeclared

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML document of capabilities.")]
Reason = Annotated[str, typer.Option(help="Why; kept for ever with the change.")]
Author = Annotated[str | None, typer.Option(help="Who; the user of this system without it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the difference, and change nothing.")]
MayRedraw = Annotated[
    list[str] | None,
    typer.Option(
        "--redraw", metavar="CAPABILITY", help="Its keys may fall anew, by another salt or form; may be repeated."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def show(
    context: typer.Context,
    version: Annotated[int | None, typer.Option(min=1, help="An older version instead of the newest.")] = None,
    history: Annotated[bool, typer.Option("--history", help="List all versions: who, when and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the ruleset in force: its capabilities, and who applied it, when and why."""
    rules = _told(asyncio.run(current(settings(context), version=version)))
    manifests = rules.chain.manifests
    if history:
        _show_history(manifests, as_json=as_json)
    elif as_json:
        print_json(_shown(rules))
    else:
        _show(rules)


@app.command()
def diff(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="YAML document; the settings' own file without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a document would change, and how much of the cohort space would move to which side.

    It is compared with what decides now: the newest ruleset of the topic or, where the settings name a file, what
    the façade took over of it last.
    """
    given = settings(context)
    own = None if given.facade is None else given.facade.ruleset
    if (path := file or own) is None:
        raise ConfigError(["name the document to compare; the settings have none (facade.ruleset)"])
    document = _document(given, path)
    rules = _told(asyncio.run(in_force(given)))
    there = rules.chain.ruleset.capabilities
    _show_changes(rules, difference(there, document.capabilities), as_json=as_json)
    for problem in _fitting(given, document):
        complain(f"warning: this would be refused: {problem}")
    for each in undeclared(there, document.capabilities, declared=document.redraws):
        complain(f"warning: this would be refused: {each.effect}; if it is meant, add `{each.declaration}`")


@app.command()
def apply(
    context: typer.Context,
    file: File,
    reason: Reason,
    author: Author = None,
    dry_run: DryRun = False,
    redraw: MayRedraw = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a document the newest ruleset; capabilities that are not in it are removed.

    Shows the difference and asks first. All hubs of the namespace follow at once.
    """
    given = settings(context)
    _require_topic(given)
    signed = _signed(author, reason)
    document = _document(given, file)
    if problems := _fitting(given, document):
        raise ConfigError(problems)
    proposal = Proposal(document.capabilities, *signed, declared=document.redraws, allowed=redraw or ())
    _propose(given, proposal, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def rollback(
    context: typer.Context,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="See `banyan ruleset show --history`.")],
    reason: Reason,
    author: Author = None,
    dry_run: DryRun = False,
    redraw: MayRedraw = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make what an older version said the newest ruleset, as a version of its own: history is never rewritten.

    Shows the difference and asks first. All hubs of the namespace follow at once.
    """
    given = settings(context)
    _require_topic(given)
    signed = _signed(author, f"back to ruleset {version}: {reason}" if reason.strip() else "")
    wanted = dict(asyncio.run(current(given, version=version)).chain.ruleset.capabilities)
    if given.facade is not None and (problems := list(unknown_backends(wanted, given.facade.backends))):
        raise ConfigError(problems)
    _propose(given, Proposal(wanted, *signed, allowed=redraw or ()), dry_run=dry_run, yes=yes, as_json=as_json)


class Proposal(NamedTuple):
    """A change that somebody wants."""

    wanted: Mapping[str, Capability]
    author: str
    reason: str
    declared: Mapping[str, Redraw] = {}
    allowed: Sequence[str] = ()


def _require_topic(given: Settings) -> None:
    if given.facade is not None and given.facade.ruleset is not None:
        raise ConfigError([f"the settings take the ruleset from {given.facade.ruleset} (facade.ruleset): change that"])


def _propose(given: Settings, proposal: Proposal, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what a proposal changes, refuse what nobody declared, ask, and apply it."""
    rules = asyncio.run(current(given))
    if rules.stale is not None:
        raise ConfigError([f"nothing can be applied now: {rules.stale}"])
    there = rules.chain.ruleset.capabilities
    changes = difference(there, proposal.wanted)
    if not as_json:
        _show_changes(rules, changes, as_json=False)
    if refused := undeclared(there, proposal.wanted, declared=proposal.declared, allowed=proposal.allowed):
        raise ConfigError([f"{each.effect}; if it is meant, give --redraw {each.capability}" for each in refused])
    is_wanted = bool(changes) and not dry_run and (yes or _agreed(as_json=as_json))
    if is_wanted:
        asyncio.run(_apply(given, rules, proposal))
    now = rules.chain.ruleset
    if as_json:
        print_json({"applied": is_wanted, "version": now.version, "changes": [each.as_json() for each in changes]})
    elif is_wanted:
        console().print(f"ruleset {now.version} is applied")
    elif changes:
        console().print("nothing was applied")


def _signed(author: str | None, reason: str) -> tuple[str, str]:
    who, why = (author or _user()).strip(), reason.strip()
    if not 0 < len(why) <= 2000 or not 0 < len(who) <= 200:  # noqa: PLR2004 - the bounds of a manifest
        raise ConfigError(["expected a --reason of 1 to 2000 characters, and an --author of 1 to 200"])
    return who, why


def _agreed(*, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        raise ConfigError(["nobody can be asked here: look at `banyan ruleset diff`, then give --yes"])
    return typer.confirm("Apply it?")


async def _apply(given: Settings, rules: Rules, proposal: Proposal) -> None:
    topic, wanted = ruleset_topic(given.namespace), proposal.wanted
    async with KafkaLog(given.kafka, topics=[topic]) as log:
        await apply_to(log, topic.name, wanted, author=proposal.author, reason=proposal.reason, base=rules.chain)


def _document(given: Settings, file: Path) -> RulesetDocument:
    document = read_document(given, file)
    for warning in document.warnings:
        complain(f"warning: {warning}")
    return document


def _fitting(given: Settings, document: RulesetDocument) -> Sequence[str]:
    """Tell what of a document may not fit the contracts that the façade serves; return what can't."""
    fits = fit(given.facade, document.capabilities, document)
    for warning in fits.warnings:
        complain(f"warning: {warning}")
    return fits.problems


def _told(rules: Rules) -> Rules:
    for warning in rules.warnings():
        complain(f"warning: {warning}")
    return rules


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in many containers
        return "unknown"


def _show_changes(rules: Rules, changes: Sequence[CapabilityChange], *, as_json: bool) -> None:
    ruleset = rules.chain.ruleset
    if as_json:
        print_json({"version": ruleset.version, "changes": [change.as_json() for change in changes]})
        return
    console().print(f"against ruleset {ruleset.version} of {rules.source}:", markup=False)
    for line in [line for change in changes for line in change.lines()] or ["nothing changes"]:
        console().print(line, markup=False)


def _show_history(manifests: Sequence[Manifest], *, as_json: bool) -> None:
    if as_json:
        print_json([_manifest(manifest) for manifest in manifests])
        return
    rows = [(m.version, m.at.isoformat(timespec="seconds"), m.author, m.count, m.reason) for m in manifests]
    print_table(("version", "at", "author", "capabilities", "reason"), rows, empty="no ruleset yet")


def _show(rules: Rules) -> None:
    ruleset, manifests = rules.chain.ruleset, rules.chain.manifests
    if not manifests:
        console().print(f"no ruleset yet in {rules.source}: legacy answers everything", markup=False)
        return
    last = manifests[-1]
    applied = f"applied by {last.author} at {last.at.isoformat(timespec='seconds')}, because: {last.reason}"
    console().print(f"ruleset {ruleset.version} of {rules.source}, {applied}", markup=False)
    rows = [
        (name, each.salt, each.current, each.next, percent(each.share), len(each.routes))
        for name, each in sorted(ruleset.capabilities.items())
    ]
    print_table(("capability", "salt", "current", "next", "share", "routes"), rows, empty="no capability")


def _shown(rules: Rules) -> dict[str, Any]:
    ruleset, manifests = rules.chain.ruleset, rules.chain.manifests
    capabilities = {
        name: each.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, each in sorted(ruleset.capabilities.items())
    }
    last = _manifest(manifests[-1]) if manifests else {"version": 0}
    return {**last, "source": rules.source, "capabilities": capabilities}


def _manifest(manifest: Manifest) -> dict[str, Any]:
    return {**manifest.model_dump(mode="json"), "hash": manifest.hash()}
