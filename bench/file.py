"""One contender takes a whole file to Kafka once: `python -m bench.file CONTENDER BOOTSTRAP FILE`.

Records of 350 bytes with 13 fields, each an event with its headers, in transactions: at first as an adapter does it by
itself, with a first pass that judges the file and a second one that publishes; then without the first pass, and with
processes beside the one that publishes. The peer decodes the same file with copybook-cli to lines that kcat sends,
without a key, headers, a transaction or a contract: it is told what a pipe of tools gets by.

Prints a JSON object: events, CPU seconds of all processes, seconds.
"""

import asyncio
import json
import resource
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

from bench.decode_files import NARROW
from bench.decode_peers import COPYBOOK_CLI, copybook_cli
from bench.narrow import EntryPosted, adapter
from events.connection import Connection
from events.pipeline import Pipeline
from events.topics import ensure, event_topic

CHANGES: dict[str, dict[str, object]] = {
    "banyan": {},
    "banyan, no first pass": {"dead_letter_share": 1},
    "banyan, 1 process beside": {"workers": 1},
    "banyan, 2 processes beside": {"workers": 2},
}
PEER = f"copybook-cli {COPYBOOK_CLI} and kcat"


def contenders() -> tuple[str, ...]:
    """Return all that can be had here; says on standard error what can't."""
    has_peer = copybook_cli(_tell) is not None and shutil.which("kcat") is not None
    return (*CHANGES, PEER) if has_peer else tuple(CHANGES)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


async def banyan(connection: Connection, namespace: str, file: Path, *, contender: str) -> int:
    """Publish through the pipeline, and return the events."""
    source = adapter.configured({"path": file, "stable_for": 0, **CHANGES[contender]})
    published = await Pipeline(source, connection, namespace=namespace).run()
    return published.events - published.by_topic.get("deliveries", 0)


def peer(connection: Connection, topic: str, file: Path) -> int:
    """Publish through a pipe, and return the records."""
    program = copybook_cli(_tell)
    if program is None:
        raise SystemExit(f"{PEER}: not to be had here")
    copybook = file.with_suffix(".cpy")
    copybook.write_text(NARROW.copybook(is_plain=True))
    decode = [str(program), "decode", str(copybook), str(file), "--format", "fixed", "--codepage", "cp037"]
    send = ["kcat", "-P", "-b", connection.bootstrap_servers, "-t", topic, "-X", "acks=all"]
    with subprocess.Popen([*decode, "--threads", "1", "--output", "-"], stdout=subprocess.PIPE) as decoding:
        subprocess.run(send, stdin=decoding.stdout, check=True)
    return file.stat().st_size // NARROW.length


def spent() -> float:
    """Return the CPU time of this process and of those that it waited for."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in times)


async def main(contender: str, bootstrap: str, file: Path) -> None:
    """Publish, and print the figures."""
    connection, namespace = Connection(bootstrap_servers=bootstrap), f"bench-{uuid.uuid4().hex[:8]}"
    topic = event_topic(namespace, EntryPosted.topic)
    await ensure(connection, [topic])
    records, cpu, began = file.stat().st_size // NARROW.length, spent(), time.perf_counter()  # noqa: ASYNC240
    if contender == PEER:
        events = await asyncio.to_thread(peer, connection, topic.name, file)
    else:
        events = await banyan(connection, namespace, file, contender=contender)
    if events != records:
        raise SystemExit(f"{contender}: published {events}")
    print(json.dumps({"events": events, "cpu_s": spent() - cpu, "wall_s": time.perf_counter() - began}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
