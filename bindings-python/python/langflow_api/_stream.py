"""A run that is followed while it happens."""

from __future__ import annotations

from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType
    from typing import Any

    from . import _native
    from ._events import End, Event
    from ._result import RunResult
    from ._watch import Watch

    # A request that is on its way, and who watches it.
    Opening = tuple[Watch, Awaitable[_native.EventStream]]


# Iterators of the language's own: they are quick, and say how much is left.
_NONE: Any = iter(())


class _Buffer:
    """Events that the engine has handed over and the reader has not taken yet."""

    __slots__ = (
        "_batch",
        "_end",
        "_events",
        "_on_result",
        "_said",
        "complete",
        "failure",
        "over",
        "ready",
        "result",
        "seen",
    )

    def __init__(self, on_result: Callable[[RunResult], None] | None = None) -> None:
        from ._events import events

        self._events = events
        self._on_result = on_result
        self.seen: Watch | None = None
        self._batch: list[Event] = []
        self._end: End | None = None
        self._said: list[str] = []
        self.ready: Iterator[Event] = _NONE
        """The events of the batch that come before its end: most of them are taken from here."""
        self.result: RunResult | None = None
        self.over = False
        self.complete = False
        """Whether all was read; the events of a build or a webhook end so, without a result."""
        self.failure: Exception | None = None
        """What ended the stream before its result."""

    def fill(self, batch: list[Any] | None) -> None:
        if self.over:
            return
        if batch is None:
            self.complete = True
            self.drop()
            return
        self._keep()
        made = self._events(batch)
        last = made[-1]
        if last.type == "end":
            self._end = last
            made.pop()
        self._batch = made
        self.ready = iter(made)

    def take(self) -> End | None:
        """The end, when all before it were taken."""
        made = self._end
        if made is None:
            return None
        self._end = None
        self.result = made.result
        if self.result.skipped_events:
            import logging

            logging.getLogger("langflow_api").warning(
                "%d malformed events of a stream were passed over", self.result.skipped_events
            )
        if self._on_result is not None:
            self._on_result(self.result)
        if self.seen is not None:
            self.seen.finished(self.result)
            self.seen.ended()
        return made

    def drop(self, error: BaseException | None = None, sent: bool = True) -> None:
        """Ends the stream.

        Args:
            error: What ended it; somebody who closed it or went away, if nothing did.
            sent: Whether its request may have been sent.
        """
        if self.result is None and self.failure is None and not self.complete:
            closed = "The stream was closed before its result had arrived."
            self.failure = _remembered(error) or self._without_result(closed, sent)
        self._keep()
        self._end = None
        self.over = True
        if self.seen is not None:
            self.seen.ended(error)

    def is_over(self) -> bool:
        """The same as :attr:`over`, for those who waited: somebody may have closed the stream."""
        return self.over

    def check(self) -> None:
        """Raises what ended the stream before its result, each time that it is asked."""
        if self.failure is not None and self.result is None:
            raise _remembered(self.failure) or self.failure

    def final(self) -> RunResult:
        """The result, where all was read."""
        if self.result is None:
            raise self._without_result("These events are not those of a run: they have no result.")
        return self.result

    def _without_result(self, message: str, sent: bool = True) -> Exception:
        from ._generated.errors import StreamInterrupted

        arrived = [made.text for made in self._batch if made.type == "token"]
        partial = "".join(self._said + arrived) if sent else None
        info = {"may_have_executed": sent, "partial_text": partial, "attempts": int(sent)}
        return StreamInterrupted(message, info)

    def _keep(self) -> None:
        """Keeps the text of what was taken of the batch."""
        if self._batch:
            self._said.append("".join(self._texts()))
            self._batch = []
        self.ready = _NONE

    def _texts(self) -> list[str]:
        ready: Any = self.ready
        taken = len(self._batch) - ready.__length_hint__()
        return [made.text for made in self._batch[:taken] if made.type == "token"]

    def text(self) -> str:
        return "".join(self._said + self._texts())

    def __del__(self) -> None:
        # A stream that nobody closed: its reader went away.
        if self.seen is not None:
            self.seen.ended()


def _remembered(error: BaseException | None) -> Exception | None:
    """The error without its traceback, which holds the frames and with them the stream."""
    from ._errors import LangflowError

    if isinstance(error, LangflowError):
        return type(error)(error.message, error.to_dict())
    return error if isinstance(error, Exception) else None


def _gives_up(error: BaseException) -> bool:
    """Whether the task itself was cancelled, or the program is interrupted."""
    import asyncio

    if not isinstance(error, asyncio.CancelledError):
        return True
    task: Any = asyncio.current_task()
    # Before Python 3.11 a task does not say so.
    return task is not None and hasattr(task, "cancelling") and task.cancelling() > 0


