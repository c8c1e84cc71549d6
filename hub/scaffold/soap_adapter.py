"""The adapter file of a polled operation, as text."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.scaffold.item import Item, Member
from hub.scaffold.naming import TAKEN, pascal, short_names, snake
from hub.scaffold.soap_plan import Plan
from hub.scaffold.text import WIDTH, article, comment, docstring, imports, literal, quoted

__all__ = ["adapter_text", "event_name", "thing"]

_GENERIC = frozenset(
    {"return", "returnval", "item", "result", "value", "element", "record", "row", "entry", "data", "any"}
)
_REVIEW = (
    "REVIEW: every field is Personal, which is shown masked. Write Public[...] for what may stand in logs, and "
    "Sensitive[...] for health, origin, belief and the like."
)
_EVERY = '''def _every(values: list[Any] | None) -> list[Any]:
    """Return what repeats; where nothing is there, a list without anything."""
    return values or []
'''


def event_name(plan: Plan) -> str:
    """Return the name of the event's class."""
    return pascal(thing(plan)) + "Recorded"


def adapter_text(plan: Plan, folder: Path, *, local: Collection[str]) -> str:
    """Return the text of an adapter file that is to stand in a folder; `local` are packages of the user's own."""
    names = short_names([each.path for each in plan.item.members], item=thing(plan))
    models = _Models(taken={event_name(plan)})
    event = _event(plan, names, models)
    every = "\n\n" + _EVERY if any(each.is_list and each.is_optional for each in plan.item.members) else ""
    body = "".join(f"{text}\n\n\n" for text in models.texts) + event + every + "\n\n" + _adapter(plan, names, folder)
    own = {*models.names.values(), event_name(plan)}
    body = f"HERE = Path(__file__).parent\n\n\n{body}"
    return f"{_head(plan)}\n\n{imports(body, own=own, local=local)}\n\n{body}"


def thing(plan: Plan) -> str:
    """Return what an item is called: by its element, unless that says nothing."""
    names = (plan.item.name, plan.item.type_name)
    return next((each for each in names if each and each.lower() not in _GENERIC), plan.wanted.name)


def _head(plan: Plan) -> str:
    service = plan.service.name.rpartition("}")[2]
    about = f"Polls {plan.operation.name} of {service}: each {plan.item.name} becomes an event, {event_name(plan)}."
    said = plan.operation.documentation
    lines = docstring(f"{about}", indent=0).removesuffix('"""').rstrip("\n")
    more = docstring(said, indent=0).removeprefix('"""').removesuffix('"""').rstrip("\n") if said else ""
    note = "Written from the contract. What was guessed is marked GUESS: look, then take the mark away."
    return "\n\n".join(each for each in (lines, more, note) if each) + '\n"""'


@dataclass(slots=True)
class _Models:
    """Models of what repeats within an item."""

    taken: set[str]
    texts: list[str] = field(default_factory=list[str])
    names: dict[str, str] = field(default_factory=dict[str, str])
    """By what they say: types without a name come again and again."""

    def of(self, item: Item) -> str:
        """Return the name of an item's model, which is written before what uses it."""
        said = item.documentation or f"One {item.type_name or item.name}."
        # By alias a reply is read, by name the event that was made of it.
        options = "frozen=True, populate_by_name=True, use_attribute_docstrings=True"
        config = f"model_config = ConfigDict(\n        {options}\n    )"
        fields = "\n".join(self._fields(item))
        body = f"{docstring(said)}\n\n    {config}\n\n{fields}"
        if body in self.names:
            return self.names[body]
        name = pascal(item.type_name or item.name)
        while name in self.taken or name in TAKEN or name in {"Event", "Field", "Path"}:
            name += "Part"
        self.taken.add(name)
        self.names[body] = name
        self.texts.append(f"class {name}(BaseModel):\n{body}")
        return name

    def annotation(self, member: Member) -> str:
        """Return the annotation of a member's value."""
        one = member.annotation if member.parts is None else self.of(member.parts)
        if member.is_list:
            return f"list[{one}{' | None' if member.has_nil else ''}]"
        return f"{one} | None" if member.is_optional else one

    def _fields(self, item: Item) -> Iterator[str]:
        called = item.type_name or item.name
        names = short_names([each.path for each in item.members], item=called, beside=item.elements)
        for member in item.members:
            steps = member.path.split("/")
            alias = quoted(member.path) if len(steps) == 1 else f"AliasPath({', '.join(map(quoted, steps))})"
            default = ("default=[], " if member.is_list else "default=None, ") if member.is_optional else ""
            behind = f" = Field({default}validation_alias={alias})"
            if names[member.path] == member.path:
                behind = default.removesuffix(", ").replace("default=", " = ")
            yield _typed(names[member.path], self.annotation(member), behind)
            if member.documentation:
                yield docstring(member.documentation)


