"""What a sample shall be like, where its contract leaves that open."""

from dataclasses import dataclass

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much of what may be there is there."""

    items: int | None = None
    """How often the outermost repeated elements stand, within their bounds; one to three times where None."""
    optional: float = 0.8
    """Share of the optional elements and attributes that are there (0 to 1). Lists always are, unless it is 0."""
    nil: float = 0.15
    """Share of the nillable elements that are nil."""
    variants: float = 0.3
    """Share of elements that have a derived type or stand for another, where the contract has such."""
    deepest: int = 12
    """Levels below which only what must be there is there."""
    most_elements: int = 5000
    """Elements after which only what must be there is there."""