class Stream:
    """The events of a run, in order; iterate over it, once.

    Leaving a ``with`` block, :meth:`close` and dropping the last reference all end the request
    and close its connection.
    """

    def __init__(
        self,
        source: _native.EventStream,
        seen: Watch | None = None,
        on_result: Callable[[RunResult], None] | None = None,
    ) -> None:
        self._source = source
        self._buffer = _Buffer(on_result)
        self._buffer.seen = seen
        # Threads that read one stream take turns.
        self._turn = allocate_lock()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        buffer = self._buffer
        for event in buffer.ready:
            return event
        with self._turn:
            while True:
                for event in buffer.ready:
                    return event
                taken = buffer.take()
                if taken is not None:
                    return taken
                if buffer.over:
                    buffer.check()
                    raise StopIteration
                try:
                    batch = self._source.next_events()
                except BaseException as error:
                    buffer.drop(error)
                    self._source.close()
                    raise
                buffer.fill(batch)

    @property
    def text_stream(self) -> Iterator[str]:
        """The text alone, piece by piece."""
        return (piece.text for piece in self if piece.type == "token")

    @property
    def text(self) -> str:
        """The text that was read so far."""
        return self._buffer.text()

    def get_final_result(self) -> RunResult:
        """Reads on to the end and returns the result of the run.

        Raises:
            RunFailed: the flow ran into an error.
            StreamInterrupted: the stream was cut off, or was closed before its result came.
            LangflowError: all else that can go wrong.
        """
        for _ in self:
            pass
        return self._buffer.final()

    def close(self) -> None:
        """Ends the request. May be called at any time, from any thread, more than once.

        Whoever reads the stream elsewhere gets ``StreamInterrupted``: what it has is not all.
        """
        self._buffer.drop()
        self._source.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncStream:
    """The events of a run, in order; iterate over it with ``async for``, once.

    The request starts with the first event that is asked for, or with ``async with``. Leaving
    the block, :meth:`aclose` and dropping the last reference all end the request.
    """

    def __init__(
        self,
        opener: Callable[[], Opening],
        on_result: Callable[[RunResult], None] | None = None,
    ) -> None:
        self._opener = opener
        self._opened: Any = None
        self._source: _native.EventStream | None = None
        self._buffer = _Buffer(on_result)
        self._turn: asyncio.Lock | None = None

    def _turns(self) -> asyncio.Lock:
        """Coroutines that read one stream take turns; it is one run for all of them."""
        if self._turn is None:
            import asyncio

            self._turn = asyncio.Lock()
        return self._turn

    async def _open(self) -> _native.EventStream | None:
        """Sends the request, if nobody has; ``None`` where the stream was closed meanwhile."""
        buffer = self._buffer
        if self._source is None and not buffer.over:
            try:
                seen, self._opened = self._opener()
                with seen:
                    source = await self._opened
                    seen.goes_on()
            except BaseException as error:
                if not buffer.is_over():
                    # Cancelled too: whoever stops waiting for a stream has left it.
                    buffer.drop(error, self._opened is not None)
                    raise
                # The opening was cancelled by `close`, unless this task was as well.
                if isinstance(error, Exception) or not _gives_up(error):
                    return None
                raise
            if buffer.is_over():
                source.close()
                return None
            buffer.seen = seen
            self._source = source
        return self._source

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        buffer = self._buffer
        for event in buffer.ready:
            return event
        async with self._turns():
            while True:
                for event in buffer.ready:
                    return event
                taken = buffer.take()
                if taken is not None:
                    return taken
                source = self._source or await self._open()
                if buffer.over or source is None:
                    buffer.check()
                    raise StopAsyncIteration
                try:
                    batch = await source.next_events_async()
                except BaseException as error:
                    buffer.drop(error)
                    self.close()
                    raise
                buffer.fill(batch)

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The text alone, piece by piece."""
        return (piece.text async for piece in self if piece.type == "token")

    @property
    def text(self) -> str:
        """The text that was read so far."""
        return self._buffer.text()

    async def get_final_result(self) -> RunResult:
        """Reads on to the end and returns the result of the run.

        Raises:
            RunFailed: the flow ran into an error.
            StreamInterrupted: the stream was cut off, or was closed before its result came.
            LangflowError: all else that can go wrong.
        """
        async for _ in self:
            pass
        return self._buffer.final()

    def close(self) -> None:
        """Ends the request without waiting for anything.

        Whoever reads the stream elsewhere gets ``StreamInterrupted``: what it has is not all.
        """
        self._buffer.drop(sent=self._opened is not None)
        if self._source is not None:
            self._source.close()
        elif self._opened is not None:
            self._opened.cancel()

    async def aclose(self) -> None:
        """Ends the request."""
        self.close()

    async def __aenter__(self) -> AsyncStream:
        async with self._turns():
            await self._open()
        self._buffer.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
