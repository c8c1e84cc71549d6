"""Real mainframe files through `banyan adapter run` into real Kafka, read back by a client that is not ours."""

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.file_end import FileDelivered
from events.connection import Connection
from tests.data import real_data

ACCOUNTS = '''
from decimal import Decimal
from adapters import batch
from contracts.event import Event, Personal, Public

class AccountListed(Event):
    """An account was on the list."""
    type = "org.example.account.listed.v1"
    topic = "accounts"
    id: Personal[int]
    active: Public[str]
    balance: Personal[Decimal]
    credit_limit: Personal[Decimal]
    cash_limit: Personal[Decimal]
    opened: Public[str]
    expires: Public[str]
    reissued: Public[str]
    cycle_credit: Personal[Decimal]
    cycle_debit: Personal[Decimal]
    zip: Personal[str]
    group: Public[str]

adapter = batch.Adapter(
    batch.Config(name="accounts", path={path!r}, copybook={copybook!r}, record_length=300, stable_for=0),
    model=AccountListed,
    key="id",
    mapping={{
        "id": "ACCT-ID",
        "active": "ACCT-ACTIVE-STATUS",
        "balance": "ACCT-CURR-BAL",
        "credit_limit": "ACCT-CREDIT-LIMIT",
        "cash_limit": "ACCT-CASH-CREDIT-LIMIT",
        "opened": "ACCT-OPEN-DATE",
        "expires": "ACCT-EXPIRAION-DATE",
        "reissued": "ACCT-REISSUE-DATE",
        "cycle_credit": "ACCT-CURR-CYC-CREDIT",
        "cycle_debit": "ACCT-CURR-CYC-DEBIT",
        "zip": "ACCT-ADDR-ZIP",
        "group": "ACCT-GROUP-ID",
    }},
)
'''
ACCOUNT_FIELDS = {
    "id": "ACCT-ID",
    "active": "ACCT-ACTIVE-STATUS",
    "balance": "ACCT-CURR-BAL",
    "credit_limit": "ACCT-CREDIT-LIMIT",
    "cash_limit": "ACCT-CASH-CREDIT-LIMIT",
    "opened": "ACCT-OPEN-DATE",
    "expires": "ACCT-EXPIRAION-DATE",
    "reissued": "ACCT-REISSUE-DATE",
    "cycle_credit": "ACCT-CURR-CYC-CREDIT",
    "cycle_debit": "ACCT-CURR-CYC-DEBIT",
    "zip": "ACCT-ADDR-ZIP",
    "group": "ACCT-GROUP-ID",
}
TRANSACTIONS = '''
from decimal import Decimal
from adapters import batch
from contracts.event import Event, Personal, Public

class TransactionListed(Event):
    """A transaction was on the list."""
    type = "org.example.transaction.listed.v1"
    topic = "transactions"
    currency: Public[str]
    signature: Public[str]
    company: Personal[str]
    company_id: Personal[str]
    wealth: Public[int]
    amount: Personal[Decimal]

adapter = batch.Adapter(
    batch.Config(name="transactions", path={path!r}, copybook={copybook!r}, record_length=45, stable_for=0),
    model=TransactionListed,
    key="company_id",
    mapping={{
        "currency": "CURRENCY",
        "signature": "SIGNATURE",
        "company": "COMPANY-NAME",
        "company_id": "COMPANY-ID",
        "wealth": "WEALTH-QFY",
        "amount": "AMOUNT",
    }},
)
'''


def kcat() -> str:
    found = shutil.which("kcat") or shutil.which("kafkacat")
    if found is None:
        pytest.skip("needs kcat")
    return found


