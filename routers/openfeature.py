"""An OpenFeature provider: code that asks for flags gets the side that answers, decided as on every other channel.

A flag is a route, `capability/route`; the targeting key is the key. As text it is `legacy` or `modern`, as a boolean
whether the modern side answers, as an object all that was decided. Reasons are OpenFeature's; ours, with stage, bucket
and ruleset version, are in the flag's metadata.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs] - typed, but by a marker above
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.flag_evaluation import Reason as FlagReason
from openfeature.provider import AbstractProvider, Metadata  # pyright: ignore[reportMissingTypeStubs] - typed, but by a marker above

from contracts.errors import ConfigError
from routers.decision import Decision, Reason
from routers.stage import Side

__all__ = ["Decides", "Provider"]

_T = TypeVar("_T")
_REASONS: Final[Mapping[Reason, FlagReason]] = {
    Reason.SHARE: FlagReason.SPLIT,
    Reason.HELD: FlagReason.STATIC,
    Reason.MISSING_KEY: FlagReason.DEFAULT,
    Reason.UNFIT_KEY: FlagReason.DEFAULT,
    Reason.SEVERAL_KEYS: FlagReason.DEFAULT,
    Reason.NO_ROUTE: FlagReason.DEFAULT,
}


class Decides(Protocol):
    """What decides, as `hub.decisions.Decisions` does."""

    def decide(self, route: str, *keys: str | None) -> Decision:
        """Decide one call; raises ConfigError where the rules have no such route."""
        ...

    def watch(self, changed: Callable[[], None]) -> None:
        """Have this called after each change of the rules."""
        ...


class Provider(AbstractProvider):
    """Answers OpenFeature's questions by the rules in force.

        openfeature.api.set_provider(Provider(decisions))
        client.get_string_value("address-changes/change", "legacy", EvaluationContext(targeting_key="12345"))

    A call that the capability rejects for its key is an error, so the caller gets its own default: give `legacy`
    there, which is where such a call is safe.
    """

    def __init__(self, decisions: Decides) -> None:
        super().__init__()
        self._decisions = decisions
        decisions.watch(self._changed)

    def get_metadata(self) -> Metadata:
        """Return its name."""
        return Metadata(name="banyan")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return the side that answers."""
        return self._resolved(flag_key, default_value, evaluation_context, value=lambda decision: str(decision.side))

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - the interface's
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Return whether the modern side answers."""
        return self._resolved(
            flag_key, default_value, evaluation_context, value=lambda decision: decision.side is Side.MODERN
        )

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[Any] | Mapping[str, Any],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[Any] | Mapping[str, Any]]:
        """Return all that was decided: `side`, `also`, `stage`, `bucket`, `reason`, `version`."""
        return self._resolved(flag_key, default_value, evaluation_context, value=_everything)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,  # noqa: ARG002 - the interface's
    ) -> FlagResolutionDetails[int]:
        """Refuse: a route is no number."""
        return _mistyped(flag_key, default_value)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,  # noqa: ARG002 - the interface's
    ) -> FlagResolutionDetails[float]:
        """Refuse: a route is no number."""
        return _mistyped(flag_key, default_value)

    def _resolved(
        self, route: str, default: _T, context: EvaluationContext | None, *, value: Callable[[Decision], _T]
    ) -> FlagResolutionDetails[_T]:
        try:
            decision = self._decisions.decide(route, None if context is None else context.targeting_key)
        except ConfigError as error:
            return _refused(default, ErrorCode.FLAG_NOT_FOUND, str(error))
        if decision.side is None:
            missing = decision.reason is Reason.MISSING_KEY
            code = ErrorCode.TARGETING_KEY_MISSING if missing else ErrorCode.INVALID_CONTEXT
            return _refused(default, code, f"{route}: its capability rejects a call with this key: {decision.reason}")
        told = {name: each for name, each in _everything(decision).items() if name != "side" and each is not None}
        return FlagResolutionDetails(
            value=value(decision), variant=str(decision.side), reason=_REASONS[decision.reason], flag_metadata=told
        )

    def _changed(self) -> None:
        if hasattr(self, "_on_emit"):  # not before it is attached
            self.emit_provider_configuration_changed(ProviderEventDetails(message="another ruleset is in force"))


def _everything(decision: Decision) -> dict[str, Any]:
    return {name: str(each) if isinstance(each, str) else each for name, each in decision._asdict().items()}


def _refused(default: _T, code: ErrorCode, said: str) -> FlagResolutionDetails[_T]:
    return FlagResolutionDetails(value=default, reason=FlagReason.ERROR, error_code=code, error_message=said)


def _mistyped(route: str, default: _T) -> FlagResolutionDetails[_T]:
    return _refused(default, ErrorCode.TYPE_MISMATCH, f"{route}: a route is text, boolean or object, and no number")
