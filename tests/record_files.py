"""Copybooks and records that tests of files share."""

__all__ = ["BAD", "PAYMENT", "RECORD", "RUN", "RUN_RECORDS", "run_trailer"]

PAYMENT = """       01  PAYMENT.
           05  RESIDENT   PIC 9(5).
           05  AMOUNT     PIC S9(3)V99 COMP-3.
           05  KIND       PIC X.
           05  DETAIL     PIC X(4).
           05  CHEQUE     REDEFINES DETAIL.
               10  NUMBER  PIC 9(4).
"""
RECORD = "f0f0f0f1f2" + "01250c" + "c3" + "f0f0f4f2"
BAD = "f0f0f0f1f3" + "0125a0" + "d6" + "c1c2c3c4"

RUN = """
       01  HEAD.
           05  KIND     PIC X.
           05  RUN      PIC 9(4).
           05  FILLER   PIC X(10).
       01  PAYMENT.
           05  KIND     PIC X.
           05  SEQ      PIC 9(3).
           05  RESIDENT PIC X(4).
           05  PARTS    OCCURS 2.
               10  AMOUNT  PIC S9(2)V9.
           05  FILLER   PIC X.
       01  TAIL.
           05  KIND     PIC X.
           05  RUN      PIC 9(4).
           05  TOTALS.
               10  HOW-MANY PIC 9(3).
               10  TOTAL    PIC S9(4)V9.
               10  KEYS     PIC 9(2).
"""
RUN_RECORDS = ["H0007          ", "P001007101{02{ ", "P002006205{10} ", "T000700200160033"[:15]]
"""Amounts 1.0, 2.0, 5.0 and -10.0: -2.0 in all; keys 71 + 62 = 133."""


def run_trailer(count: int = 2, total: str = "0002}", keys: int = 33, run: int = 7) -> str:
    return f"T{run:04d}{count:03d}{total}{keys:02d}"
