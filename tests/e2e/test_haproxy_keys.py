"""One decision on every channel: façade, batch, and a real HAProxy with the published formula agree on each key."""

import asyncio
import random
import shutil
import socket
import unicodedata
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from contracts.keys import CanonicalKey
from routers.decision import decide_each
from routers.rulesets.capability import Capability
from routers.rulesets.ruleset import EMPTY
from routers.stage import Side as Decided
from tests.facade_world import Side, World, facade

KEYS = 10_000
CALLERS = 16
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")
WHERE = Path(__file__).parents[2] / "docs" / "guides" / "keys.md"
CONFIG = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend callers
    bind fd@{descriptor}
"""


class Draw(NamedTuple):
    """A salt with a share."""

    salt: str
    share: int


DRAWS = (Draw("benefits-2026", 2500), Draw("x_Y-9.z", 100), Draw("a", 9999), Draw("city.v1", 5000))
DIGITS = CanonicalKey(type="digits", strip_zeros=True, max_length=12)
TEXT = CanonicalKey(case="upper")


def some_keys() -> dict[str, str]:
    """Return raw keys of every kind -> the canonical form that they should have."""
    draw, found = random.Random(20261122), dict[str, str]()
    while len(found) < KEYS:
        number = str(draw.randrange(1, 10**9))
        letters = "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=draw.randint(1, 8)))
        northern = "".join(draw.choices("ÆØÅÄÖÉŁŽÞ東京市", k=draw.randint(1, 6)))
        raw, canonical = draw.choice(
            [
                (number.zfill(draw.randint(1, 12)), number),
                (f"  {number}\t", number),
                (f"{letters.lower()}-{number}", f"{letters}-{number}"),
                (f" {letters} {number}, {letters}", f"{letters} {number}, {letters}"),
                (f"{northern}{number}", f"{northern}{number}"),
                (f"\t{northern.lower()} ", northern),
                (unicodedata.normalize("NFD", northern), northern),
            ]
        )
        found[raw] = canonical
    return found


def capability_of(raw: str, canonical: str) -> tuple[str, CanonicalKey]:
    """Return which of the two kinds of capability a key belongs to."""
    return (
        ("digits", DIGITS) if canonical.isascii() and canonical.isdigit() and raw.strip().isdigit() else ("text", TEXT)
    )


def capabilities() -> dict[str, dict[str, Any]]:
    """Return two capabilities for each draw, one of digits and one of text."""
    return {
        f"{kind}-{number}": {
            "salt": draw.salt,
            "share": draw.share,
            "key": key.model_dump(),
            "routes": {
                "read": {
                    "rest": f"GET /{kind}/{number}",
                    "key": {"header": "X-Key"},
                    "class": "safe",
                    "legacy": "legacy",
                    "modern": "modern",
                }
            },
        }
        for number, draw in enumerate(DRAWS)
        for kind, key in (("digits", DIGITS), ("text", TEXT))
    }


def formula(draw: Draw) -> str:
    """Return the published formula for one salt."""
    [published] = [line for line in WHERE.read_text().splitlines() if line.startswith("HAProxy computes the same")]
    text = published.split("`")[1]
    assert text == "req.fhdr(x),concat(:benefits-2026),xxh32(0),mod(10000)"
    return text.replace("fhdr(x)", "fhdr(x-key)").replace("benefits-2026", draw.salt)


@asynccontextmanager
async def haproxy(folder: Path) -> AsyncGenerator[int]:
    """Run HAProxy: it decides each key of a header by each draw, and answers `l` or `m` for each."""
    lines = ['http-request set-var(txn.sides) str("")']
    for number, draw in enumerate(DRAWS):
        lines += [f"http-request set-var(txn.bucket{number}) {formula(draw)}"]
        for letter, test in (("m", f"lt {draw.share}"), ("l", f"ge {draw.share}")):
            condition = f"{{ var(txn.bucket{number}) -m int {test} }}"
            lines.append(f"http-request set-var(txn.sides) var(txn.sides),concat({letter}) if {condition}")
    lines.append("http-request return status 200 content-type text/plain lf-string %[var(txn.sides)]")
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.set_inheritable(True)
        file = folder / "haproxy.cfg"
        file.write_text(CONFIG.format(descriptor=bound.fileno()) + "".join(f"    {line}\n" for line in lines))
        process = await asyncio.create_subprocess_exec(
            str(HAPROXY), "-db", "-f", str(file), pass_fds=[bound.fileno()], stderr=asyncio.subprocess.PIPE
        )
        try:
            yield bound.getsockname()[1]
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.communicate(), 10)


async def ask_all(port: int, requests: Sequence[bytes]) -> list[str]:
    """Send each request on one of a few connections, and return the bodies of the answers in order."""
    answers = [""] * len(requests)

    async def ask_some(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for place in range(first, len(requests), CALLERS):
            writer.write(requests[place])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200"), head
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            answers[place] = (await reader.readexactly(length)).decode()
        writer.close()

    async with asyncio.TaskGroup() as group:
        for first in range(CALLERS):
            group.create_task(ask_some(first))
    return answers


def request(path: str, key: str) -> bytes:
    """Return a call with a key in its header, in UTF-8."""
    return f"GET {path} HTTP/1.1\r\nhost: keys.test\r\nx-key: {key}\r\n\r\n".encode()


def answering(name: str) -> Side:
    """Return a side that answers with its name's first letter, whatever is asked."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" + name[:1].encode()

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            writer.write(answer)

    return Side(conduct=conduct)


