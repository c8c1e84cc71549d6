"""Random instances of an element, made from xmlschema's components: what they allow is judged by that package alone."""

from functools import cache
from random import Random
from typing import Any, Final
from xml.etree import ElementTree as ET

from contracts.legacy.soap.contract.schema import Schemas

__all__ = ["instances"]

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_TEXTS: Final = (
    *("x", "AT", "BE", "ATX", "ACTIVE", "MOVED", "GONE", "DECEASED", "unknown", "R12345678", "R123456789", "true"),
    *("1", "7", "501", "1000", "1001", "3000000000", "1.25", "12345678.90", "123456789.01", "2024-02-29"),
    *("2024-02-29T12:00:00", "aGVsbG8="),
)


def instances(schemas: Schemas, tag: str, *, seed: int, count: int) -> list[ET.Element]:
    """Return random instances that are valid."""
    element: Any = schemas.element(tag)
    rng = Random(seed)
    made = [_element(element, rng) for _ in range(count)]
    return [each for each in made if element.is_valid(each)]


def _element(element: Any, rng: Random) -> ET.Element:
    made = ET.Element(element.name)
    found = element.type
    if element.nillable and rng.random() < 0.3:
        made.set(_NIL, "true")
        return made
    for name, attribute in found.attributes.items() if found.is_complex() else ():
        if name is not None and (attribute.use == "required" or rng.random() < 0.5):
            made.set(name, _text(attribute.type, rng))
    if found.has_complex_content() or found.is_element_only():
        _fill(made, found.content, rng)
        if found.mixed and rng.random() < 0.5:
            made.text = "mixed"
    elif not found.is_empty():
        made.text = element.fixed if element.fixed and rng.random() < 0.5 else _text(found, rng)
    return made


def _fill(made: ET.Element, group: Any, rng: Random) -> None:
    for _ in range(_times(group, rng)):
        particles = [*group]
        if group.model == "choice":
            particles = [rng.choice(particles)] if particles else []
        for particle in particles:
            if hasattr(particle, "model"):
                _fill(made, particle, rng)
                continue
            for _ in range(_times(particle, rng)):
                is_any = particle.name is None
                made.append(ET.Element("{urn:other}any") if is_any else _element(particle.ref or particle, rng))


def _times(particle: Any, rng: Random) -> int:
    least: int = particle.min_occurs
    most: int = least + 6 if particle.max_occurs is None else particle.max_occurs
    return rng.choice([least, most, rng.randint(least, most)])


@cache
def _fits(found: Any) -> tuple[str, ...]:
    return tuple(text for text in _TEXTS if found.text_is_valid(text)) or ("",)


def _text(found: Any, rng: Random) -> str:
    return rng.choice(_fits(found))
