"""Changes and whole rulesets as bytes: for the local copy, and for the way from the parent to its workers.

Each is one JSON text without a line break, and verified by its hashes when it is read.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pydantic import ValidationError

from contracts.errors import RecordError
from routers.rulesets.capability import Capability
from routers.rulesets.chain import Change, Manifest, digest_of
from routers.rulesets.ruleset import GENESIS, Ruleset, in_bulk

__all__ = ["pack", "pack_snapshot", "unpack", "unpack_newest", "unpack_snapshot"]

_HISTORY: Final = "a history in which each hash is that of the one before"


def pack(change: Change) -> bytes:
    """Return a change as bytes."""
    records = {name: None if value is None else value.decode() for name, value in change.records.items()}
    return _packed({"change": change.manifest.canonical_json(), "hash": change.hash, "records": records})


def unpack(data: bytes) -> Change:
    """Return the change that `pack` packed.

    Raises:
        RecordError: It is not whole.
    """
    try:
        given = json.loads(data)
        records = {
            str(name): None if value is None else str(value).encode() for name, value in given["records"].items()
        }
        change = Change(manifest=_manifest(given["change"]), hash=given["hash"], records=records)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecordError("change", expected=f"a packed change ({type(error).__name__})") from None
    if not change.is_whole():
        raise RecordError("change", expected="records that fit its hash")
    return change


def pack_snapshot(ruleset: Ruleset, manifests: Sequence[Manifest]) -> bytes:
    """Return a whole ruleset with its history as bytes."""
    versions = {rule.capability_name: rule.version for rule in ruleset.rules.values()}
    records = {
        name: f"{versions.get(name, ruleset.version)}:{capability.canonical_json()}"
        for name, capability in ruleset.capabilities.items()
    }
    history = [manifest.canonical_json() for manifest in manifests]
    whole = digest_of({name: value.encode() for name, value in records.items()})
    return _packed({"snapshot": history, "hash": ruleset.hash, "digest": whole, "records": records})


def unpack_snapshot(data: bytes) -> tuple[Ruleset, list[Manifest]]:
    """Return the ruleset and the history that `pack_snapshot` packed.

    Raises:
        RecordError: It is not whole.
    """
    manifests: list[Manifest] = []
    return _unpacked(data, manifests.append), manifests


def unpack_newest(data: bytes) -> Ruleset:
    """Return the ruleset that `pack_snapshot` packed; the history is verified, and not kept.

    Raises:
        RecordError: It is not whole.
    """
    return _unpacked(data, lambda _: None)


def _unpacked(data: bytes, keep: Callable[[Manifest], None]) -> Ruleset:
    try:
        given = json.loads(data)
        version = _verified(given["snapshot"], given["hash"], keep)
        records: dict[str, str] = given["records"]
        if digest_of({name: value.encode() for name, value in records.items()}) != given["digest"]:
            raise RecordError("snapshot", expected="capabilities that fit its digest")
        with in_bulk():
            capabilities = {name: _capability(value) for name, value in records.items()}
    except ValidationError as error:
        raise RecordError("snapshot", expected=f"what this version of Banyan knows, {error.title} is not") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecordError("snapshot", expected=f"a packed ruleset ({type(error).__name__})") from None
    with in_bulk():
        return Ruleset.restored(capabilities, version=version, hash_=given["hash"])


def _verified(history: Iterable[str], last: str, keep: Callable[[Manifest], None]) -> int:
    """Return the version of the last of these manifests, each of which names the hash of the one before."""
    version, previous = 0, GENESIS
    for version, text in enumerate(history, start=1):
        manifest = _manifest(text)
        if (manifest.version, manifest.previous) != (version, previous):
            raise RecordError("snapshot", expected=_HISTORY)
        previous = manifest.hash()
        keep(manifest)
    if previous != last:
        raise RecordError("snapshot", expected=_HISTORY)
    return version


def _manifest(text: str) -> Manifest:
    manifest = Manifest.model_validate_json(text)
    if manifest.canonical_json() != text:
        raise RecordError("manifest", expected="its canonical text")
    return manifest


def _capability(value: str) -> tuple[int, Capability]:
    version, _, text = value.partition(":")
    return int(version), Capability.model_validate_json(text)


def _packed(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
