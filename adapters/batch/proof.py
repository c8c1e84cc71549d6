"""Proof that a file is complete, as it was declared; a time of modification alone proves nothing.

A sender may preserve the time while it still copies, and may set the size before it writes the content.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

import structlog

from adapters._place import pattern_of
from adapters.batch.candidate import Candidate
from adapters.batch.config import Config, Trailer
from adapters.batch.location import Location
from contracts.errors import FileChangedError, LegacyUnavailableError

__all__ = ["Complete", "Watch", "matching"]

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """A file, and how it was proved complete."""

    candidate: Candidate
    proof: str
    sha256: str | None = None
    """Hash of its content at the first look, where that is part of the proof: it has to be that of what is read."""
    missing: str | None = None
    """What it lacks though it has been at rest for long enough, such as its trailer: then it is not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a file was when it was first seen as it is."""

    at: float
    checksum: str | None = None
    sha256: str | None = None


def matching(files: Mapping[str, Candidate], config: Config) -> list[Candidate]:
    """Return the files that the pattern names, are not being sent, and have their done file where one is due."""
    pattern, partial = pattern_of(config.path), config.partial
    named = [each for name, each in files.items() if fnmatchcase(name, pattern)]
    if partial is not None:
        named = [each for each in named if not each.name.endswith(partial) and each.name + partial not in files]
    if config.done_file is not None:
        named = [each for each in named if _done(each, files, config.done_file) is not None]
    return named


class Watch:
    """Tells which files are complete, look by look.

    Args:
        config: What proves it.
        location: Where the files are.
        clock: Returns seconds that never go back.
        record_length: Bytes of a trailer, unless declared.
        code_page: The code page of its text.
    """

    def __init__(
        self,
        config: Config,
        location: Location,
        *,
        clock: Callable[[], float],
        record_length: int,
        code_page: str,
    ) -> None:
        self._config, self._location, self._clock = config, location, clock
        declared = config.trailer
        self._trailer_bytes = (declared.size_bytes if isinstance(declared, Trailer) else None) or record_length
        self._is_trailer = _by_pattern(declared.pattern, code_page) if isinstance(declared, Trailer) else declared
        self._looks: dict[Candidate, _Look] = {}
        self._undone: set[str] = set()
        self.unreadable: LegacyUnavailableError | None = None
        """Why a file could not be looked at in the last look; the others were."""

    async def complete(self, seen: Iterable[Candidate]) -> list[Complete]:
        """Return what is complete, in no order; files that change or disappear are forgotten."""
        before, self._looks, self.unreadable = self._looks, {}, None
        found: list[Complete] = []
        for candidate in seen:
            try:
                look = before.get(candidate)
                if look is None:
                    look = await asyncio.to_thread(self._first, candidate)
                self._looks[candidate] = look
                proved = await asyncio.to_thread(self._prove, candidate, look)
            except LegacyUnavailableError as error:
                self.unreadable = self.unreadable or error
            except FileChangedError as error:
                self.forget(candidate)
                _log.info("file waits", source=self._config.name, file=candidate.name, reason=str(error))
            else:
                found += [] if proved is None else [proved]
        return found

    def tell_undone(self, files: Mapping[str, Candidate], ready: Collection[Candidate]) -> None:
        """Log, once for each, which files lack their done file: nothing else tells why they are not taken."""
        done_file = self._config.done_file
        if done_file is None:
            return
        named = matching(files, self._config.model_copy(update={"done_file": None}))
        undone = {each.name for each in named if not _is_done_file(each.name, done_file)} - {e.name for e in ready}
        for name in sorted(undone - self._undone):
            reason = f"expected its done file ({done_file}), no older than itself"
            _log.info("file waits", source=self._config.name, file=name, reason=reason)
        self._undone = undone

    def forget(self, candidate: Candidate) -> None:
        """Begin anew with a file whose proof was lost."""
        self._looks.pop(candidate, None)

    def _first(self, candidate: Candidate) -> _Look:
        at = self._clock()
        if not self._config.stable_for or self._config.stable_by == "size":
            return _Look(at=at)
        checksum = self._location.checksum(candidate)
        return _Look(at=at, checksum=checksum, sha256=None if checksum else self._sha256(candidate))

    def _sha256(self, candidate: Candidate) -> str:
        with self._location.opened(candidate) as reader:
            return reader.sha256()

    def _prove(self, candidate: Candidate, look: _Look) -> Complete | None:
        rested = timedelta(seconds=self._clock() - look.at)
        if rested < self._config.stable_for:
            return None
        if look.checksum is not None and self._location.checksum(candidate) != look.checksum:
            raise FileChangedError(candidate.name, found="another checksum at its location")
        if self._is_trailer is not None and not self._is_trailer(self._location.tail(candidate, self._trailer_bytes)):
            # A file at rest without its trailer is told in the end; until then it may only be slow.
            patient = rested >= max(self._config.stable_for, self._config.poll_interval)
            return Complete(candidate=candidate, proof="", missing="a trailer") if patient else None
        return Complete(candidate=candidate, proof=self._said(candidate, look), sha256=look.sha256)

    def _said(self, candidate: Candidate, look: _Look) -> str:
        config = self._config
        parts = [f"done file for {candidate.name}"] if config.done_file else []
        parts += ["trailer seen"] if self._is_trailer else []
        if config.stable_for:
            what = (
                "size"
                if config.stable_by == "size"
                else ("size and the store's checksum" if look.checksum else "size and content")
            )
            parts.append(f"{what} unchanged for {config.stable_for.total_seconds():g} s")
        if config.partial:
            parts.append(f"no {candidate.name}{config.partial}")
        return ", ".join(parts) or "renamed into place, as declared"


def _done(candidate: Candidate, files: Mapping[str, Candidate], done_file: str) -> Candidate | None:
    """Return the newest done file of a file; one from before the file was modified is an earlier delivery's."""
    names = _names_of_done(candidate, files, done_file)
    found = [files[name] for name in names if files[name].modified_ns >= candidate.modified_ns]
    return max(found, key=lambda each: each.modified_ns, default=None)


def _names_of_done(candidate: Candidate, files: Mapping[str, Candidate], done_file: str) -> list[str]:
    if "{name}" not in done_file and "{stem}" not in done_file:
        name = candidate.name + done_file
        return [name] if name in files else []
    # The file's own name is no pattern, whatever is in it.
    pieces = re.split(r"(\{name\}|\{stem\}|\*|\?)", done_file)
    known = {"{name}": re.escape(candidate.name), "{stem}": re.escape(candidate.path.stem), "*": ".*", "?": "."}
    pattern = re.compile("".join(known.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)
    return [name for name in files if name != candidate.name and pattern.fullmatch(name)]


def _is_done_file(name: str, done_file: str) -> bool:
    """Tell whether a name may be that of some file's done file."""
    if "{name}" not in done_file and "{stem}" not in done_file:
        return name.endswith(done_file)
    return fnmatchcase(name, done_file.replace("{name}", "*").replace("{stem}", "*"))


def _by_pattern(pattern: str, code_page: str) -> Callable[[bytes], bool]:
    expression = re.compile(pattern, re.DOTALL)
    return lambda data: expression.fullmatch(data.decode(code_page, errors="replace")) is not None
