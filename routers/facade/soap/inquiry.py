"""Finds out what a call is about: its rule, and the keys it holds."""

from collections.abc import Mapping
from typing import Final, final

from routers.facade.http.head import RefusedError, RequestHead
from routers.facade.soap.matcher import Matcher
from routers.facade.soap.message import MessageError, MessageReader, action_of, reader_for, skeletons_for
from routers.facade.soap.reader import SoapVersion
from routers.facade.soap.skeleton import Known
from routers.rulesets.ruleset import Rule

__all__ = ["Inquiry"]


_UNFIT: Final = "\0"
"""Stands for a key that can't be read: of no capability's form, and never drawn."""


@final
class Inquiry:
    """Takes as much of a request as it needs.

    A SOAP message is read up to the operation, the first child of its Body, and on to the key where that is in
    the message. `rule` stays None when no route takes the call.
    """

    __slots__ = ("_matcher", "_reader", "_request", "keys", "rule", "soap_version")

    def __init__(self, matcher: Matcher, request: RequestHead) -> None:
        self._matcher, self._request = matcher, request
        self._reader: MessageReader | None = None
        self.rule: Rule | None = None
        self.keys: list[str] = []
        self.soap_version: SoapVersion | None = None
        """`1.1` or `1.2` once the call is known to be SOAP; None for REST."""

    def begin(self, data: bytes, *, whole: bool, limit_bytes: int) -> bool:
        """Take the head and the first part of the body; tell whether all is known.

        Raises:
            RefusedError: The message can't be understood, or its parts disagree.
        """
        matcher, names = self._matcher, self._request.names
        if matcher.has_rest and (found := matcher.rest(self._request.method.decode(), self._request.path)) is not None:
            self._found(*found)
            return True
        if not matcher.has_soap or self._request.method != b"POST":
            return True
        content_type, coding = names.get(b"content-type", b""), names.get(b"content-encoding", b"")
        try:
            skeletons = skeletons_for(content_type, coding)
            if skeletons is not None and (known := skeletons.of(data, whole=whole)) is not None and self._knows(known):
                return True
            self._reader = reader = reader_for(content_type, coding, resolve=self._steps, limit_bytes=limit_bytes)
        except MessageError as error:
            raise RefusedError(415, error.reason) from error
        is_known = reader is None or self.feed(data, whole=whole)
        if is_known and whole and skeletons is not None and reader is not None and reader.operation is not None:
            key = reader.keys[0] if len(reader.keys) == 1 else None
            steps = self._steps(reader.operation)
            skeletons.learn(data, Known(reader.operation, reader.soap_version, steps, key))
        return is_known

    def _knows(self, known: Known) -> bool:
        """Tell whether what is known of messages like this one is what the rules ask for now."""
        rule = self._matcher.soap(known.operation)
        if (None if rule is None else rule.key_steps) != known.steps:
            return False
        self.soap_version = known.version
        if known.key is not None:
            self.keys = [known.key]
        self._understood(rule, known.operation)
        return True

    def feed(self, data: bytes, *, whole: bool) -> bool:
        """Take more of the body; tell whether all is known.

        Raises:
            RefusedError: The message can't be understood, or its parts disagree.
        """
        reader = self._reader
        if reader is None:
            return True
        try:
            known = reader.feed(data)
            if whole and not known:
                reader.close()
        except MessageError as error:
            if error.reason == "not_soap":
                return True  # XML that is no SOAP: no route takes it
            raise RefusedError(400, error.reason) from error
        finally:
            self.soap_version = reader.soap_version
        if not (known or whole):
            return False
        self.release()
        rule = None if reader.operation is None else self._matcher.soap(reader.operation)
        if rule is not None and rule.key_steps is not None:
            self.keys = reader.keys
        self._understood(rule, reader.operation)
        return True

    def release(self) -> None:
        """Let go of the reader, where one is at work: the call has ended, or all is known."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.release()

    def _steps(self, operation: str) -> tuple[str, ...] | None:
        rule = self._matcher.soap(operation)
        return None if rule is None else rule.key_steps

    def _understood(self, rule: Rule | None, operation: str | None) -> None:
        names, matcher = self._request.names, self._matcher
        field = names.get(b"soapaction")
        action = action_of(names.get(b"content-type", b""), field)
        if rule is None:
            self._unrouted(operation, action, field)
            return
        if action and matcher.disagrees(rule, action):
            raise RefusedError(400, "action")
        # SOAP 1.2 knows no such field, but a backend may go by it all the same.
        if field is not None and self.soap_version == "1.2":
            action = action_of(b"text/xml", field)
            if action and matcher.disagrees(rule, action):
                raise RefusedError(400, "action")
        self.rule = rule
        if rule.key_header is not None:
            self._key_of(rule.key_header)

    def _unrouted(self, operation: str | None, action: str | None, field: bytes | None) -> None:
        """Let legacy have a call that no rule takes, unless its action says that it is one of those that rules take."""
        for said in (action, None if field is None else action_of(b"text/xml", field)):
            if said and self._matcher.strays(operation, said):
                raise RefusedError(400, "action")

    def _found(self, rule: Rule, parameters: Mapping[str, str]) -> None:
        self.rule = rule
        if rule.key_header is not None:
            self._key_of(rule.key_header)
        elif rule.route.key is not None and rule.route.key.path is not None:
            # Servers differ on whether what follows a semicolon belongs to the segment: then it is no key.
            value = parameters[rule.route.key.path]
            self.keys = [_UNFIT if ";" in value else value]

    def _key_of(self, header: bytes) -> None:
        value = self._request.names.get(header)
        if value is None:
            return
        lines = [field[1] for field in self._request.fields if field[0] == header]
        try:
            self.keys = list(dict.fromkeys(line.decode() for line in lines)) if len(lines) > 1 else [value.decode()]
        except UnicodeDecodeError:
            self.keys = [_UNFIT]
