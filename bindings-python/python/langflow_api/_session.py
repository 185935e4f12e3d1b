"""A conversation with a flow."""

from __future__ import annotations

from ._base import run_fields
from ._bridge import encode
from ._given import given
from ._json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._generated import models
    from ._given import NotGiven
    from ._result import RunResult

    Tweaks = Mapping[str, Mapping[str, Any]]


class Conversation:
    """What both kinds of session know."""

    flow_id: str | NotGiven
    """The flow."""
    session_id: str | None
    """Id of the conversation; ``None`` before the first run has answered."""
    status: str | None
    """``new``, ``continued`` or ``expired``: what the server said of the last run."""
    tweaks: Tweaks | None
    """Settings of components for every run."""

    def __init__(
        self, flow_id: str | NotGiven, session_id: str | None, tweaks: Tweaks | None
    ) -> None:
        self.flow_id = flow_id
        self.session_id = session_id
        self.status = None
        self.tweaks = tweaks

    def __getstate__(self) -> dict[str, Any]:
        # A run that is under way here is none where the session arrives.
        return {name: value for name, value in vars(self).items() if name != "_opening"}

    def _fields(self, input_value: str, tweaks: Tweaks | None) -> dict[str, object]:
        return run_fields(self.flow_id, input_value, self._tweaks(tweaks), self.session_id)

    def _tweaks(self, more: Tweaks | None) -> Tweaks | None:
        if not self.tweaks or not more:
            return more or self.tweaks or None
        try:
            merged = dict(self.tweaks)
            for component, values in more.items():
                merged[component] = {**merged.get(component, {}), **values}
        except (AttributeError, TypeError):
            # What is wrong with them is the engine's to say.
            return more
        return merged

    def _learn(self, result: RunResult) -> None:
        # The answer's id, also where the old session had expired: the next run goes on with it.
        self.session_id = result.session_id or self.session_id
        self.status = result.session_status

    def _arguments(self) -> str:
        fields: dict[str, object] = {"flow_id": self.flow_id, "session_id": self.session_id}
        return encode(given(fields)).decode()

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}(flow_id={self.flow_id!r}, session_id={self.session_id!r})"


def messages_of(answered: str) -> list[models.Message]:
    from ._generated.models import Message

    return [Message(_object(message)) for message in loads(answered)]


def info_of(answered: str) -> models.Session | None:
    from ._generated.models import Session as Known

    known = loads(answered).get("info")
    return None if known is None else Known(_object(known.get("raw") or known))


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        from ._generated.errors import InvalidResponse

        raise InvalidResponse(f"The server answered {value!r:.40} where an object was expected.")
    return value
