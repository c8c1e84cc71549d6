"""What callers are told when the façade answers itself: a word and a sentence for every reason, as in the guide."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from routers.facade.serving.refusal import REFUSALS, refusal_for
from routers.facade.serving.reply import own_reply
from routers.facade.soap.fault import NAMESPACE

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "facade.md"
_ROW = re.compile(r"^\| `([a-z_]+)` \| ([0-9, ]+) \| (.+) \|$", re.MULTILINE)
_RAISED = {"RefusedError", "ChunkError", "MessageError"}
_NEVER_TOLD = {"not_soap"}
"""XML that is no SOAP: no route takes it, and it goes on."""
_ELSEWHERE = {"in_doubt", "document", "single_wsdl"}
"""Words that the code names apart from their status."""
_OF_BACKENDS = ["timeout", "connect_timeout", "connection_refused", "certificate", "tls", "unreachable", "breaker_open",
                "no_connection", "closed", "malformed_framing", "malformed_chunk_end"]  # fmt: skip


def _reasons() -> Iterator[tuple[str, int | None, str]]:
    """Yield where each reason is raised in the code, its status where it stands there, and its word."""
    for path in sorted((ROOT / "routers" / "facade").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in _RAISED | {"refuse", "_own_answer"}:
                continue
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            numbers = [
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, int)
            ]
            for text in texts[:1]:
                yield f"{path.name}:{node.lineno}", numbers[0] if numbers else None, text


def test_every_reason_of_the_code_has_a_sentence() -> None:
    found = list(_reasons())

    assert len(found) > 40
    assert [where for where, _, word in found if word not in REFUSALS.keys() | _NEVER_TOLD] == []
    assert [(w, s) for _, s, w in found if s is not None and s not in REFUSALS[w].statuses] == []


def test_every_sentence_is_of_a_reason_of_the_code() -> None:
    used = {word for _, _, word in _reasons()} | {refusal_for(reason).word for reason in _OF_BACKENDS} | _ELSEWHERE

    assert REFUSALS.keys() - used == set()


def test_the_guide_has_every_word_status_and_sentence() -> None:
    told = [(word, statuses, sentence) for word, statuses, sentence in _ROW.findall(GUIDE.read_text(encoding="utf-8"))]

    assert told == [(each.word, ", ".join(map(str, each.statuses)), each.sentence) for each in REFUSALS.values()]


@pytest.mark.parametrize("word", REFUSALS)
def test_a_sentence_says_what_was_wrong_and_what_to_do(word: str) -> None:
    sentence = REFUSALS[word].sentence

    assert re.fullmatch(r"[A-Z][^;]+; [^;]+\.|[A-Z][^;]+; [^;]+; [^;]+\.", sentence)
    assert len(sentence) <= 160


def reply(reason: str, *, soap: bool) -> bytes:
    _, data = own_reply(
        503, reason, request=None, soap_version="1.1" if soap else None, request_id="r-1", date=b"now", keep_alive=False
    )
    return data.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("reason", ["certificate", "tls", "breaker_open", "malformed_status_line", "closed"])
def test_how_the_side_behind_failed_is_not_told(reason: str) -> None:
    assert reason.encode() not in reply(reason, soap=True) + reply(reason, soap=False)


def test_word_and_sentence_are_in_a_problem_and_in_a_fault() -> None:
    problem, fault = json.loads(reply("framing", soap=False)), ET.fromstring(reply("framing", soap=True))  # noqa: S314 - ours

    assert (problem["reason"], problem["detail"]) == ("framing", REFUSALS["framing"].sentence)
    assert fault.findtext(f".//{{{NAMESPACE}}}reason") == "framing"
    assert fault.findtext(".//faultstring") == REFUSALS["framing"].sentence
