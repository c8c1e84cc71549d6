"""Paths of rules: `/ListResponse/resident/born`, `//born`, `/*/resident/@id`; by local names, without indexes."""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Pattern", "Step", "below"]

_STEP: Final = re.compile(r"(//?)(@?)(\*|[^/@*\[\]{}\s]+)")
_EXPECTED: Final = "expected a path like /ListResponse/resident/born, //born or /ListResponse/@total"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path."""

    is_deep: bool
    """It may lie any number of elements below the one before."""
    is_attribute: bool
    name: str
    """Local, or `*`."""

    def fits(self, name: str) -> bool:
        """Tell whether an element or attribute of this local name is meant."""
        return self.name in {"*", name}


@dataclass(frozen=True)
class Pattern:
    """Tells which generic paths (those without indexes) a rule is for.

    >>> deep = Pattern("//resident/*")
    >>> deep.fits("/ListResponse/resident/born"), deep.fits("/ListResponse/resident/address/city")
    (True, False)

    Raises:
        ValueError: The text is no path.
    """

    text: str
    steps: tuple[Step, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = [*_STEP.finditer(self.text)]
        if not found or "".join(each[0] for each in found) != self.text:
            raise ValueError(f"{_EXPECTED}, found {self.text!r}")
        steps = tuple(Step(each[1] == "//", bool(each[2]), each[3]) for each in found)
        if any(step.is_attribute for step in steps[:-1]):
            raise ValueError(f"{_EXPECTED}, found an attribute in the midst of {self.text!r}")
        object.__setattr__(self, "steps", steps)
        expression = "".join(map(_expression, steps))
        object.__setattr__(self, "_expression", re.compile(expression))

    def fits(self, path: str) -> bool:
        """Tell whether a generic path is meant."""
        expression: re.Pattern[str] = self.__dict__["_expression"]
        return expression.fullmatch(path) is not None


def below(path: str, name: str) -> str:
    """Return the generic path of a child, or of an attribute as `@name`, given its name with or without a namespace."""
    return f"{path}/{name.rpartition('}')[2]}"


def _expression(step: Step) -> str:
    name = "[^/@]+" if step.name == "*" else re.escape(step.name)
    return f"{'(?:/[^/@]+)*' if step.is_deep else ''}/{'@' if step.is_attribute else ''}{name}"
