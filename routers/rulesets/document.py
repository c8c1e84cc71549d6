"""The rules as people write them: a YAML document of capabilities, read with every mistake at once.

```yaml
namespaces: {r: "urn:example:registry"}
capabilities:
  address-changes:
    salt: benefits-2026
    routes:
      change: {soap: "r:ChangeAddress", key: {xpath: "Body/r:ChangeAddress/residentId"}, legacy: old, modern: new}
```

A word is what it says (YAML 1.2): `current: off` is the stage, and no boolean.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, cast

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from contracts.document import Document, FieldPath, meant, place, read, refusal
from contracts.errors import ConfigError
from routers.rulesets.capability import NAME, Capability, Route
from routers.rulesets.redraw import Redraw
from routers.stage import Stage

__all__ = ["RulesetDocument", "read_rules", "unknown_backends"]

_PREFIX: Final = re.compile(r"(\{[^{}]*\})|(?<![\w.-])([^\W\d][\w.-]*):(?=[^\W\d])")
_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")
_SERVED: Final = (Stage.OFF, Stage.COMPLETE)
_FORMS: Final = {
    "soap": "expected `prefix:Name` with a prefix of `namespaces`, or `{namespace}Name`",
    "rest": "expected a method and a path, such as `GET /residents/{id}`",
    "salt": "expected one or more of A-Z a-z 0-9 . _ -",
    "header": "expected the name of a header: A-Z a-z 0-9 -",
    "replaces": "expected 12 hex digits, as the refusal of the change says them",
}
_NAME_FORM: Final = "expected a name: a-z 0-9 . _ -, a letter or digit first, at most 100"


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    namespaces: Mapping[Annotated[str, StringConstraints(pattern=r"^[^\W\d][\w.-]*$")], str] = {}
    """Prefixes for `soap` and `xpath`."""
    capabilities: Mapping[Annotated[str, StringConstraints(pattern=NAME)], dict[str, Any]]
    """By name."""
    redraws: Mapping[Annotated[str, StringConstraints(pattern=NAME)], Redraw] = {}
    """Capabilities whose keys may be drawn anew, by another salt or form of the key; each holds once."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's, where there is one
    """Reads YAML 1.2's few plain words: in 1.1, `off` and `no` are booleans, and 0123 is 83."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


_add = cast("Callable[[str, re.Pattern[str], list[str]], None]", _Loader.add_implicit_resolver)  # pyright: ignore[reportUnknownMemberType] - the stubs leave it out
for _tag, _form, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+", list("-+0123456789")),
    ("merge", r"<<", ["<"]),
):
    _add(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_form})\Z"), _first)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesetDocument:
    """What a document says."""

    capabilities: Mapping[str, Capability]
    """By name, with namespaces instead of prefixes."""
    warnings: tuple[str, ...]
    """What is allowed but hardly meant, one sentence each."""
    redraws: Mapping[str, Redraw]
    """Capability -> the declaration that its keys may be drawn anew."""
    places: Mapping[FieldPath, str]
    """Path of a field -> `file:line`."""
    prefixes: Mapping[str, str]
    """Its `namespaces`."""

    def at(self, path: FieldPath, said: str) -> str:
        """Return a sentence about a field, with where it stands."""
        return _at(self.places, path, said)

    def spelled(self, clark: str) -> str:
        """Return a name as the document would write it: with a prefix where it has one for the namespace."""
        return _spelled(self.prefixes, clark)


def read_rules(path: Path, *, backends: Collection[str] | None = None) -> RulesetDocument:
    """Read a document of capabilities.

    Args:
        path: The YAML file.
        backends: Names of the backends that the settings have; without it, none is looked up.

    Raises:
        ConfigError: Every mistake, one sentence each, with file, line, field and fix.
    """
    reading = _Reading(read(path, what="rules", loader=_Loader))
    reading.problems += _clashes(reading)
    reading.problems += _unserved(reading)
    reading.problems += _elsewhere(reading)
    if backends is not None:
        reading.problems += _unknown_backends(reading, backends)
    if reading.problems:
        raise ConfigError(dict.fromkeys(reading.problems))
    return RulesetDocument(
        capabilities=reading.capabilities,
        warnings=tuple(_warnings(reading)),
        redraws=reading.redraws,
        places=reading.places,
        prefixes=reading.prefixes,
    )


def unknown_backends(capabilities: Mapping[str, Capability], backends: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each backend of a route that the settings do not have."""
    for name, capability in capabilities.items():
        for route_name, route in capability.routes.items():
            for side, backend in (("legacy", route.legacy), ("modern", route.modern)):
                if backend is not None and backend not in backends:
                    yield f"capabilities.{name}.routes.{route_name}.{side}: {_unknown(backend, backends)}"


def _unknown(backend: str, backends: Collection[str]) -> str:
    fix = meant(backend, backends) or f"; there are: {', '.join(sorted(backends)) or 'none'}"
    return f"the settings have no backend {backend!r}{fix}"


def _at(places: Mapping[FieldPath, str], path: FieldPath, said: str) -> str:
    where = place(path, places)
    return f"{where}: {'.'.join(path)}: {said}" if where else f"{'.'.join(path)}: {said}"


def _spelled(prefixes: Mapping[str, str], clark: str) -> str:
    namespace, _, local = clark.removeprefix("{").rpartition("}")
    prefix = next((prefix for prefix, each in prefixes.items() if each == namespace), None)
    return clark if prefix is None or not namespace else f"{prefix}:{local}"


