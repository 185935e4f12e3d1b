"""A conversation with a flow."""

from __future__ import annotations

from ._base import run_fields, run_options
from ._bridge import encode
from ._given import NOT_GIVEN, NotGiven, given
from ._json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._async_client import AsyncClient
    from ._client import Client
    from ._generated import models
    from ._result import RunResult
    from ._stream import AsyncStream, Stream

    Tweaks = Mapping[str, Mapping[str, Any]]


class _Conversation:
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


class Session(_Conversation):
    """A conversation: each run sends the id that the one before it answered with."""

    def __init__(
        self,
        client: Client,
        flow_id: str | NotGiven,
        session_id: str | None,
        tweaks: Tweaks | None,
    ) -> None:
        super().__init__(flow_id, session_id, tweaks)
        self._client = client

    def run(
        self,
        input_value: str,
        *,
        tweaks: Tweaks | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> RunResult:
        """Says something and waits for the answer.

        Args:
            input_value: What the user says.
            tweaks: Settings for this run, over those of the session.
            timeout: Seconds that the call may take; ``None`` for no limit.
            max_retries: How often to try again where it is safe.
            headers: Sent with this request.

        Raises:
            LangflowError: as for :meth:`Client.run_flow`; with ``strict_sessions`` also
                ``SessionExpired``.
        """
        fields = self._fields(input_value, tweaks)
        fields.update(run_options(timeout, max_retries, headers, NOT_GIVEN))
        made: RunResult = self._client.run_flow(**fields)  # type: ignore[call-overload]
        self._learn(made)
        return made

    def stream(
        self,
        input_value: str,
        *,
        tweaks: Tweaks | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> Stream:
        """Says something and hands over the events; arguments and errors as for :meth:`run`.

        The session learns its id with the ``end`` event.
        """
        options = run_options(timeout, max_retries, headers, NOT_GIVEN)
        return self._client._stream(self._fields(input_value, tweaks), options, self._learn)

    def messages(self) -> list[models.Message]:
        """What was said, the oldest first; nothing where the server no longer knows the session.

        Raises:
            InvalidInput: the session has no id yet.
            LangflowError: as every call.
        """
        answered = self._client._engine.invoke("session.messages", self._arguments())
        return _messages(answered)

    def info(self) -> models.Session | None:
        """When it began, was last used, and expires; ``None`` where the server no longer knows it.

        Errors as for :meth:`messages`.
        """
        return _info(self._client._engine.invoke("session.get", self._arguments()))

    def clear(self) -> bool:
        """Has the server forget what was said; false where there was nothing to forget.

        Errors as for :meth:`messages`.
        """
        answered = loads(self._client._engine.invoke("session.clear", self._arguments()))
        return bool(answered["cleared"])


class AsyncSession(_Conversation):
    """A conversation for coroutines; see :class:`Session`."""

    def __init__(
        self,
        client: AsyncClient,
        flow_id: str | NotGiven,
        session_id: str | None,
        tweaks: Tweaks | None,
    ) -> None:
        super().__init__(flow_id, session_id, tweaks)
        self._client = client

    async def run(
        self,
        input_value: str,
        *,
        tweaks: Tweaks | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> RunResult:
        """Says something and waits for the answer; see :meth:`Session.run`."""
        fields = self._fields(input_value, tweaks)
        fields.update(run_options(timeout, max_retries, headers, NOT_GIVEN))
        made: RunResult = await self._client.run_flow(**fields)  # type: ignore[call-overload]
        self._learn(made)
        return made

    def stream(
        self,
        input_value: str,
        *,
        tweaks: Tweaks | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> AsyncStream:
        """Says something and hands over the events; see :meth:`Session.stream`."""
        options = run_options(timeout, max_retries, headers, NOT_GIVEN)
        return self._client._stream(self._fields(input_value, tweaks), options, self._learn)

    async def messages(self) -> list[models.Message]:
        """What was said, the oldest first; see :meth:`Session.messages`."""
        engine = self._client._engine
        return _messages(await engine.invoke_async("session.messages", self._arguments()))

    async def info(self) -> models.Session | None:
        """When the session began, was last used, and expires; see :meth:`Session.info`."""
        return _info(await self._client._engine.invoke_async("session.get", self._arguments()))

    async def clear(self) -> bool:
        """Has the server forget what was said; see :meth:`Session.clear`."""
        engine = self._client._engine
        answered = loads(await engine.invoke_async("session.clear", self._arguments()))
        return bool(answered["cleared"])


def _messages(answered: str) -> list[models.Message]:
    from ._generated.models import Message

    return [Message(message) for message in loads(answered)]


def _info(answered: str) -> models.Session | None:
    from ._generated.models import Session as Known

    known = loads(answered).get("info")
    return None if known is None else Known(known.get("raw") or known)