def run_adapter(folder: Path, kafka: Connection, namespace: str, name: str) -> dict[str, Any]:
    """Run an adapter file as its engineer would: one file, one command."""
    settings = folder / "banyan.yaml"
    settings.write_text(
        f"namespace: {namespace}\nkafka:\n  bootstrap_servers: {kafka.bootstrap_servers}\n"
        f"adapters:\n  files: [{folder / (name + '.py')}]\ndata: {folder / 'data'}\n"
    )
    banyan = str(Path(sys.executable).with_name("banyan"))
    command = [banyan, "-c", str(settings), "adapter", "run", name, "--once", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    counts: dict[str, Any] = json.loads(done.stdout)[name]
    return counts


def read_back(kafka: Connection, topic: str) -> list[dict[str, Any]]:
    """Read a topic with kcat: committed events of records, with their headers, in the order of their ids."""
    command = [kcat(), "-C", "-e", "-J", "-q", "-b", kafka.bootstrap_servers, "-t", topic]
    command += ["-X", "isolation.level=read_committed"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    events: list[dict[str, Any]] = []
    for line in done.stdout.splitlines():
        message = json.loads(line)
        headers = dict(zip(message["headers"][::2], message["headers"][1::2], strict=True))
        if headers["ce_type"] == FileDelivered.type:
            continue
        events.append({"headers": headers, "key": message["key"], "data": json.loads(message["payload"])})
    return sorted(events, key=lambda event: event["headers"]["ce_id"])


def test_the_carddemo_accounts_arrive_as_an_independent_decoder_reads_them(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    folder = real_data("batch/carddemo/accounts")
    adapter = ACCOUNTS.format(path=str(folder / "data.ebcdic.bin"), copybook=str(folder / "copybook.cpy"))
    (tmp_path / "accounts.py").write_text(adapter)

    counts = run_adapter(tmp_path, kafka, namespace, "accounts")

    expected = [json.loads(line) for line in (folder / "expected.derived.jsonl").read_text().splitlines()]
    events = read_back(kafka, f"{namespace}.accounts")
    assert (counts["events"], counts["dead_letters"]) == (50, 0)
    assert [event["data"] for event in events] == [
        {name: record[field] for name, field in ACCOUNT_FIELDS.items()} for record in expected
    ]
    assert [event["key"] for event in events] == [str(record["ACCT-ID"]) for record in expected]
    assert {event["headers"]["ce_type"] for event in events} == {"org.example.account.listed.v1"}
    assert all(event["headers"]["traceparent"] for event in events)


def ascii_value(record: str, start: int, length: int) -> str:
    return record[start : start + length].rstrip()


def ascii_amount(record: str, start: int) -> str:
    """Read S9(10)V99 with the sign punched over its last digit, as an ASCII file holds it."""
    text = record[start : start + 12]
    digits, sign = "{ABCDEFGHI", "}JKLMNOPQR"
    last = text[-1]
    number = int(text[:-1] + str(digits.find(last) if last in digits else sign.find(last)))
    return str(Decimal(number if last in digits else -number).scaleb(-2))


def test_the_ascii_twin_of_the_accounts_equals_it_in_all_but_one_value(
    kafka: Connection, namespace: str, tmp_path: Path
) -> None:
    folder = real_data("batch/carddemo/accounts")
    adapter = ACCOUNTS.format(path=str(folder / "data.ebcdic.bin"), copybook=str(folder / "copybook.cpy"))
    (tmp_path / "accounts.py").write_text(adapter)
    run_adapter(tmp_path, kafka, namespace, "accounts")

    events = read_back(kafka, f"{namespace}.accounts")
    twins = (folder / "data.ascii.txt").read_text().splitlines()
    differences = [
        (number, name)
        for number, (event, twin) in enumerate(zip(events, twins, strict=True))
        for name, value in {
            "id": int(twin[:11]),
            "active": ascii_value(twin, 11, 1),
            "balance": ascii_amount(twin, 12),
            "credit_limit": ascii_amount(twin, 24),
            "cash_limit": ascii_amount(twin, 36),
            "opened": ascii_value(twin, 48, 10),
            "expires": ascii_value(twin, 58, 10),
            "reissued": ascii_value(twin, 68, 10),
            "cycle_credit": ascii_amount(twin, 78),
            "cycle_debit": ascii_amount(twin, 90),
            "zip": ascii_value(twin, 102, 10),
            "group": ascii_value(twin, 112, 10),
        }.items()
        if event["data"][name] != value
    ]
    assert len(differences) == 1
    assert differences[0][0] in {48, 49}


def test_the_cobrix_transactions_arrive_as_cobrix_reads_them(kafka: Connection, namespace: str, tmp_path: Path) -> None:
    folder = real_data("batch/cobrix/fixed-simple-binary-decimal")
    data = folder / "TRAN2.AUG31.DATA.dat"
    adapter = TRANSACTIONS.format(path=str(data), copybook=str(folder / "copybook.cob"))
    (tmp_path / "transactions.py").write_text(adapter)

    counts = run_adapter(tmp_path, kafka, namespace, "transactions")

    expected = [json.loads(line, parse_float=Decimal) for line in (folder / "test3.txt").read_text().splitlines()]
    events = read_back(kafka, f"{namespace}.transactions")
    assert (counts["events"], counts["dead_letters"]) == (1000, 0)
    assert [
        (e["currency"], e["signature"], e["company"].rstrip("\0"), e["company_id"], e["wealth"], Decimal(e["amount"]))
        for e in (event["data"] for event in events[: len(expected)])
    ] == [
        (e["CURRENCY"], e["SIGNATURE"], e["COMPANY_NAME"], e["COMPANY_ID"], e["WEALTH_QFY"], Decimal(e["AMOUNT"]))
        for e in expected
    ]