class _Reading:
    """One document, and the problems found so far."""

    def __init__(self, document: Document) -> None:
        self.places = document.places
        self.prefixes = _mapping(document.values.get("namespaces"))
        self.problems = list(document.problems)
        self.capabilities: dict[str, Capability] = {}
        """Those that are right."""
        self.routes: dict[FieldPath, Route] = {}
        """Those that are right, also of capabilities that are not."""
        self.redraws: Mapping[str, Redraw] = {}
        """Declared ones."""
        try:
            self.redraws = _Frame.model_validate(document.values).redraws
        except ValidationError as error:
            self._note(error, _Frame, ())
        for name, given in _mapping(document.values.get("capabilities")).items():
            if isinstance(given, dict):
                self._read(name, _mapping(cast("object", given)))

    def at(self, path: FieldPath, said: str) -> str:
        """Return a sentence about a field, with where it stands."""
        return _at(self.places, path, said)

    def prefixed(self, clark: str) -> str:
        """Return a name as the document would write it."""
        return _spelled(self.prefixes, clark)

    def _read(self, name: str, given: dict[str, Any]) -> None:
        path = ("capabilities", str(name))
        routes = {
            str(route_name): self._resolved(route, (*path, "routes", str(route_name)))
            for route_name, route in _mapping(given.get("routes")).items()
        }
        try:
            self.capabilities[str(name)] = Capability.model_validate({**given, "routes": routes} if routes else given)
        except ValidationError as error:
            self._note(error, Capability, path)
        for route_name, route in routes.items():
            with suppress(ValidationError):
                self.routes[*path, "routes", route_name] = Route.model_validate(route)

    def _note(self, error: ValidationError, model: type[BaseModel], above: FieldPath) -> None:
        for detail in error.errors():
            inner = tuple(str(part) for part in detail["loc"] if part != "[key]")
            said = refusal(detail, model, noun="field")
            if detail["type"] == "missing":
                said = "is missing"
            elif detail["type"] == "string_pattern_mismatch":
                said = _FORMS.get(inner[-1], _NAME_FORM) if inner else said
            self.problems.append(self.at((*above, *inner), said))

    def _resolved(self, route: object, path: FieldPath) -> object:
        """Return a route with namespaces instead of prefixes."""
        if not isinstance(route, dict):
            return route
        changed = dict(_mapping(cast("object", route)))
        if isinstance(changed.get("soap"), str):
            changed["soap"] = self._clark(changed["soap"], (*path, "soap"))
        key = _mapping(changed.get("key"))
        if isinstance(key.get("xpath"), str):
            changed["key"] = {**key, "xpath": self._clark(key["xpath"], (*path, "key", "xpath"))}
        return changed

    def _clark(self, text: str, path: FieldPath) -> str:
        def name(found: re.Match[str]) -> str:
            if found[1]:
                return found[1]
            if found[2] not in self.prefixes:
                self.problems.append(self.at(path, f"unknown prefix {found[2]!r}{meant(found[2], self.prefixes)}"))
            return f"{{{self.prefixes.get(found[2], 'urn:unknown')}}}"

        return _PREFIX.sub(name, text)


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _clashes(reading: _Reading) -> Iterator[str]:
    """Yield the routes that want the same calls as another one."""
    taken: dict[tuple[str, str], FieldPath] = {}
    for path, route in reading.routes.items():
        rest = None if route.rest is None else _PARAMETER.sub("{}", route.rest)
        for field, call in (("soap", route.soap), ("action", route.action), ("rest", rest)):
            if not call:  # an empty action names no operation
                continue
            first = taken.setdefault((field, call), path)
            if first != path:
                yield reading.at((*path, field), f"takes the same calls as {reading.at(first, 'a call has one route')}")


def _unserved(reading: _Reading) -> Iterator[str]:
    served = " and ".join(f"`{stage}`" for stage in _SERVED)
    for name, capability in reading.capabilities.items():
        if all(route.record is not None for route in capability.routes.values()):
            continue
        for field, stage in (("current", capability.current), ("next", capability.next)):
            if stage not in _SERVED:
                said = (
                    f"the façade serves only {served} so far; `{stage}` is for capabilities with `record` routes alone"
                )
                yield reading.at(("capabilities", name, field), said)


def _elsewhere(reading: _Reading) -> Iterator[str]:
    """Yield the keys in the Body that no call of their route can have: they lie below another element."""
    for path, route in reading.routes.items():
        if route.soap is None or route.key is None or route.key.xpath is None:
            continue
        part, first, *rest = route.key.steps
        # A step without a namespace takes any.
        if part == "Body" and first not in {route.soap, route.soap.rpartition("}")[2]}:
            operation, other = reading.prefixed(route.soap), reading.prefixed(first)
            said = f"the Body's child is the operation, {operation}, and never {other}"
            fix = "/".join(map(reading.prefixed, [part, route.soap, *rest]))
            yield reading.at((*path, "key", "xpath"), f"{said}; did you mean {fix!r}?")


def _unknown_backends(reading: _Reading, backends: Collection[str]) -> Iterator[str]:
    for path, route in reading.routes.items():
        for side, backend in (("legacy", route.legacy), ("modern", route.modern)):
            if backend is not None and backend not in backends:
                yield reading.at((*path, side), _unknown(backend, backends))


def _warnings(reading: _Reading) -> Iterator[str]:
    for name, capability in reading.capabilities.items():
        if capability.share and capability.current == capability.next:
            said = f"changes nothing, since current and next are both `{capability.current}`"
            yield reading.at(("capabilities", name, "share"), said)
    for name in reading.redraws:
        if name not in reading.capabilities:
            yield reading.at(("redraws", name), f"no capability is called so{meant(name, reading.capabilities)}")
