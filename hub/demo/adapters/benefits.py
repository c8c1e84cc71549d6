"""The nightly file of benefit payments becomes `BenefitPaid` events: all that an integration engineer writes."""

from pathlib import Path

from adapters import batch
from contracts.benefit import BenefitPaid
from contracts.resident import RESIDENT_KEY

adapter = batch.Adapter(
    batch.Config(
        name="benefits",
        path=Path("in/BENEFITS.*"),
        copybook=Path(__file__).parent.parent / "benefits.cpy",
        code_page="cp037",
        record_length=200,
    ),
    model=BenefitPaid,
    key="resident_id",
    canonical=RESIDENT_KEY,
    mapping={
        "payment_id": "BEN-PAYMENT-ID",
        "resident_id": ("BEN-RESIDENT-ID", str),
        "name": "BEN-NAME",
        "street": "BEN-STREET",
        "city": "BEN-CITY",
        "kind": ("BEN-KIND", {"01": "child allowance", "02": "housing", "03": "pension", "04": "care"}),
        "office": "BEN-OFFICE",
        "year": "BEN-YEAR",
        "month": "BEN-MONTH",
        "paid_on": "BEN-PAID-ON",
        "amount": "BEN-AMOUNT",
        "deduction": "BEN-DEDUCTION",
        "balance": "BEN-BALANCE",
        "children": "BEN-CHILDREN",
        "currency": "BEN-CURRENCY",
    },
)
