"""Compares types and elements: each named one once, what has no name in its place."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.legacy.soap.contract.component import (
    ANY_TYPE,
    Attribute,
    ComplexType,
    ElementUse,
    ModelGroup,
    Particle,
    SimpleType,
    Type,
    TypeUse,
    Wildcard,
)
from contracts.legacy.soap.contract.difference.change import Effect, Log, named, together
from contracts.legacy.soap.contract.difference.content import Pairs, flat, label
from contracts.legacy.soap.contract.difference.detail import come, flag, gone, occurrence, renamed, values, wildcards
from contracts.legacy.soap.contract.difference.text import (
    compare_facets,
    compare_patterns,
    compare_texts,
    compare_values,
)
from contracts.legacy.soap.contract.model import Place
from contracts.legacy.soap.contract.shapes import Shapes
from contracts.legacy.soap.contract.text import TextType, text_of
from contracts.legacy.xml import local

__all__ = ["Comparison"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares parts of two contracts; what changed is noted in the log that is passed in."""

    old: Shapes
    new: Shapes
    open: frozenset[tuple[str, str]] = frozenset()
    """Types with different names that are being compared, so that recursive ones end."""

    def elements(self, log: Log, old: ElementUse, new: ElementUse) -> None:
        """Compare two global elements."""
        log = log.at(local(new.name))
        flag(log, "abstract", was=old.is_abstract, now=new.is_abstract, place=new.place)
        self._said(log, old, new)

    def types(self, log: Log, old: Type, new: Type) -> None:
        """Compare two named types."""
        self._bodies(log.at(local(new.name or "")), old, new)

    def uses(self, log: Log, old: TypeUse, new: TypeUse, *, place: Place) -> None:
        """Compare two types at a place; named ones with the same name are compared elsewhere, once."""
        if isinstance(old, str) and isinstance(new, str) and old == new:
            return
        before, after = self.old.resolve(old), self.new.resolve(new)
        if not isinstance(old, str) and not isinstance(new, str):
            self._bodies(log, old, new)
            return
        within = Log(uses=log.uses)
        key = (old if isinstance(old, str) else "", new if isinstance(new, str) else "")
        if key not in self.open:
            Comparison(self.old, self.new, self.open | {key}).whole(within, (old, before), (new, after))
        effect = together(within.effects)
        if effect != "none":
            log.add("type-changed", effect, place=place, old=named(old), new=named(new))
        elif isinstance(old, str) and isinstance(new, str):
            log.add("type-renamed", "none", place=place, old=named(old), new=named(new))

    def whole(self, log: Log, old: tuple[TypeUse, Type | None], new: tuple[TypeUse, Type | None]) -> None:
        """Compare types with all that their bases say."""
        (was, before), (now, after) = old, new
        if ANY_TYPE in {was, now}:
            log.add("type-changed", "widens" if now == ANY_TYPE else "narrows", place=_nowhere())
        elif isinstance(before, ComplexType) and isinstance(after, ComplexType):
            self._complex(log, before, after, whole=True)
        else:
            texts = text_of(self.old, was), text_of(self.new, now)
            self._texts(log, texts, place=_nowhere())
            fewer = self.old.attributes(before) if isinstance(before, ComplexType) else {}
            more = self.new.attributes(after) if isinstance(after, ComplexType) else {}
            self._attributes(log, fewer, more, place=_nowhere())

    def _texts(self, log: Log, texts: tuple[TextType | None, TextType | None], *, place: Place) -> None:
        old, new = texts
        if old is not None and new is not None:
            compare_texts(log, old, new, place=place)
        elif old is not new:
            log.add("type-changed", "both", place=place)

    def _bodies(self, log: Log, old: Type, new: Type) -> None:
        """Compare what two types say themselves; of their bases only where these have different names."""
        if isinstance(old, ComplexType) and isinstance(new, ComplexType):
            self._complex(log, old, new, whole=(old.base, old.derivation) != (new.base, new.derivation))
        elif isinstance(old, SimpleType) and isinstance(new, SimpleType):
            self._simple(log, old, new)
        else:
            kinds = ("a simple type" if isinstance(each, SimpleType) else "a complex type" for each in (old, new))
            before, after = kinds
            log.add("type-changed", "both", place=new.place, old=before, new=after)

    def _simple(self, log: Log, old: SimpleType, new: SimpleType) -> None:
        if _kind(old) != _kind(new) or (
            isinstance(old.base, str) and isinstance(new.base, str) and old.base != new.base
        ):
            texts = text_of(self.old, old), text_of(self.new, new)
            self._texts(log, texts, place=new.place)
            return
        if old.base is not None and new.base is not None:
            self.uses(log, old.base, new.base, place=new.place)
        if old.item is not None and new.item is not None:
            self.uses(log.below("item"), old.item, new.item, place=new.place)
        if old.members or new.members:
            self._members(log, old, new)
        compare_facets(log, old.facets, new.facets, place=new.place)
        levels = tuple((each.patterns,) if each.patterns else () for each in (old, new))
        compare_patterns(log, levels[0], levels[1], place=new.place)
        compare_values(log, old.values, new.values, place=new.place)

    def _members(self, log: Log, old: SimpleType, new: SimpleType) -> None:
        olds, news = ([each for each in side.members if isinstance(each, str)] for side in (old, new))
        for name in (each for each in olds if each not in news):
            log.add("member-removed", "narrows", place=new.place, old=named(name))
        for name in (each for each in news if each not in olds):
            log.add("member-added", "widens", place=new.place, new=named(name))
        inner, outer = ([each for each in side.members if not isinstance(each, str)] for side in (old, new))
        for before, after in zip(inner, outer, strict=False):
            self._bodies(log, before, after)
        for each in inner[len(outer) :]:
            log.add("member-removed", "narrows", place=new.place, old=named(each))
        for each in outer[len(inner) :]:
            log.add("member-added", "widens", place=new.place, new=named(each))

    def _complex(self, log: Log, old: ComplexType, new: ComplexType, *, whole: bool) -> None:
        if old.base != new.base:
            before, after = (None if each is None else named(each) for each in (old.base, new.base))
            log.add("base-changed", "none", place=new.place, old=before, new=after)
        flag(log, "abstract", was=old.is_abstract, now=new.is_abstract, place=new.place)
        flag(log, "mixed", was=old.is_mixed, now=new.is_mixed, place=new.place)
        if old.array != new.array:
            log.add("type-changed", "both", place=new.place, old=old.array, new=new.array)
        if whole:
            attributes = self.old.attributes(old), self.new.attributes(new)
            groups = self.old.contents(old), self.new.contents(new)
        else:
            attributes = {each.name: each for each in old.attributes}, {each.name: each for each in new.attributes}
            groups = [each for each in (old.content,) if each], [each for each in (new.content,) if each]
        self._attributes(log, *attributes, place=new.place)
        wildcards(log.below("@any"), old.any_attribute, new.any_attribute)
        if old.text is not None and new.text is not None and not whole:
            self.uses(log, old.text, new.text, place=new.place)
        elif old.text is not None or new.text is not None:
            self._texts(log, (text_of(self.old, old), text_of(self.new, new)), place=new.place)
        self._groups(log, flat(groups[0], old.place), flat(groups[1], new.place))

    def _attributes(
        self, log: Log, old: Mapping[str, Attribute], new: Mapping[str, Attribute], *, place: Place
    ) -> None:
        for name in (*old, *(each for each in new if each not in old)):
            before, after, there = old.get(name), new.get(name), log.below(f"@{local(name)}")
            if after is None and before is not None:
                effect: Effect = "both" if before.is_required else "narrows"
                there.add("attribute-removed", effect, place=place, old=named(before.type))
            elif before is None and after is not None:
                effect = "both" if after.is_required else "widens"
                there.add("attribute-added", effect, place=after.place, new=named(after.type))
            elif before is not None and after is not None:
                self._attribute(there, before, after)

    def _attribute(self, log: Log, old: Attribute, new: Attribute) -> None:
        if old.is_required != new.is_required:
            kind, effect = ("attribute-required", "narrows") if new.is_required else ("attribute-optional", "widens")
            log.add(kind, "narrows" if effect == "narrows" else "widens", place=new.place)
        values(log, old, new)
        self.uses(log, old.type, new.type, place=new.place)

    def _groups(self, log: Log, old: ModelGroup, new: ModelGroup) -> None:
        if old.order != new.order and min(len(old.particles), len(new.particles)) > 1:
            effects: dict[tuple[str, str], Effect] = {("sequence", "all"): "widens", ("all", "sequence"): "narrows"}
            effect = effects.get((old.order, new.order), "both")
            log.add("model-changed", effect, place=new.place, old=old.order, new=new.order)
        occurrence(log, old, new)
        pairs = Pairs(old, new)
        if pairs.moved:
            orders = (", ".join(map(label, each.particles)) for each in (old, new))
            before, after = orders
            log.add("order-changed", "both", place=new.place, old=before, new=after)
        renamed(log, pairs.renamed)
        for each in pairs.gone:
            gone(log, each, order=old.order)
        for each in pairs.come:
            come(log, each, order=new.order if len(old.particles) > 1 else old.order)
        for one, other in pairs.both:
            self._pair(log, one, other)

    def _pair(self, log: Log, old: Particle, new: Particle) -> None:
        if isinstance(old, ElementUse) and isinstance(new, ElementUse):
            there = log.below(label(new))
            occurrence(there, old, new)
            if not (old.is_reference and new.is_reference):
                before = self.old.element(old.name) if old.is_reference else old
                after = self.new.element(new.name) if new.is_reference else new
                if before is not None and after is not None:
                    self._said(there, before, after)
        elif isinstance(old, ModelGroup) and isinstance(new, ModelGroup):
            self._groups(log.below(new.order), old, new)
        elif isinstance(old, Wildcard) and isinstance(new, Wildcard):
            occurrence(log.below("any"), old, new)
            wildcards(log.below("any"), old, new)

    def _said(self, log: Log, old: ElementUse, new: ElementUse) -> None:
        """Compare what two declarations of an element say, but for their occurrence."""
        flag(log, "nillable", was=old.is_nillable, now=new.is_nillable, place=new.place)
        if old.media != new.media:
            log.add("media-changed", "none", place=new.place, old=old.media, new=new.media)
        values(log, old, new)
        self.uses(log, old.type, new.type, place=new.place)


def _kind(found: SimpleType) -> tuple[bool, bool]:
    return found.item is not None, bool(found.members)


def _nowhere() -> Place:
    """Return a place for what is judged, but told at another one."""
    return Place(uri="", line=0)
