"""A sample reply for an adapter that was just written, and what the adapter makes of it."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from lxml import etree

from adapters import soap
from contracts.errors import BanyanError, ConfigError, ContractError
from contracts.legacy.soap.answer import Answers, envelope
from contracts.legacy.soap.sample.message import Sampler
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.xml import Element, parse
from hub.discovery import loaded
from hub.scaffold.item import Member
from hub.scaffold.soap_plan import Plan
from hub.testing import Collected, poll

__all__ = ["Trial", "Wrong", "try_out"]

_SEEDS: Final = 40
_FULL: Final = Options(items=2, optional=1, nil=0, variants=0, deepest=8, most_elements=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A change of the reply that makes a dead letter."""

    old: str
    new: str
    reason: str
    events: int
    """How many events are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it."""

    reply: str
    found: Collected
    wrong: Wrong


def try_out(plan: Plan, text: str) -> Trial:
    """Run an adapter on samples of its contract until one has items that differ.

    Raises:
        ConfigError: The adapter makes no events of what the contract says is valid.
        ContractError: No sample can be made.
    """
    adapter = _loaded(plan, text)
    answers = Answers(Sampler(plan.schemas))
    reasons: dict[str, None] = {}
    # Where keys are few, two items may always have the same one: then there is one.
    for seed, items in ((seed, items) for items in (2, 1) for seed in range(_SEEDS)):
        reply = _reply(plan, answers, seed, replace(_FULL, items=items))
        try:
            found = poll(adapter, reply)
        except (ConfigError, ContractError):
            raise
        except BanyanError as error:
            raise ConfigError([f"{plan.operation.name}: a sample reply can't be polled: {error}"]) from error
        reasons |= dict.fromkeys(found.reasons)
        keys = {key for key, _ in found.events}
        if not found.dead and len(found.events) == len(keys) >= items:
            return Trial(reply=reply, found=found, wrong=_wrong(plan, adapter, reply))
    said = "; ".join(reasons) or "it has no items, or several with one key"
    raise ConfigError([f"{plan.operation.name}: no events come of a sample reply: {said}"])


def _loaded(plan: Plan, text: str) -> soap.Adapter:
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"new_{plan.wanted.name.replace('-', '_')}.py"
        path.write_text(text, encoding="utf-8")
        module = loaded(path, problems, kind="new")
    adapter = getattr(module, "adapter", None)
    if not isinstance(adapter, soap.Adapter):
        raise ConfigError(problems)
    # The file is not where it will be, so what it names beside it is not there.
    return adapter.configured({name: plan.config[name] for name in ("wsdl", "bundle") if name in plan.config})


def _reply(plan: Plan, answers: Answers, seed: int, options: Options) -> str:  # noqa: PLR0917 - one call
    output = plan.operation.output
    if output is None:
        raise ConfigError([f"{plan.operation.name}: it is one-way, and has no reply"])
    body, headers = answers.parts(output, seed=seed, options=options)
    root = parse(envelope(plan.port.soap or "1.1", body, headers))
    if plan.watermark is not None:
        _zoned(root, plan.watermark[1].member)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8").decode() + "\n"


def _zoned(root: Element, changed: Member) -> None:
    """Say the zone of each moment of change: without one, a watermark refuses it."""
    name = changed.path.rpartition("/")[2]
    for element in root.iter("{*}" + name.lstrip("@")):
        text = (element.text or "").strip()
        if text[10:11] == "T" and not (text.endswith("Z") or text[-6:-5] in {"+", "-"}):
            element.text = text + "Z"


def _wrong(plan: Plan, adapter: soap.Adapter, reply: str) -> Wrong:
    root = parse(reply.encode())
    for old, new, name in [*_changes(plan, root)]:
        changed = reply.replace(old, new, 1)
        try:
            found = poll(adapter, changed)
        except BanyanError:
            continue
        if found.dead and name in found.dead[0].reason and changed != reply:
            return Wrong(old=old, new=new, reason=found.dead[0].reason, events=len(found.events))
    raise ConfigError([f"{plan.item.name}: every value of it may be any text, so nothing of it is ever refused"])


def _changes(plan: Plan, root: Element) -> Iterator[tuple[str, str, str]]:
    """Yield changes that may make a dead letter: text that is none of its type, then what is left out."""
    tried = [each for each in plan.item.members if not each.is_list and "@" not in each.path and "#" not in each.path]
    tried.sort(key=lambda each: (each.is_optional, "/" in each.path))
    for member in (each for each in tried if "str" not in each.annotation and "Literal" not in each.annotation):
        for old, start, end in _texts(root, member):
            yield old, f"{start}not so{end}", member.name
    for member in (each for each in tried if not each.is_optional):
        yield from ((old, "", member.name) for old, _, _ in _texts(root, member))
    for member in (each for each in tried if each is plan.key.member):
        yield from ((old, "", member.name) for old, _, _ in _texts(root, member))
    if plan.key.member.path == "#text":
        yield from ((old, start + end, "#text") for old, start, end in _named(root, plan.item.name))


def _texts(root: Element, member: Member) -> Iterator[tuple[str, str, str]]:
    return _named(root, member.path.rpartition("/")[2])


def _named(root: Element, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield an element as it stands in the reply, with its tags."""
    for element in root.iter("{*}" + name):
        prefix, local = element.prefix, cast("str", cast("Any", etree.QName(element)).localname)
        tag = f"{prefix}:{local}" if prefix else local
        if not len(element) and element.text and element.text.isprintable() and not set(element.text) & set("<>&"):
            yield f"<{tag}>{element.text}</{tag}>", f"<{tag}>", f"</{tag}>"
            return
