"""Makes elements: content models, types and what may stand for what, one after the other as the schema has them."""

from itertools import chain
from math import inf
from typing import Final

from xmlschema.validators import XsdAnyElement, XsdComplexType, XsdElement, XsdGroup, XsdType

from contracts.errors import ContractError
from contracts.legacy.soap.contract.schema import Schemas
from contracts.legacy.soap.sample.derived import Derived
from contracts.legacy.soap.sample.encoded import ARRAY_TYPE, Array, array_of
from contracts.legacy.soap.sample.height import Heights, Particle, can_be_nil
from contracts.legacy.soap.sample.options import Options
from contracts.legacy.soap.sample.place import XSI, Place, Prefixes
from contracts.legacy.soap.sample.value import ANY_TYPE, attributes, fill, own_text
from contracts.legacy.soap.sample.wildcard import stand_in
from contracts.legacy.soap.sample.words import is_about, word
from contracts.legacy.xml import Element

__all__ = ["Writer"]

_MOST: Final = 3
_MOST_NESTED: Final = 2
_MOST_NEEDED: Final = 100_000
_WILD: Final = 0.3
_TROUBLE: Final = frozenset({"fault", "error", "errors", "exception", "failure", "feil", "fehler", "errore"})
_TROUBLED: Final = 0.1
"""Share of the optional elements that tell of trouble and are there: an answer that says both is like none."""


