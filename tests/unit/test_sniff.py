"""What is proposed of files of our own making, with what speaks for it and against it."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.legacy.framing import Compression, Framing, LineEnd, Recfm, read, write
from contracts.legacy.framing.sniff import Proposal, sniff

DRAW = random.Random(7)
NAMES = ["ADA LOVELACE", "GRACE HOPPER", "EDSGER DIJKSTRA", "BARBARA LISKOV", "TONY HOARE"]


def text(number: int, *, page: str = "cp037", width: int = 60) -> bytes:
    """Return a record of text with a packed number at its end."""
    packed = bytes.fromhex(f"{number * 37 % 10**6:06d}0c")
    return f"{number:08d}{NAMES[number % 5]}".ljust(width - 4).encode(page) + packed


def varying(count: int) -> list[bytes]:
    """Return records of 30 to 60 bytes."""
    return [text(n)[: 30 + n * 7 % 31] for n in range(count)]


def first(
    records: Sequence[bytes], framing: Framing, *, lengths: Sequence[int] = (60,), cut: int | None = None
) -> Proposal:
    """Return what is proposed first for the file of these records."""
    data = b"".join(write(records, framing))
    head = data if cut is None else data[:cut]
    return sniff(head, total_bytes=len(data), lengths=lengths)[0]


WORDS: Sequence[Mapping[str, Any]] = [
    {"rdw": rdw, "rdw_includes_header": includes} for rdw in ("big", "little") for includes in (True, False)
]


@pytest.mark.parametrize("words", WORDS, ids=str)
@pytest.mark.parametrize("cut", [None, 2000])
def test_descriptor_words_are_found_with_their_order_and_what_they_count(
    words: Mapping[str, Any], cut: int | None
) -> None:
    framing = Framing(recfm=Recfm.V, **words)

    found = first(varying(200), framing, cut=cut)

    assert found.framing == framing
    assert found.code_page == "cp037"
    end = "closes at the end of the file: 200 of 200 records" if cut is None else "holds to the end of the sample"
    assert end in found.evidence[0]
    assert "none is longer than the copybook's 60 bytes" in found.evidence


@pytest.mark.parametrize("words", WORDS, ids=str)
@pytest.mark.parametrize("recfm", [Recfm.VB, Recfm.VBS])
def test_blocks_and_spans_are_found(words: Mapping[str, Any], recfm: Recfm) -> None:
    blocks = {name.replace("rdw", "bdw"): value for name, value in words.items()}
    framing = Framing(recfm=recfm, **words, **blocks, block_bytes=100)

    found = first(varying(200), framing)

    assert found.framing == framing.model_copy(update={"block_bytes": 27_998})
    assert any("the records begin in" in each for each in found.evidence)


def test_blocks_of_records_of_one_length_are_found() -> None:
    framing = Framing(recfm=Recfm.FB, lrecl=60, bdw="big", block_bytes=604)

    found = first([text(n) for n in range(95)], framing)

    assert (found.framing.recfm, found.framing.lrecl, found.framing.bdw) == (Recfm.FB, 60, "big")


def test_a_chain_that_breaks_is_proposed_with_what_speaks_against_it() -> None:
    data = b"".join(write(varying(50), Framing(recfm=Recfm.V))) + b"the end"

    found = [each for each in sniff(data, total_bytes=len(data), lengths=[60]) if each.framing.recfm is Recfm.V]

    assert found[0].confidence < 0.5
    assert "after 50 records: reserved: expected" in found[0].against[0]


@pytest.mark.parametrize("lengths", [(60,), ()])
@pytest.mark.parametrize("page", ["cp037", "ascii"])
def test_records_of_one_length_are_found_with_a_copybook_and_without(lengths: Sequence[int], page: str) -> None:
    found = first([text(n, page=page) for n in range(200)], Framing(lrecl=60), lengths=lengths)

    assert found.framing == Framing(lrecl=60)
    assert found.code_page == page
    assert "the size, 12,000 bytes, is divisible by 60" in found.evidence


def test_bytes_around_the_records_are_found() -> None:
    framing = Framing(lrecl=60, header_bytes=7, footer_bytes=15)
    records = [text(n) for n in range(300)]
    data = b"".join(write(records, framing, header=b"\x02" * 7, footer=b"\x03" * 15))

    found = sniff(data, total_bytes=len(data), lengths=[60])[0]

    assert found.framing == framing
    assert "the size, 18,022 bytes, is not divisible by 60: 22 bytes are left over" in found.against


@pytest.mark.parametrize("line_end", LineEnd)
def test_lines_are_found_with_their_ends(line_end: LineEnd) -> None:
    page = "cp037" if line_end.blank == 0x40 else "ascii"
    records = [f"{n:08d}{NAMES[n % 5]}".encode(page) for n in range(100)]
    data = b"".join(write(records, Framing(recfm=Recfm.LS, line_end=line_end)))
    if line_end is LineEnd.LF_OR_CRLF:
        data = data.replace(b"\n", b"\r\n", 1)

    found = sniff(data, total_bytes=len(data), lengths=[60])[0]

    assert found.framing == Framing(recfm=Recfm.LS, line_end=line_end, lrecl=60)
    assert found.code_page == page


def test_text_in_utf_8_is_told_from_ascii() -> None:
    data = "".join(f"{n} Zoë Müller\n" for n in range(100)).encode()

    found = sniff(data, total_bytes=len(data))[0]

    assert (found.framing.recfm, found.code_page) == (Recfm.LS, "utf-8")


@pytest.mark.parametrize(
    ("kind", "cut"),
    [
        (Compression.GZIP, None),
        (Compression.GZIP, 3000),
        (Compression.BZIP2, None),
        (Compression.ZIP, None),
        (Compression.ZSTD, None),
    ],
)
def test_what_is_inside_a_compressed_file_is_found(kind: Compression, cut: int | None) -> None:
    records = [DRAW.randbytes(5) + each for each in varying(1500)]
    framing = Framing(recfm=Recfm.V, compression=kind)

    found = first(records, framing, lengths=[65], cut=cut)

    assert found.framing == framing
    assert found.evidence[0] == f"the file begins as {kind} does"


def test_lengths_that_only_the_copybook_tells_are_tried() -> None:
    records = [bytes([n % 9]) + b"\xc1" * (n % 9) for n in range(200)]
    data = b"".join(records)

    found = sniff(data, total_bytes=len(data), lengths=[9], length_of=lambda record: record[0] + 1)[0]

    assert found.framing == Framing(recfm=Recfm.NONE)
    assert "the length chain closes at the end of the file: 200 of 200 records" in found.evidence


def test_a_trial_decoder_speaks_for_a_code_page_and_against_a_framing() -> None:
    """It decides where bytes alone do not: numbers only, of which the framing cuts some."""

    def trial(records: Sequence[bytes], page: str, _framing: Framing) -> tuple[int, int, str]:
        return sum(record.decode(page, "replace")[:8].isdecimal() for record in records), len(records), "no digits"

    data = b"".join(f"{n:08d}".encode("cp037") + DRAW.randbytes(12) for n in range(200))

    found = sniff(data, total_bytes=len(data), lengths=[20, 40, 25], trial=trial)
    by_length = {each.framing.lrecl: each for each in found}

    assert found[0].framing == Framing(lrecl=20)
    assert found[0].code_page == "cp037"
    assert (
        "records that decode: 200 of 200 with cp037 but 0 of 200 with ascii; most others: no digits"
        in found[0].evidence
    )
    assert by_length[25].confidence < found[0].confidence / 2


def test_every_proposal_says_what_is_not_known_of_the_code_page() -> None:
    found = first([text(n) for n in range(100)], Framing(lrecl=60))

    assert any(each.startswith("cp037 stands for all EBCDIC pages") for each in found.against)


def test_nothing_is_proposed_of_nothing() -> None:
    assert sniff(b"", total_bytes=0, lengths=[10]) == ()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=3))
def test_any_bytes_give_proposals_that_can_be_tried(data: bytes, lengths: list[int]) -> None:
    """Whatever they are: no crash, a rank by confidence, and a framing that reads at least one record."""
    found = sniff(data, total_bytes=len(data), lengths=lengths)

    assert [each.confidence for each in found] == sorted((each.confidence for each in found), reverse=True)
    for each in found:
        assert 0 < each.confidence <= 0.99
        assert len(next(iter(read(data, each.framing)))) > 0
