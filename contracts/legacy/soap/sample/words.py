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
_NUMBERED: Final = "number"
_DIGITS: Final = "digits"
_PERSON: Final = "person"
_MAIL: Final = "mail"
_PHONE: Final = "phone"
_TOPICS: Final[tuple[tuple[str, str | tuple[str, ...]], ...]] = (
    ("mail email epost", _MAIL),
    ("phone tel telephone mobile fax telefon telefono", _PHONE),
    ("street strasse road address adresse via gate", _STREETS),
    ("city town ort stadt place comune localita poststed", _CITIES),
    ("country land nazione", ("AT", "NO", "IT", "DE", "FI", "EE", "CH", "NL")),
    ("currency valuta waehrung", ("EUR", "NOK", "CHF")),
    ("language lang sprache sprak locale", ("en", "de", "it", "nb", "fi", "et")),
    ("given first firstname forename fornavn vorname nome", _GIVEN),
    ("last surname family lastname etternavn nachname cognome", _FAMILY),
    ("status state type kind", ("open", "active", "closed", "pending", "new")),
    ("text description message comment note reason remark info beskrivelse beschreibung descrizione", _SENTENCES),
    ("nummer numero postcode postnr", _DIGITS),
    ("id no nr num number code kode key ref reference token identifier ident", _NUMBERED),
    ("name navn person owner user caller author greeting", _PERSON),
)
_BY_WORD: Final = {each: choices for topics, choices in _TOPICS for each in topics.split()}
_SHORTEST_END: Final = 4
"""Of a compound: `gaardsnummer` is a number, `aid` is no id."""


def word(name: str, draw: Draw) -> str:
    """Return a text that something of this name could hold; its last word says most.

    >>> word("homeCity", Draw.of(1)), word("customerId", Draw.of(1)), word("gaardsnummer", Draw.of(1))
    ('Graz', 'C87897', '87897')
    """
    topics = [choices for each in reversed(_words(name)) if (choices := _topic(each)) is not None]
    found = _MAIL if _MAIL in topics else next(iter(topics), None)
    given, family, number = (
        draw.pick(_GIVEN, "given"),
        draw.pick(_FAMILY, "family"),
        draw.between(10000, 99999, "number"),
    )
    if isinstance(found, tuple):
        return draw.pick(found, "topic")
    written = {
        _MAIL: f"{given}.{family}@example.org".lower(),
        _PHONE: f"+43 1 {draw.between(100000, 999999, 'phone')}",
        _DIGITS: f"{number}",
        _NUMBERED: f"{name[:1].upper()}{number}",
        _PERSON: f"{given} {family}",
    }
    return written.get(found or "") or f"{draw.pick(_PLAIN, 'one')} {draw.pick(_PLAIN, 'two')}"


def is_about(name: str, topics: frozenset[str]) -> bool:
    """Tell whether one of the words in a name is one of these.

    >>> is_about("dateOfBirth", frozenset({"birth"}))
    True
    """
    return not topics.isdisjoint(_words(name))


def _topic(found: str) -> str | tuple[str, ...] | None:
    ends = (choices for each, choices in _BY_WORD.items() if len(each) >= _SHORTEST_END and found.endswith(each))
    return _BY_WORD.get(found) or next(ends, None)


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(found.lower() for found in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))