class Writer:
    """Makes elements of the schemas of one contract."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._derived = Derived(schemas)
        self._heights = Heights(self._derived)

    def element(self, declared: XsdElement, place: Place, parent: Element | None = None) -> Element:
        """Make an element as it is declared, with all that is in it.

        Raises:
            ContractError: There is no valid one of finite size, or no text was found that a type takes.
        """
        member = self._member(declared, place)
        return self.typed(member.name, self._kind(member, place), place, parent=parent, declared=member)

    def typed(
        self,
        tag: str,
        kind: XsdType,
        place: Place,
        *,
        parent: Element | None = None,
        declared: XsdElement | None = None,
    ) -> Element:
        """Make an element of a type, whatever its name."""
        inner, message = place.inside(tag, kind), place.message
        said, needed = self._said(kind, place, declared)
        values = [*attributes(kind, inner)]
        is_nil = self._is_nil(declared, kind, place)
        if not is_nil:
            values.append(own_text(kind, declared, inner))
        array = array_of(kind) if message.is_encoded else None
        shape, more = ("", ()) if array is None else message.qualified(array.name)
        texts = [message.own(each.text) for each in values]
        named = tuple(chain.from_iterable(prefixes for _, prefixes in texts))
        element = message.create(tag, (*named, *needed, *more), parent)
        if said is not None:
            element.set(XSI + "type", said)
        if is_nil:
            element.set(XSI + "nil", "true")
        for value, (text, _) in zip(values, texts, strict=True):
            fill(element, value, text, place=inner)
        if array is not None and not is_nil:
            self._array(array, shape, place=inner, element=element)
        elif isinstance(kind, XsdComplexType) and not is_nil and kind.name != ANY_TYPE and not element.text:
            self._filled(element, kind, inner)
        if declared is not None and declared.identities:
            message.constrained.append((element, declared))
        return element

    def _is_nil(self, declared: XsdElement | None, kind: XsdType, place: Place) -> bool:
        is_endless = self._heights.of_type(kind) == inf
        if declared is None or not can_be_nil(declared):
            if is_endless:
                raise _endless(place.inside(kind.local_name or "", kind))
            return False
        must = is_endless or place.is_again(kind) or (place.is_sparse and isinstance(kind, XsdComplexType))
        return must or place.draw.holds(place.message.options.nil, "nil")

    def _member(self, declared: XsdElement, place: Place) -> XsdElement:
        """Choose the element itself or one that may stand for it."""
        members = self._derived.members(declared)
        heights = {each: self._heights.of_element(each) for each in members}
        able = [each for each in members if heights[each] < inf]
        if not able:
            raise _endless(place.inside(declared.name, declared.type))
        if place.is_sparse:
            return min(able, key=lambda each: heights[each])
        if able[0] is declared and not place.draw.holds(place.message.options.variants, "substitute"):
            return declared
        return place.draw.pick(able, "member")

    def _kind(self, member: XsdElement, place: Place) -> XsdType:
        """Choose the element's own type or one derived from it."""
        kinds = [each for each in self._derived.concrete(member) if self._heights.of_type(each) < inf]
        if not kinds and can_be_nil(member):
            return next(iter(self._derived.concrete(member)), member.type)
        if not kinds:
            raise _endless(place.inside(member.name, member.type))
        if place.is_sparse:
            return min(kinds, key=self._heights.of_type)
        if kinds[0] is member.type and not place.draw.holds(place.message.options.variants, "derived"):
            return member.type
        fresh = [each for each in kinds if not place.is_again(each)]
        return place.draw.pick(fresh or kinds, "type")

    def _said(self, kind: XsdType, place: Place, declared: XsdElement | None) -> tuple[str | None, Prefixes]:
        """Return the xsi:type that an element needs, as text."""
        if kind.name == ANY_TYPE:
            return place.message.qualified(ANY_TYPE.replace("anyType", "string"))
        is_other = declared is not None and kind is not declared.type
        if kind.name is None or not (place.message.is_encoded or is_other):
            return None, ()
        return place.message.qualified(kind.name)

    def _filled(self, element: Element, kind: XsdComplexType, place: Place) -> None:
        if isinstance(kind.content, XsdGroup):
            self._particle(kind.content, place, element)
        if kind.mixed:
            element.text = word("text", place.draw.at("mixed")) + (" " if len(element) else "")
            for number, child in enumerate(element):
                child.tail = " " + word("", place.draw.at("mixed", number)) + " "

    def _array(self, array: Array, shape: str, *, place: Place, element: Element) -> None:
        kind = self._schemas.type(array.name)
        content = getattr(place.types[-1], "content", None)
        if isinstance(content, XsdGroup) and any(isinstance(each, XsdElement) for each in content.iter_elements()):
            self._particle(content, place, element)
        elif kind is not None and not array.inner:
            times = place.message.options.items if not place.is_repeated else None
            for number in range(place.draw.between(1, _MOST, "array") if times is None else times):
                self.typed("item", kind, place.at("item", number, is_repeated=True), parent=element)
        element.set(ARRAY_TYPE, f"{shape}{array.inner}[{len(element)}]")

    def _particle(self, particle: Particle, place: Place, parent: Element) -> None:
        times = self._times(particle, place)
        is_repeated = particle.max_occurs is None or particle.max_occurs > 1
        for number in range(times):
            # Elements are counted on, so that the items of a repeated group differ too.
            inner = place.at(particle.name or particle.__class__.__name__, number, is_repeated=is_repeated)
            if isinstance(particle, XsdElement):
                self.element(particle, inner, parent)
            elif isinstance(particle, XsdAnyElement):
                stand_in(particle, inner, parent, schemas=self._schemas, writer=self, heights=self._heights)
            elif particle.model == "choice":
                self._choice(particle, inner, parent, turn=number + place.draw.below(97, "turn"))
            else:
                for position, each in enumerate(particle):
                    self._particle(each, inner.at(position), parent)

    def _choice(self, choice: XsdGroup, place: Place, parent: Element, *, turn: int) -> None:
        heights = {each: self._heights.of_particle(each) for each in choice if each.max_occurs != 0}
        able = [each for each, height in heights.items() if height < inf or each.min_occurs == 0]
        fresh = [each for each in able if not (isinstance(each, XsdElement) and place.is_again(each.type))]
        if not able:
            return
        if place.is_sparse or not fresh:
            chosen = min(able, key=lambda each: 0 if each.min_occurs == 0 else heights[each])
        else:
            chosen = fresh[turn % len(fresh)]
        self._particle(chosen, place, parent)

    def _times(self, particle: Particle, place: Place) -> int:
        least, most, options = particle.min_occurs, particle.max_occurs, place.message.options
        if most == 0:
            return 0
        if self._heights.of_particle(particle) == inf:
            if least:
                raise _endless(place)
            return 0
        if least > _MOST_NEEDED:
            raise ContractError(
                str(place), expected=f"at most {_MOST_NEEDED} of one thing at a place", found=f"{least}"
            )
        is_again = isinstance(particle, XsdElement) and place.is_again(particle.type)
        is_wild = isinstance(particle, XsdAnyElement)
        is_strict = isinstance(particle, XsdAnyElement) and particle.process_contents == "strict"
        if place.is_sparse or is_again or is_strict or least == most:
            return least
        items = None if is_wild or most == 1 or place.is_repeated else options.items
        if items is None and least == 0 and not place.draw.holds(_share(particle, options), "there"):
            return 0
        usual = place.draw.between(1, _MOST_NESTED if place.is_repeated else _MOST, "times")
        wanted = max(least, usual if items is None else items)
        return wanted if most is None else min(most, wanted)


def _share(particle: Particle, options: Options) -> float:
    """Return how often something optional is there."""
    if isinstance(particle, XsdAnyElement):
        return min(_WILD, options.optional)
    if isinstance(particle, XsdElement) and options.optional < 1 and is_about(particle.local_name, _TROUBLE):
        return _TROUBLED
    is_list = particle.max_occurs is None or particle.max_occurs > 1
    return 1 if is_list and options.optional else options.optional


def _endless(place: Place) -> ContractError:
    found = "only what needs itself without end, or a DTD"
    return ContractError(str(place), expected="content of finite size", found=found)
