"""Changes and whole rulesets as bytes: for the local copy, and for the way from the parent to its workers.

Each is one JSON text without a line break, and verified by its hashes when it is read.
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from contracts.errors import RecordError
from routers.rulesets.capability import Capability
from routers.rulesets.chain import Change, Manifest, digest_of
from routers.rulesets.ruleset import GENESIS, Ruleset, in_bulk

__all__ = ["pack", "pack_snapshot", "unpack", "unpack_snapshot"]


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
    try:
        given = json.loads(data)
        manifests = [_manifest(text) for text in given["snapshot"]]
        records: dict[str, str] = given["records"]
        if digest_of({name: value.encode() for name, value in records.items()}) != given["digest"]:
            raise RecordError("snapshot", expected="capabilities that fit its digest")
        if not _is_chain(manifests, given["hash"]):
            raise RecordError("snapshot", expected="a history in which each hash is that of the one before")
        with in_bulk():
            capabilities = {name: _capability(value) for name, value in records.items()}
    except ValidationError as error:
        raise RecordError("snapshot", expected=f"what this version of Banyan knows, {error.title} is not") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecordError("snapshot", expected=f"a packed ruleset ({type(error).__name__})") from None
    with in_bulk():
        return Ruleset.restored(capabilities, version=len(manifests), hash_=given["hash"]), manifests


def _manifest(text: str) -> Manifest:
    manifest = Manifest.model_validate_json(text)
    if manifest.canonical_json() != text:
        raise RecordError("manifest", expected="its canonical text")
    return manifest


def _capability(value: str) -> tuple[int, Capability]:
    version, _, text = value.partition(":")
    return int(version), Capability.model_validate_json(text)


def _is_chain(manifests: Sequence[Manifest], last: str) -> bool:
    previous = GENESIS
    for version, manifest in enumerate(manifests, start=1):
        if (manifest.version, manifest.previous) != (version, previous):
            return False
        previous = manifest.hash()
    return previous == last


def _packed(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