async def facade_says(world: World, keys: Sequence[tuple[str, str]]) -> list[str]:
    """Return who answered for each key, a letter for each draw."""
    kinds = [capability_of(*key)[0] for key in keys]
    by_draw = [
        await ask_all(world.port, [request(f"/{kind}/{n}", raw) for kind, (raw, _) in zip(kinds, keys, strict=True)])
        for n in range(len(DRAWS))
    ]
    return ["".join(letters) for letters in zip(*by_draw, strict=True)]


def batch_says(keys: Sequence[tuple[str, str]]) -> list[str]:
    """Return what a batch decides for each key, a letter for each draw."""
    read = {name: Capability.model_validate(each) for name, each in capabilities().items()}
    ruleset = EMPTY.changed(read, version=1, hash_="0" * 64)
    said = [""] * len(keys)
    for kind in ("digits", "text"):
        places = [place for place, key in enumerate(keys) if capability_of(*key)[0] == kind]
        for n in range(len(DRAWS)):
            decisions = decide_each(ruleset, f"{kind}-{n}/read", [keys[place][0] for place in places])
            for place, decision in zip(places, decisions, strict=True):
                said[place] += "m" if decision.side is Decided.MODERN else "l"
                assert decision.bucket is not None
    return said


async def test_facade_batch_and_haproxy_decide_ten_thousand_keys_alike(tmp_path: Path) -> None:
    """A key is on the same side whoever asks, for several salts and shares."""
    if HAPROXY is None:
        pytest.skip("haproxy is not installed")
    keys = list(some_keys().items())

    async with haproxy(tmp_path) as port:
        by_haproxy = await ask_all(port, [request("/", canonical) for _, canonical in keys])
    async with facade(tmp_path, legacy=answering("legacy"), modern=answering("modern")) as world:
        world.use(capabilities())
        by_facade = await facade_says(world, keys)

    assert by_facade == by_haproxy
    assert batch_says(keys) == by_haproxy
    assert [capability_of(*key)[1].of(key[0]) for key in keys] == [canonical for _, canonical in keys]
    for n, draw in enumerate(DRAWS):
        modern = sum(said[n] == "m" for said in by_haproxy)
        assert abs(modern - KEYS * draw.share / 10_000) <= 4 * (KEYS * 0.25) ** 0.5
