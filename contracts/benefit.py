"""A benefit that was paid to a resident."""

from datetime import date
from decimal import Decimal
from typing import Literal

from contracts.event import Event, Personal, Public, Sensitive

__all__ = ["BenefitPaid"]


class BenefitPaid(Event):
    """A benefit was paid for one month."""

    type = "org.banyan.benefit.paid.v1"
    topic = "benefits"

    payment_id: Public[str]
    """Number of the payment."""
    resident_id: Personal[str]
    """Canonical number of the resident."""
    name: Personal[str]
    """Name of the payee."""
    street: Personal[str]
    """Street and number of the payee."""
    city: Personal[str]
    """City of the payee."""
    kind: Sensitive[Literal["child allowance", "housing", "pension", "care"]]
    """What was paid."""
    office: Public[int]
    """Number of the office that granted it."""
    year: Public[int]
    """Year that it was paid for."""
    month: Public[int]
    """Month that it was paid for, 1 to 12."""
    paid_on: Public[date]
    """Day of the payment."""
    amount: Sensitive[Decimal]
    """What was paid, in `currency`."""
    deduction: Sensitive[Decimal]
    """What was deducted before, in `currency`."""
    balance: Sensitive[Decimal]
    """What is still due, in `currency`; negative if too much was paid."""
    children: Sensitive[int]
    """Number of children that were counted."""
    currency: Public[str]
    """ISO 4217 code."""
