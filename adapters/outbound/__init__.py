"""Files for legacy systems that still read files: the events of a topic as records, with header, trailer and totals.

Delivery: every event is a record of exactly one file, in the order of its key, and file numbers have no gaps; see
`adapters.outbound.ledger` for how. A file appears whole, under its name, and is never written over. An event that does
not fit the copybook is dead-lettered with the field that refused it; nothing is cut off.

It can't take back a file that it has handed over, and it does not know whether the receiver read it, unless the
receiver acknowledges.

    description = OutboundSpec(
        name="payments-to-bank",
        events=[EventRecords(model=BenefitPaid, fields={"PAY-ID": "payment_id", "AMOUNT": "amount"})],
        file=FileSpec(copybook=Path("payments.cpy")),
        file_name="PAYMENTS.D{business_date:%Y%m%d}.S{sequence:06d}",
        folder=Path("out"),
    )
"""

from adapters._place import Remote
from adapters.outbound.acknowledgement import Acknowledgement, Answer, Outcome
from adapters.outbound.answer_ledger import Answered
from adapters.outbound.answers import Answers
from adapters.outbound.folder import LocalFolder
from adapters.outbound.ledger import CutFile, Ledger, State
from adapters.outbound.outbound import Outbound
from adapters.outbound.remote_folder import RemoteFolder
from adapters.outbound.schedule import Cut
from adapters.outbound.spec import EndField, EventRecords, OutboundSpec, RecordField

__all__ = [
    "Acknowledgement",
    "Answer",
    "Answered",
    "Answers",
    "Cut",
    "CutFile",
    "EndField",
    "EventRecords",
    "Ledger",
    "LocalFolder",
    "Outbound",
    "OutboundSpec",
    "Outcome",
    "RecordField",
    "Remote",
    "RemoteFolder",
    "State",
]
