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

    def _fields(self, input_value: str, tweaks: Tweaks | None) -> dict[str, object]:
        merged: dict[str, Mapping[str, Any]] = dict(self.tweaks or {})
        for component, values in (tweaks or {}).items():
            merged[component] = {**merged.get(component, {}), **values}
        return run_fields(self.flow_id, input_value, merged or None, self.session_id)

    def _learn(self, result: RunResult) -> None:
        # The answer's id, also where the old session had expired: the next run goes on with it.
        self.session_id = result.session_id or self.session_id
        self.status = result.session_status

    def _arguments(self) -> str:
        if self.session_id is None:
            from . import _native

            message = "The session has no id before its first run has answered."
            raise _native.invalid_input("session_id", message)
        fields: dict[str, object] = {"flow_id": self.flow_id, "session_id": self.session_id}
        return encode(given(fields)).decode()

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}(flow_id={self.flow_id!r}, session_id={self.session_id!r})"


def messages_of(answered: str) -> list[models.Message]:
    from ._generated.models import Message

    return [Message(message) for message in loads(answered)]


def info_of(answered: str) -> models.Session | None:
    from ._generated.models import Session as Known

    known = loads(answered).get("info")
    return None if known is None else Known(known.get("raw") or known)
