"""Words that fit a name: so a sample reads like data of somebody, not like noise."""

import re
from functools import lru_cache
from typing import Final

from contracts.legacy.soap.sample.draw import Draw

__all__ = ["is_about", "word"]

_GIVEN: Final = ("Ada", "Bruno", "Clara", "David", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Luca")
_FAMILY: Final = (
    "Berger",
    "Conti",
    "Dahl",
    "Eriksen",
    "Fischer",
    "Gruber",
    "Hansen",
    "Keller",
    "Lang",
    "Moretti",
    "Novak",
)
_STREETS: Final = ("Lime Street", "Mill Lane", "Station Road", "Church Walk", "Harbour Street", "Market Square")
_CITIES: Final = ("Linz", "Bergen", "Turin", "Graz", "Tartu", "Bremen", "Trento", "Tampere", "Basel", "Utrecht")
_PLAIN: Final = (
    "alder",
    "amber",
    "birch",
    "cedar",
    "clover",
    "elm",
    "hazel",
    "ivy",
    "juniper",
    "linden",
    "maple",
    "oak",
)
_SENTENCES: Final = (
    "Checked and found complete",
    "Sent by post on request",
    "See the letter of last week",
    "No further action needed",
    "To be reviewed next month",
)
_TOPICS: Final[tuple[tuple[frozenset[str], tuple[str, ...]], ...]] = (
    (frozenset({"street", "strasse", "road", "address", "adresse", "via"}), _STREETS),
    (frozenset({"city", "town", "ort", "stadt", "place", "comune", "localita", "poststed"}), _CITIES),
    (frozenset({"country", "land", "nazione"}), ("AT", "NO", "IT", "DE", "FI", "EE", "CH", "NL")),
    (frozenset({"currency", "valuta"}), ("EUR", "NOK", "CHF")),
    (frozenset({"language", "lang", "sprache", "sprak", "locale"}), ("en", "de", "it", "nb", "fi", "et")),
    (frozenset({"given", "first", "firstname", "forename", "fornavn", "vorname", "nome"}), _GIVEN),
    (frozenset({"last", "surname", "family", "lastname", "etternavn", "nachname", "cognome"}), _FAMILY),
    (frozenset({"status", "state", "type", "kind"}), ("open", "active", "closed", "pending", "new")),
    (frozenset({"text", "description", "message", "comment", "note", "reason", "remark", "info"}), _SENTENCES),
)
_NUMBERED: Final = frozenset(
    {"id", "no", "nr", "num", "number", "code", "key", "ref", "reference", "token", "identifier"}
)
_PEOPLE: Final = frozenset({"name", "navn", "person", "owner", "user", "caller", "author", "greeting"})
_MAIL: Final = frozenset({"mail", "email", "epost"})
_PHONE: Final = frozenset({"phone", "tel", "telephone", "mobile", "fax", "telefon", "telefono"})


def word(name: str, draw: Draw) -> str:
    """Return a text that something of this name could hold.

    >>> word("homeCity", Draw.of(1)), word("customerId", Draw.of(1))
    ('Graz', 'C87897')
    """
    given, family = draw.pick(_GIVEN, "given"), draw.pick(_FAMILY, "family")
    if is_about(name, _MAIL):
        return f"{given}.{family}@example.org".lower()
    if is_about(name, _PHONE):
        return f"+43 1 {draw.between(100000, 999999, 'phone')}"
    for about, choices in _TOPICS:
        if is_about(name, about):
            return draw.pick(choices, "topic")
    if is_about(name, _NUMBERED):
        return f"{name[:1].upper()}{draw.between(10000, 99999, 'number')}"
    if is_about(name, _PEOPLE):
        return f"{given} {family}"
    return f"{draw.pick(_PLAIN, 'one')} {draw.pick(_PLAIN, 'two')}"


def is_about(name: str, topics: frozenset[str]) -> bool:
    """Tell whether one of the words in a name is one of these.

    >>> is_about("dateOfBirth", frozenset({"birth"}))
    True
    """
    return not topics.isdisjoint(_words(name))


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[str]:
    return frozenset(found.lower() for found in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))