def _event(plan: Plan, names: dict[str, str], models: _Models) -> str:
    item, called = plan.item, snake(thing(plan))
    noun = called.replace("_", " ")
    one = f"One of {noun}" if thing(plan) == plan.wanted.name else article(noun)
    said = item.documentation or f"{one} was recorded or changed; a tombstone says that it is gone."
    kind = f"{plan.wanted.namespace}.{called.replace('_', '-')}.recorded.v1"
    lines = [
        f"class {event_name(plan)}(Event):",
        docstring(said),
        "",
        f"    type = {quoted(kind)}",
        f"    topic = {quoted(plan.wanted.name)}",
        "",
        comment(_REVIEW, indent=4),
    ]
    if item.left_out:
        lines += [comment("Left out:", indent=4), *(comment(f"- {each}", indent=4) for each in item.left_out)]
    for member in item.members:
        annotation = models.annotation(member)
        if member is plan.key.member:
            annotation = annotation.removesuffix(" | None")
        lines.append(_typed(names[member.path], f"Personal[{annotation}]", ""))
        if member.documentation:
            lines.append(docstring(member.documentation))
    return "\n".join(lines) + "\n"


def _typed(name: str, annotation: str, behind: str) -> str:
    line = f"    {name}: {annotation}{behind}"
    if len(line) <= WIDTH:
        return line
    if not behind.startswith(" = Field("):
        return _broken(name, annotation) + behind
    head, inner = f"    {name}: {annotation} = Field(", behind.removeprefix(" = Field(").removesuffix(")")
    if len(inner) + 8 <= WIDTH:
        return f"{head}\n        {inner}\n    )"
    default, alias, path = inner.partition("validation_alias=")
    first = f"        {default.strip()}\n" if default else ""
    return f"{head}\n{first}        {alias}{_alias_path(path)},\n    )"


def _alias_path(path: str) -> str:
    """Return an alias behind eight blanks and `validation_alias=`, in as many lines as it needs."""
    begun, _, inner = path.partition("(")
    if len(path) + 26 <= WIDTH or not inner:
        return path
    inner = inner.removesuffix(")")
    if len(inner) + 12 <= WIDTH:
        return f"{begun}(\n            {inner}\n        )"
    return f"{begun}(\n" + "".join(f"            {each},\n" for each in inner.split(", ")) + "        )"


def _broken(name: str, annotation: str) -> str:
    outer, _, inner = annotation.partition("[")
    return f"    {name}: {outer}[\n        {inner.removesuffix(']')}\n    ]"


def _adapter(plan: Plan, names: dict[str, str], folder: Path) -> str:
    entries = ",\n".join(_entry(names[each.path], each) for each in plan.item.members)
    key = quoted(names[plan.key.member.path])
    return "\n".join(
        [
            "adapter = soap.Adapter(",
            "    soap.Config(",
            *_settings(plan, folder),
            "    ),",
            f"    model={event_name(plan)},",
            f"    key={key},",
            "    mapping={",
            f"{entries},",
            "    },",
            ")",
            "",
        ]
    )


