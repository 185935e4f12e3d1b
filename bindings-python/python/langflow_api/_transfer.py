"""Files on their way to a server, and answers on their way to a file."""

from __future__ import annotations

import os

from . import _native
from ._bridge import encode
from ._json import dumps, loads
from ._progress import told
from ._resource import AsyncCalls, Calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, Optional, TypeVar, Union

    from typing_extensions import ParamSpec

    from ._files import Pieces, Upload
    from ._models import Shape
    from ._pages import _Query
    from ._progress import Far
    from ._resource import _Reply

    P = ParamSpec("P")
    T = TypeVar("T")

    Progress = Union[bool, Callable[[int, Optional[int]], object]]
    """``True`` for a bar (by tqdm or rich if installed, else none), or a function that is called
    with the number of bytes done and of all; the latter is ``None`` where the server does not say
    it. Where a request is sent again the count begins again."""


class SavedFile:
    """An answer that was written to a file."""

    __slots__ = ("attempts", "elapsed", "headers", "path", "request_id", "size", "status")

    path: str
    """Where it is."""
    size: int
    """Its bytes."""
    status: int
    """The HTTP status of the answer."""
    headers: dict[str, str]
    """The headers of the answer, by names in lower case."""
    request_id: str | None
    """Id of the request; name it when you ask for support."""
    attempts: int
    """How many requests were sent."""
    elapsed: float
    """Seconds that the call took, retries included."""

    def __init__(self, end: dict[str, Any]) -> None:
        self.path = end["path"]
        self.size = end["size"]
        reply = end["head"]
        self.status = reply["status"]
        self.headers = reply["headers"]
        self.request_id = reply.get("request_id")
        self.attempts = reply["attempts"]
        self.elapsed = reply["elapsed"]

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"SavedFile(path={self.path!r}, size={self.size})"


def _read(batch: str | None, far: Far) -> tuple[dict[str, Any] | None, bool]:
    """Tells how far a transfer is: its end, if that has come, and whether it wants a piece."""
    wants = False
    for event in loads(batch or "[]"):
        if event["type"] == "end":
            return event, False
        wants = wants or event["type"] == "want"
        done = event["sent"] if "sent" in event else event["received"]
        far(done, event.get("total"))
    return None, wants


def follow(way: Way, progress: object, what: str) -> dict[str, Any]:
    """Waits for the end of a transfer, and hands over the pieces that it asks for."""
    with told(progress, None, what, "B") as far:
        try:
            while True:
                end, wants = _read(way.source.next_batch(), far)
                if end is not None:
                    return end
                if wants and way.pieces is not None:
                    way.hand_over(way.pieces.next())
        finally:
            way.source.close()


async def follow_async(way: Way, progress: object, what: str) -> dict[str, Any]:
    """As :func:`follow`, for coroutines."""
    import asyncio

    batch: asyncio.Future[str | None] | None = None
    piece: asyncio.Future[bytes | None] | None = None
    with told(progress, None, what, "B") as far:
        try:
            while True:
                # Both at once: a source that gives nothing must not hide that the call is over.
                batch = batch or asyncio.ensure_future(way.source.next_batch_async())
                both = [one for one in (batch, piece) if one is not None]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if batch.done():
                    end, wants = _read(batch.result(), far)
                    batch = None
                    if end is not None:
                        return end
                    if wants and way.pieces is not None and piece is None:
                        piece = asyncio.ensure_future(way.pieces.next_async())
                if piece is not None and piece.done():
                    ready, piece = piece.result(), None
                    way.hand_over(ready)
        finally:
            for left in (batch, piece):
                if left is not None:
                    left.cancel()
            way.source.close()


class Way:
    """A transfer that has begun."""

    __slots__ = ("_feed", "pieces", "source")

    def __init__(
        self,
        source: _native.EventStream,
        pieces: Pieces | None = None,
        feed: _native.Feed | None = None,
    ) -> None:
        self.source = source
        self.pieces = pieces
        self._feed = feed

    def hand_over(self, piece: bytes | None) -> None:
        """The piece that was asked for; ``None`` if there is no more."""
        assert self._feed is not None
        if piece is None:
            self._feed.finish()
        else:
            self._feed.push(piece)


def begin(engine: _native.Engine, message: str, upload: Upload) -> Way:
    """Begins to send a file."""
    source = encode(upload.source).decode()
    if upload.pieces is None:
        return Way(engine.upload(message, source, upload.data))
    feed, events = engine.upload_stream(message, source)
    return Way(events, upload.pieces, feed)


def reply_of(end: dict[str, Any]) -> _Reply:
    """The answer to a file, as the answer of any call."""
    return dumps(end["head"]).decode(), end["text"].encode()


class SavingCalls(Calls):
    """Calls operations and writes their answers to a file."""

    __slots__ = ("_path", "_progress")

    _path: str
    _progress: object

    def _reply(self, message: str, data: bytes) -> tuple[str, Any]:
        source = self._client._engine.download(message, data, self._path)
        end = follow(Way(source), self._progress, os.path.basename(self._path))
        return dumps(end["head"]).decode(), end

    def _made(self, reply: tuple[str, Any], shapes: Mapping[int, Shape] | None) -> Any:
        return SavedFile(reply[1])

    def send(self, *_: Any, **__: Any) -> Any:
        raise _native.invalid_input("path", "A call that sends a file cannot save its answer.")

    def page(self, query: _Query) -> Any:
        return self.call(query.operation, query.args, query.options, {})


class SavingAsyncCalls(AsyncCalls):
    """Calls operations from a coroutine and writes their answers to a file."""

    __slots__ = ("_path", "_progress")

    _path: str
    _progress: object

    async def _reply(self, message: str, data: bytes) -> tuple[str, Any]:
        engine, message = await self._client._ready("download", message)
        source = engine.download(message, data, self._path)
        end = await follow_async(Way(source), self._progress, os.path.basename(self._path))
        return dumps(end["head"]).decode(), end

    def _made(self, reply: tuple[str, Any], shapes: Mapping[int, Shape] | None) -> Any:
        return SavedFile(reply[1])

    async def send(self, *_: Any, **__: Any) -> Any:
        raise _native.invalid_input("path", "A call that sends a file cannot save its answer.")

    def pager(self, query: _Query) -> Any:
        return self.call(query.operation, query.args, query.options, {})


if TYPE_CHECKING:

    def saving(method: Callable[P, T]) -> Callable[P, SavedFile]:
        """The signature of a method whose answer is written to a file."""
        raise NotImplementedError

    def saving_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[SavedFile]]:
        """The signature of a coroutine whose answer is written to a file."""
        raise NotImplementedError
