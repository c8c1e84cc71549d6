"""The hierarchy of a real IMS unload as trees, where it is there (BANYAN_TEST_DATA)."""

import io
import json
from pathlib import Path

from contracts.file_description import layout_of
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.record_file import RecordFile, Refused
from tests.data import real_data

COPYBOOK = """\
       01  SEGMENT.
           03  FILLER            PIC X(6).
           03  SEG-NAME          PIC X(8).
           03  FILLER            PIC X(21).
           03  PAUTSUM0.
           COPY CIPAUSMY.
           03  PAUTDTL1          REDEFINES PAUTSUM0.
           COPY CIPAUDTY.
"""
"""The prefix of an unload's segments before what is in them."""


def test_an_ims_unload_is_the_trees_that_an_independent_decoder_found(tmp_path: Path) -> None:
    folder = real_data("batch/carddemo/ims-hd-unload")
    (tmp_path / "segment.cpy").write_text(COPYBOOK)
    names = {"PAUTSUM0": "PAUTSUM0", "PAUTDTL1": "PAUTDTL1", "*": ""}
    rule = {"field": "SEG-NAME", "map": names, "parents": {"PAUTDTL1": "PAUTSUM0"}}
    values = {"copybook": tmp_path / "segment.cpy", "copies": [folder], "framing": {"recfm": "V"}, "segments": [rule]}
    spec = FileSpec.model_validate(values)

    data = (folder / "data.ebcdic.bin").read_bytes()
    statistics, *trees = RecordFile(spec, layout_of(spec)).decode(io.BytesIO(data))

    assert not isinstance(statistics, Refused)
    assert statistics.keys() == {"SEG-NAME"}
    roots = [json.loads(RecordFile.line(tree))["PAUTSUM0"] for tree in trees if not isinstance(tree, Refused)]
    for root in roots:
        for below in root["PAUTDTL1"]:
            assert below.pop("SEG-NAME") == "PAUTDTL1"
    assert roots == [json.loads(line) for line in (folder / "expected.derived.jsonl").read_text().splitlines()]
    assert (len(roots), sum(len(root["PAUTDTL1"]) for root in roots)) == (6, 143)


def test_an_export_of_five_types_is_written_back_from_trees_as_from_records() -> None:
    folder = real_data("batch/carddemo/export-multitype-sample")
    names = dict(zip("CAXTD", ("CUSTOMER", "ACCOUNT", "CARD-XREF", "TRANSACTION", "CARD"), strict=True))
    groups = {value: f"EXPORT-{name}-DATA" for value, name in names.items()}
    below = {groups[child]: groups[parent] for child, parent in ("AC", "XC", "TC", "DC")}
    rule = {"field": "EXPORT-REC-TYPE", "map": groups}
    records, trees = (
        RecordFile(spec, layout_of(spec))
        for spec in (
            FileSpec.model_validate({"copybook": folder / "copybook.cpy", "segments": [{**rule, "parents": parents}]})
            for parents in ({}, below)
        )
    )
    data = (folder / "data.ebcdic.bin").read_bytes()

    found = [each for each in trees.decode(io.BytesIO(data)) if not isinstance(each, Refused)]

    assert len(found) == 10
    flat = [each for each in records.decode(io.BytesIO(data)) if not isinstance(each, Refused)]
    assert b"".join(trees.encode(map(RecordFile.line, found), [])) == b"".join(
        records.encode(map(RecordFile.line, flat), [])
    )
