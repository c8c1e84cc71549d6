"""The chain of rulesets: each change names the hash of the one before, and takes effect whole or not at all. Pure.

A change is a record for each capability that differs, and then its manifest. Records of several appliers may
interleave; the first manifest that continues the chain and fits its records wins, everywhere alike:

    hash = sha256(manifest)      digest = sha256(names in order, each with the sha256 of its record or `removed`)

All records of the topic have one Kafka key, since Kafka keeps the order of a key only; headers tell them apart.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contracts.ports import LogRecord
from routers.rulesets.capability import NAME, Capability
from routers.rulesets.ruleset import EMPTY, GENESIS, Ruleset, in_bulk

__all__ = ["Chain", "Change", "Manifest", "Refusal", "Refused", "digest_of", "propose"]

KEY: Final = b"ruleset"
CHANGE_HEADER: Final = "change"
CAPABILITY_HEADER: Final = "capability"
MANIFEST_HEADER: Final = "manifest"

_HASH: Final = r"^[0-9a-f]{64}$"
_NAME: Final = re.compile(NAME)
_MOST_OPEN: Final = 64
"""Changes without a manifest that are kept: an applier that died leaves one for ever."""


class Manifest(BaseModel):
    """What a change says of itself; its hash is the ruleset's."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: int = Field(ge=1)
    """The ruleset that it makes."""
    previous: str = Field(pattern=_HASH)
    """Hash of the ruleset before."""
    author: str = Field(min_length=1, max_length=200)
    """Who applied it."""
    reason: str = Field(min_length=1, max_length=2000)
    """Why."""
    at: AwareDatetime
    """When."""
    change: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    """Id of the change; its records carry it, too."""
    count: int = Field(ge=1)
    """How many capabilities differ."""
    digest: str = Field(pattern=_HASH)
    """Of the records."""

    def canonical_json(self) -> str:
        """Return the one JSON text of this manifest: what is on the topic, and what is hashed."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def hash(self) -> str:
        """Return the sha256 of `canonical_json`, in hex."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of the chain, with what it changes."""

    manifest: Manifest
    hash: str
    records: Mapping[str, bytes | None]
    """Capability name -> canonical JSON, or None where it is removed."""

    def is_whole(self) -> bool:
        """Tell whether manifest, hash and records belong together."""
        manifest = self.manifest
        fits = manifest.count == len(self.records) and manifest.digest == digest_of(self.records)
        return fits and self.hash == manifest.hash()

    def follows(self, ruleset: Ruleset) -> bool:
        """Tell whether this is the step after a ruleset."""
        return (self.manifest.version, self.manifest.previous) == (ruleset.version + 1, ruleset.hash)

    def after(self, ruleset: Ruleset) -> Ruleset:
        """Return the ruleset that this change makes of the one before.

        Raises:
            ValueError: It does not follow that one, or a capability is not as this version of Banyan knows them.
        """
        if not self.follows(ruleset):
            raise ValueError(f"change {self.manifest.change} does not follow ruleset {ruleset.version}")
        with in_bulk():
            changes = {
                name: None if value is None else Capability.model_validate_json(value)
                for name, value in self.records.items()
            }
            return ruleset.changed(changes, version=self.manifest.version, hash_=self.hash)

    def log_records(self) -> Sequence[LogRecord]:
        """Return what is appended to the topic, the manifest last."""
        identity = (CHANGE_HEADER, self.manifest.change.encode())
        manifest = self.manifest.canonical_json().encode()
        return [
            *(
                LogRecord(key=KEY, value=value, headers=(identity, (CAPABILITY_HEADER, name.encode())))
                for name, value in self.records.items()
            ),
            LogRecord(key=KEY, value=manifest, headers=(identity, (MANIFEST_HEADER, self.hash.encode()))),
        ]


class Refusal(StrEnum):
    """Why a change has no effect."""

    STALE = "stale"
    """Another change had taken its place in the chain."""
    FOREIGN = "foreign"
    """It continues a chain that is not ours: the topic was made anew, or the local copy is of another one."""
    INCOMPLETE = "incomplete"
    """Its records are not those that the manifest counts and hashes."""
    MALFORMED = "malformed"
    """It is no record of a change at all."""
    UNREADABLE = "unreadable"
    """This version of Banyan does not know what it says, so no later one can be read either: update it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A change that has no effect."""

    why: Refusal
    change: str
    """Its id; empty where it has none."""
    version: int = 0


