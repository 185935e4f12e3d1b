"""A run that is followed while it happens."""

from __future__ import annotations

from ._json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType
    from typing import Any

    from . import _native
    from ._events import Event
    from ._result import RunResult


class _Buffer:
    """Events that the engine has handed over and the reader has not taken yet."""

    __slots__ = ("_event", "_events", "_position", "over", "result")

    def __init__(self) -> None:
        from ._events import event

        self._event = event
        self._events: list[dict[str, Any]] = []
        self._position = 0
        self.result: RunResult | None = None
        self.over = False

    def fill(self, batch: str | None) -> None:
        if batch is None:
            self.over = True
            return
        self._events = loads(batch)
        self._position = 0

    def take(self) -> Event | None:
        if self._position >= len(self._events):
            return None
        made = self._event(self._events[self._position])
        self._position += 1
        if made.type == "end":
            self.result = made.result
        return made

    def drop(self) -> None:
        self._events = []
        self._position = 0
        self.over = True


def _missing() -> Exception:
    from ._generated.errors import StreamInterrupted

    return StreamInterrupted("The stream was closed before its result had arrived.")


class Stream:
    """The events of a run, in order; iterate over it, once.

    Leaving a ``with`` block, :meth:`close` and dropping the last reference all end the request
    and close its connection.
    """

    def __init__(self, source: _native.EventStream) -> None:
        self._source = source
        self._buffer = _Buffer()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        buffer = self._buffer
        while True:
            taken = buffer.take()
            if taken is not None:
                return taken
            if buffer.over:
                raise StopIteration
            try:
                batch = self._source.next_batch()
            except BaseException:
                self.close()
                raise
            buffer.fill(batch)

    @property
    def text_stream(self) -> Iterator[str]:
        """The text alone, piece by piece."""
        return (piece.text for piece in self if piece.type == "token")

    def get_final_result(self) -> RunResult:
        """Reads on to the end and returns the result of the run."""
        for _ in self:
            pass
        if self._buffer.result is None:
            raise _missing()
        return self._buffer.result

    def close(self) -> None:
        """Ends the request. May be called at any time, from any thread, more than once."""
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

    def __init__(self, opener: Callable[[], Awaitable[_native.EventStream]]) -> None:
        self._opener = opener
        self._source: _native.EventStream | None = None
        self._buffer = _Buffer()

    async def _open(self) -> _native.EventStream:
        if self._source is None:
            self._source = await self._opener()
        return self._source

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        buffer = self._buffer
        while True:
            taken = buffer.take()
            if taken is not None:
                return taken
            if buffer.over:
                raise StopAsyncIteration
            try:
                source = await self._open()
                batch = await source.next_batch_async()
            except BaseException:
                # Cancelled too: whoever stops waiting for a stream has left it.
                self.close()
                raise
            buffer.fill(batch)

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The text alone, piece by piece."""
        return (piece.text async for piece in self if piece.type == "token")

    async def get_final_result(self) -> RunResult:
        """Reads on to the end and returns the result of the run."""
        async for _ in self:
            pass
        if self._buffer.result is None:
            raise _missing()
        return self._buffer.result

    def close(self) -> None:
        """Ends the request without waiting for anything."""
        self._buffer.drop()
        if self._source is not None:
            self._source.close()

    async def aclose(self) -> None:
        """Ends the request."""
        self.close()

    async def __aenter__(self) -> AsyncStream:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