def _entry(name: str, member: Member) -> str:
    path, begun = quoted(member.path), f"        {quoted(name)}: "
    if not (member.is_list and member.is_optional):
        return begun + path
    line = f"{begun}({path}, _every)"
    inner = " " * 12
    return line if len(line) < WIDTH else f"{begun}(\n{inner}{path},\n{inner}_every,\n        )"


def _settings(plan: Plan, folder: Path) -> Iterator[str]:
    wanted, config = plan.wanted, plan.config
    yield f"        name={quoted(wanted.name)},"
    where = _relative(Path(wanted.wsdl), folder)
    line = f"        wsdl=str(HERE / {where}),"
    yield line if len(line) <= WIDTH else f"        wsdl=str(\n            HERE\n            / {where}\n        ),"
    if wanted.root is not None:
        yield f"        bundle=HERE / {_relative(wanted.root, folder)},"
    for name in ("service", "port"):
        if name in config:
            yield f"        {name}={quoted(config[name])},"
    yield f"        operation={quoted(plan.operation.name)},"
    if plan.parameters:
        yield _guess("what the request must have, made up from its types. Write what the service is to be asked.")
        yield f"        parameters={literal(dict(plan.parameters), indent=8, lead=11)},"
    if plan.operation.input.headers:
        yield _headers(plan)
    if not plan.items_told:
        yield _guess("the element that repeats.", _within(plan.items.others, plan.items.path))
    yield f"        items={_path(plan.items.path)},"
    if not plan.key.is_told:
        yield _guess("looks like what tells items apart.", _others(plan.key.others))
    yield f"        key={_path(plan.key.member.path)},"
    yield '        values="typed",'
    yield from _watermark(plan)


def _headers(plan: Plan) -> str:
    named = ", ".join(each.part.tag.rpartition("}")[2] for each in plan.operation.input.headers)
    module = plan.wanted.name.replace("-", "_")
    places = sorted({*plan.parameters, *([] if plan.watermark is None else [plan.watermark[0].name])})
    where = f" and {', '.join(f'{{{each}}}' for each in places)} in their places" if places else ""
    return _guess(
        f"the service does without the headers that the contract declares: {named}. Else write the request as "
        f'SoapUI shows it, with its Header{where}, and name it: request=HERE / "{module}.request.xml".'
    )


def _watermark(plan: Plan) -> Iterator[str]:
    if plan.watermark is None:
        yield comment(
            "Every poll lists everything: no parameter that takes a dateTime and looks like `since` "
            "goes with a field that looks like `modified`.",
            indent=8,
        )
        return
    parameter, changed = plan.watermark
    path = changed.member.path
    zone = 'A dateTime without a zone is refused; zone="Europe/Vienna" says the one that is meant.'
    lacks = "An item without it is refused." if changed.member.is_optional else ""
    about = f"{parameter.name} asks for what changed, and {path} says when."
    yield _guess(about, _others(changed.others), lacks, zone)
    arguments = f"parameter={quoted(parameter.name)}, field={_path(path)}"
    line = f"        watermark=soap.Watermark({arguments}),"
    yield line if len(line) <= WIDTH else f"        watermark=soap.Watermark(\n            {arguments}\n        ),"
    yield comment("Lists everything this often, which is what finds deletes.", indent=8)
    yield "        full_every=timedelta(hours=6),"


def _guess(*said: str) -> str:
    return comment("GUESS: " + " ".join(each for each in said if each), indent=8)


def _others(others: Sequence[str]) -> str:
    return f"There are also: {', '.join(others)}." if others else "There is no other."


def _within(others: Sequence[str], path: str) -> str:
    inside = [each for each in others if each.startswith(path + "/")]
    return (
        f"Within it repeat: {', '.join(each.removeprefix(path + '/') for each in inside)}."
        if inside
        else _others(others)
    )


def _path(path: str) -> str:
    steps = [quoted(step) for step in path.split("/")]
    return f"({steps[0]},)" if len(steps) == 1 else f"({', '.join(steps)})"


def _relative(path: Path, folder: Path) -> str:
    return quoted(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())