class Chain:
    """Follows the topic record by record; every reader that sees the same records has the same ruleset."""

    def __init__(self, ruleset: Ruleset = EMPTY, manifests: Iterable[Manifest] = ()) -> None:
        self.ruleset = ruleset
        self.manifests = list(manifests)
        """Of every version, in order."""
        self._known = {GENESIS, ruleset.hash, *(manifest.hash() for manifest in self.manifests)}
        self._open: dict[str, dict[str, bytes | None]] = {}
        self.refused: dict[Refused, None] = {}
        """Every change that had no effect, once."""
        self.is_blocked = False
        """A change was made by a newer version of Banyan, and can't be read; nothing after it is accepted."""

    def rewind(self) -> None:
        """Get ready to read the topic from its beginning again; what was accepted stays."""
        self._open.clear()

    def knows(self, hash_: str) -> bool:
        """Tell whether a ruleset with that hash is part of this chain."""
        return hash_ in self._known

    def take(self, record: LogRecord) -> Change | Refused | None:
        """Take the next record of the topic, and return the change that it completes, if it does."""
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        change, name = headers.get(CHANGE_HEADER, ""), headers.get(CAPABILITY_HEADER, "")
        if MANIFEST_HEADER in headers:
            return self._close(record.value or b"", change, headers[MANIFEST_HEADER])
        if not change or not _NAME.fullmatch(name):
            return self._refused(Refusal.MALFORMED, change)
        self._open.setdefault(change, {})[name] = record.value
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return None

    def accept(self, change: Change) -> None:
        """Take a change that is known to be whole.

        Raises:
            ValueError: See `Change.after`.
        """
        self.ruleset = change.after(self.ruleset)
        self.manifests.append(change.manifest)
        self._known.add(change.hash)

    def _close(self, value: bytes, change_id: str, hash_: str) -> Change | Refused | None:
        try:
            manifest = Manifest.model_validate_json(value)
        except ValidationError:
            return self._refused(Refusal.MALFORMED, change_id)
        change = Change(manifest=manifest, hash=hash_, records=self._open.pop(manifest.change, {}))
        said = (change_id, hash_, value)
        if said != (manifest.change, manifest.hash(), manifest.canonical_json().encode()):
            return self._refused(Refusal.MALFORMED, change.manifest.change, change.manifest.version)
        if hash_ in self._known:
            return None  # appended twice, or read again
        if not change.follows(self.ruleset):
            known = manifest.previous in self._known
            return self._refused(
                Refusal.STALE if known else Refusal.FOREIGN, change.manifest.change, change.manifest.version
            )
        if not change.is_whole():
            return self._refused(Refusal.INCOMPLETE, change.manifest.change, change.manifest.version)
        return self._continue(change)

    def _continue(self, change: Change) -> Change | Refused:
        if self.is_blocked:
            return self._refused(Refusal.UNREADABLE, change.manifest.change, change.manifest.version)
        try:
            self.accept(change)
        except ValueError:
            # Newer versions of Banyan took it; to take another one in its place would be a second truth.
            self.is_blocked = True
            return self._refused(Refusal.UNREADABLE, change.manifest.change, change.manifest.version)
        return change

    def _refused(self, why: Refusal, change: str, version: int = 0) -> Refused:
        refused = Refused(why=why, change=change, version=version)
        self.refused[refused] = None
        return refused


def propose(
    before: Ruleset,
    wanted: Mapping[str, Capability],
    *,
    author: str,
    reason: str,
    at: datetime,
    change_id: str,
) -> Change | None:
    """Return the change that makes the wanted capabilities, all of them, of a ruleset; None where nothing differs."""
    there = before.capabilities
    records: dict[str, bytes | None] = {
        name: capability.canonical_json().encode()
        for name, capability in wanted.items()
        if there.get(name) != capability
    }
    records.update((name, None) for name in there if name not in wanted)
    if not records:
        return None
    manifest = Manifest(
        version=before.version + 1,
        previous=before.hash,
        author=author,
        reason=reason,
        at=at,
        change=change_id,
        count=len(records),
        digest=digest_of(records),
    )
    return Change(manifest=manifest, hash=manifest.hash(), records=records)


def digest_of(records: Mapping[str, bytes | None]) -> str:
    """Return the digest of a change's records, whatever their order."""
    whole = hashlib.sha256()
    for name in sorted(records):
        value = records[name]
        whole.update(f"{name} {'removed' if value is None else hashlib.sha256(value).hexdigest()}\n".encode())
    return whole.hexdigest()
