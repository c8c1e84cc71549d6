"""What a change between two contracts is, and whom it breaks: judged by the direction that the changed part travels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from contracts.legacy.soap.contract.component import TypeUse, is_built_in
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.soap.contract.reach import Direction
from contracts.legacy.xml import local

__all__ = ["KINDS", "Change", "Effect", "Log", "Verdict", "judged", "named", "together"]

Verdict: TypeAlias = Literal["breaking for callers", "breaking for readers", "compatible", "note"]
"""For callers: a request that the old contract allowed is refused. For readers: an answer is allowed that one who
reads by the old contract does not know. A note changes no message."""
Effect: TypeAlias = Literal["widens", "narrows", "both", "none"]
"""What happens to the messages that are allowed: more, fewer, others, the same."""

KINDS: Final[Mapping[str, str]] = {
    # The offer.
    "service-added": "A service is new.",
    "service-removed": "A service is gone.",
    "port-added": "A port is new.",
    "port-removed": "A port is gone.",
    "address-changed": "A port has another address.",
    "soap-changed": "A port speaks another version of SOAP.",
    "transport-changed": "A port has another transport.",
    "operation-added": "An operation is new.",
    "operation-removed": "An operation is gone.",
    "action-changed": "An operation has another SOAPAction.",
    "style-changed": "An operation is document instead of rpc, or the reverse.",
    "use-changed": "A message is encoded instead of literal, or the reverse.",
    "answer-added": "An operation that was one-way has an answer.",
    "answer-removed": "An operation has no answer any more.",
    "message-changed": "Other elements stand in the Body.",
    "part-added": "An rpc message has a new part.",
    "part-removed": "An rpc message has lost a part.",
    "header-added": "A message has a new header.",
    "header-removed": "A message has lost a header.",
    "attachments-changed": "A message has other MIME parts.",
    "fault-added": "An operation has a new fault.",
    "fault-removed": "An operation has lost a fault.",
    "namespace-renamed": "A namespace has another name; the rest is compared as if it had the old one.",
    # Elements and attributes.
    "element-added": "A type has a new element.",
    "element-removed": "A type has lost an element.",
    "element-renamed": "An element looks renamed: same place, type and occurrence.",
    "namespace-changed": "Elements have the same names in another namespace.",
    "group-added": "A type has a new choice or group.",
    "group-removed": "A type has lost a choice or group.",
    "branch-added": "A choice has a new branch.",
    "branch-removed": "A choice has lost a branch.",
    "order-changed": "The elements of a sequence stand in another order.",
    "model-changed": "A sequence has become a choice, or the like.",
    "occurrence-widened": "An element may occur less or more often than before.",
    "occurrence-narrowed": "An element must occur more often, or may less often.",
    "occurrence-changed": "An element's least or most occurrence has moved both ways.",
    "nillable-added": "An element may be nil.",
    "nillable-removed": "An element may not be nil any more.",
    "default-changed": "What stands for a value that is left out is another.",
    "fixed-changed": "The one value that is allowed is another, new, or gone.",
    "abstract-added": "An element or type can't stand for itself any more.",
    "abstract-removed": "An element or type can stand for itself.",
    "substitute-added": "A new element may stand for the head of a substitution group.",
    "substitute-removed": "An element may no longer stand for the head of a substitution group.",
    "attribute-added": "A type has a new attribute.",
    "attribute-removed": "A type has lost an attribute.",
    "attribute-required": "An attribute must be there.",
    "attribute-optional": "An attribute may be left out.",
    "wildcard-added": "Elements or attributes that are not named are allowed.",
    "wildcard-removed": "Elements or attributes that are not named are allowed no more.",
    "wildcard-changed": "Other elements or attributes that are not named are allowed.",
    "media-changed": "Other media types are expected (MTOM).",
    # Types.
    "type-changed": "Something has another type, that allows other values.",
    "type-renamed": "Something has another type, that allows the same.",
    "base-changed": "A type has another base; what that means for its content is told besides.",
    "derived-type-added": "A new type may come in the place of another, by xsi:type.",
    "derived-type-removed": "A type may no longer come in the place of another.",
    "mixed-added": "Text may stand between the elements.",
    "mixed-removed": "Text may no longer stand between the elements.",
    "facet-tightened": "Fewer values are allowed.",
    "facet-loosened": "More values are allowed.",
    "facet-changed": "Other values are allowed.",
    "pattern-changed": "Another pattern must be fitted.",
    "values-added": "An enumeration has new values.",
    "values-removed": "An enumeration has lost values.",
    "enumeration-added": "Only listed values are allowed.",
    "enumeration-removed": "Values are not listed any more.",
    "member-added": "A union has a new member.",
    "member-removed": "A union has lost a member.",
}
"""All kinds of changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change between two contracts."""

    kind: str
    """Stable, for programs: one of `KINDS`."""
    about: str
    """`Port/Operation`, `Type/element`, `Type/@attribute`, …, without namespaces."""
    old: str | None
    """What was said; None where nothing was."""
    new: str | None
    verdicts: tuple[Verdict, ...]
    """Whom it breaks, or that it breaks nobody."""
    place: Place
    """In the new contract; where it is gone, in the old one."""

    @property
    def is_breaking(self) -> bool:
        """Tell whether it breaks anybody."""
        return any(each.startswith("breaking") for each in self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Collects changes of one thing, which travels in given directions; `at` and `below` are views on the same."""

    about: str = ""
    uses: frozenset[Direction]
    found: list[Change] = field(default_factory=list[Change])
    effects: list[Effect] = field(default_factory=list["Effect"])

    def at(self, about: str) -> "Log":
        """Return a log for another thing, that collects in this one."""
        return replace(self, about=about)

    def below(self, name: str) -> "Log":
        """Return a log for a part of this thing."""
        return self.at(f"{self.about}/{name}")

    def add(self, kind: str, effect: Effect, *, place: Place, old: str | None = None, new: str | None = None) -> None:
        """Note a change."""
        self.effects.append(effect)
        verdicts = judged(effect, self.uses)
        self.found.append(Change(kind=kind, about=self.about, old=old, new=new, verdicts=verdicts, place=place))


def judged(effect: Effect, uses: Iterable[Direction]) -> tuple[Verdict, ...]:
    """Return whom an effect on what travels in these directions breaks.

    >>> judged("widens", ["request", "answer"])
    ('breaking for readers',)
    """
    if effect == "none":
        return ("note",)
    verdicts: list[Verdict] = []
    if "request" in uses and effect in {"narrows", "both"}:
        verdicts.append("breaking for callers")
    if "answer" in uses and effect in {"widens", "both"}:
        verdicts.append("breaking for readers")
    return tuple(verdicts) or ("compatible",)


def together(effects: Iterable[Effect]) -> Effect:
    """Return what several effects are together.

    >>> together(["widens", "none", "narrows"])
    'both'
    """
    known = set(effects) - {"none"}
    if known == {"widens"}:
        return "widens"
    if known == {"narrows"}:
        return "narrows"
    return "both" if known else "none"


def named(use: TypeUse) -> str:
    """Return how a type is called."""
    if isinstance(use, str):
        return f"xs:{local(use)}" if is_built_in(use) else local(use)
    return local(use.name) if use.name else "a type of its own"
