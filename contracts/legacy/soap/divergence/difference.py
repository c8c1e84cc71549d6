"""What a comparison says: the differences, each with its class, and nothing personal in them."""

from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

__all__ = ["Comparison", "Difference", "Kind", "Outcome"]

Kind: TypeAlias = Literal[
    "value",  # both have it, with values that differ
    "missing",  # the right reply has it not
    "added",  # the left reply has it not
    "order",  # both have it, at another place of an ordered list
    "nil",  # one says `xsi:nil`, the other something else
    "type",  # one says another type by `xsi:type`
    "cardinality",  # one has it more often than the contract allows
    "namespace",  # the same local name in another namespace
    "fault",  # a fault beside an answer, or faults of different codes
    "unreadable",  # a reply that is no SOAP: nothing can be said of it
]
Outcome: TypeAlias = Literal["answer", "fault", "empty", "unreadable"]
"""What a reply is; `empty` has no byte, as a one-way operation is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference between two replies."""

    kind: Kind
    path: str
    """Where, with indexes: `/ListResponse/resident[3]/born`; in the left reply where it is in both."""
    generic: str
    """The same without indexes."""
    type: str | None
    """The declared type, as `xs:date`; None where nothing is declared."""
    left: str | None
    """What the left reply says, masked unless a rule calls the path public; None where it says nothing."""
    right: str | None
    """What the right reply says, in the same way."""
    shape: str
    """The pattern of both values, without lengths."""
    hint: str = ""
    """In what two values are still alike: `case only`, `by 1 h`; empty where there is nothing to say."""

    @property
    def class_id(self) -> str:
        """Return the name of its class: differences of the same kind, generic path, shape and hint have the same."""
        return blake2b(f"{self.kind}\0{self.generic}\0{self.shape}\0{self.hint}".encode(), digest_size=6).hexdigest()

    @property
    def sides(self) -> tuple[str, str]:
        """Return both sides for people; where masks make two values alike, that they are not the same is said."""
        left, right = ("(none)" if each is None else repr(each) for each in (self.left, self.right))
        return left, f"{right}, another value" if self.kind == "value" and left == right else right

    def __str__(self) -> str:
        """Return it as one line."""
        sides = " -> ".join(self.sides)
        more = f" ({self.hint})" if self.hint else ""
        return f"{self.kind} {self.path}{f' ({self.type})' if self.type else ''}: {sides}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Whether two replies say the same."""

    left: Outcome
    right: Outcome
    differences: tuple[Difference, ...] = ()
    how: Literal["bytes", "canonical", "typed"] = "typed"
    """What settled it: the same bytes, the same canonical XML, or the types of the contract."""
    is_truncated: bool = False
    """There may be more differences: it stopped at the rules' bound."""
    headers_ignored: int = 0
    """SOAP headers of both replies that were not compared."""

    @property
    def is_equal(self) -> bool:
        """Tell whether both say the same."""
        return not self.differences

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        given = {**asdict(self), "is_equal": self.is_equal}
        given["differences"] = [{**asdict(each), "class_id": each.class_id} for each in self.differences]
        return given
