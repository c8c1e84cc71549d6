"""Makes the nightly file of benefit payments: EBCDIC, by its copybook, with bad records planted on purpose."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from contracts.legacy.copybook import Codec, parse

__all__ = ["COPYBOOK", "Extract", "make"]

COPYBOOK = Path(__file__).with_name("benefits.cpy")
RECORD_LENGTH = 200
_NUMBER_LENGTH = 10
_NAMES = ("ADELBRECHT AMPFERSACK", "BRUMHILDE BIRNSTIEL", "CORVINA DISTELFINK", "DORWIN EULENSPATZ")
_PLACES = (("AM FARNKRAUT 1", "ALTFEIGEN"), ("MOOSWEG 22", "LUFTWURZ"), ("WURZELPFAD 7", "NEUBANYAN"))


@dataclass(frozen=True, slots=True)
class Extract:
    """A file and what is in it."""

    data: bytes
    records: int
    planted: int
    """Records that can't become events."""

    @property
    def residents(self) -> list[str]:
        """Return the resident's number in each record, as the mainframe wrote it."""
        starts = range(0, len(self.data), RECORD_LENGTH)
        return [self.data[start : start + _NUMBER_LENGTH].decode("cp037") for start in starts]


def make(records: int, *, residents: int = 200, planted: int = 0, seed: int = 20260101) -> Extract:
    """Make a file of invented payments to residents 1 to `residents`, of which `planted` are damaged.

    The damages, in turn: a packed amount that is no number, a kind that no table knows, a day that is none.
    """
    codec = Codec(parse(COPYBOOK.read_text(encoding="ascii")), code_page="cp037")
    draw = Random(seed)  # noqa: S311 - the same file in every run
    data = bytearray(codec.encode(_payments(records, residents, draw)))
    layout = codec.layout.by_name
    damages = (
        (layout["BEN-AMOUNT"].offset, b"\xff\xff\xff\xff\xff"),
        (layout["BEN-KIND"].offset, "99".encode("cp037")),
        (layout["BEN-PAID-ON"].offset, "2026-02-30".encode("cp037")),
    )
    for turn, record in enumerate(sorted(draw.sample(range(records), planted))):
        offset, damage = damages[turn % len(damages)]
        start = record * RECORD_LENGTH + offset
        data[start : start + len(damage)] = damage
    return Extract(bytes(data), records, planted)


def _payments(records: int, residents: int, draw: Random) -> Iterator[dict[str, object]]:
    for number in range(records):
        street, city = draw.choice(_PLACES)
        yield {
            "BEN-RESIDENT-ID": number % residents + 1,
            "BEN-PAYMENT-ID": f"P{number:011d}",
            "BEN-NAME": draw.choice(_NAMES),
            "BEN-STREET": street,
            "BEN-CITY": city,
            "BEN-KIND": f"{draw.randint(1, 4):02d}",
            "BEN-OFFICE": draw.randint(1, 9999),
            "BEN-YEAR": 2026,
            "BEN-MONTH": draw.randint(1, 12),
            "BEN-PAID-ON": (date(2026, 1, 1) + timedelta(days=draw.randint(0, 300))).isoformat(),
            "BEN-AMOUNT": Decimal(draw.randint(1, 250_000)).scaleb(-2),
            "BEN-DEDUCTION": Decimal(draw.randint(0, 9_999)).scaleb(-2),
            "BEN-BALANCE": Decimal(draw.randint(-99_999, 99_999)).scaleb(-2),
            "BEN-CHILDREN": draw.randint(0, 5),
            "BEN-CURRENCY": "EUR",
        }
