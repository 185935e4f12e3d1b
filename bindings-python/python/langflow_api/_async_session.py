"""A conversation with a flow."""

from __future__ import annotations

from ._base import run_options
from ._given import NOT_GIVEN, NotGiven
from ._json import loads
from ._session import Conversation, info_of, messages_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    # only async
    from asyncio import Event

    # only sync
    # from threading import Event
    # both
    from collections.abc import Mapping

    from ._async_client import AsyncClient
    from ._generated import models
    from ._result import RunResult
    from ._session import Tweaks
    from ._stream import AsyncStream


class AsyncSession(Conversation):
    # only async
    """A conversation for coroutines; all but :meth:`stream` is awaited."""

    # only sync
    # """A conversation: each run sends the id that the one before it answered with."""
    # both

    _opening: Event
    """Set when the run that opens the session is over; there while it is under way."""

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
        """Says something and waits for the answer.

        Of runs that begin together the first opens the session, and the others wait for it.

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
        opens = await self._turn() if self.session_id is None else None
        try:
            made = await self._client.run_flow(
                self.flow_id,
                input_value,
                tweaks=self._tweaks(tweaks),
                session_id=self.session_id,
                timeout=timeout,
                max_retries=max_retries,
                headers=headers,
            )
            self._learn(made)
        finally:
            if opens is not None:
                del self._opening
                opens.set()
        return made

    async def _turn(self) -> Event | None:
        """Waits for the run that opens the session, so that all are one conversation; says if this
        is that run."""
        # only async
        from asyncio import Event

        # only sync
        # from threading import Event
        # both
        mine = Event()
        while self.session_id is None:
            # In one step, so that of two runs one is the first.
            first: Event = self.__dict__.setdefault("_opening", mine)
            if first is mine:
                return mine
            await first.wait()
        return None

    def stream(
        self,
        input_value: str,
        *,
        tweaks: Tweaks | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> AsyncStream:
        """Says something and hands over the events; arguments and errors as for :meth:`run`.

        The session learns its id with the ``end`` event.
        """
        options = run_options(timeout, max_retries, headers, NOT_GIVEN)
        return self._client._stream(self._fields(input_value, tweaks), options, self._learn)

    async def messages(self) -> list[models.Message]:
        """What was said, the oldest first; nothing where the server does not know the session, as
        before its first run.

        Raises:
            LangflowError: as every call.
        """
        if self.session_id is None:
            return []
        answered = await self._client._engine.invoke_async("session.messages", self._arguments())
        return messages_of(answered)

    async def info(self) -> models.Session | None:
        """When it began, was last used, and expires; ``None`` where the server does not know it.

        Errors as for :meth:`messages`.
        """
        if self.session_id is None:
            return None
        return info_of(await self._client._engine.invoke_async("session.get", self._arguments()))

    async def clear(self) -> bool:
        """Has the server forget what was said; false where there was nothing to forget.

        Errors as for :meth:`messages`.
        """
        if self.session_id is None:
            return False
        engine = self._client._engine
        answered = loads(await engine.invoke_async("session.clear", self._arguments()))
        return bool(answered["cleared"])
