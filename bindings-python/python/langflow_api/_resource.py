"""How a resource reaches the engine; the resources themselves are generated."""

from __future__ import annotations

from os import fspath

from ._bridge import answer, head, payload
from ._given import NOT_GIVEN
from ._pages import AsyncPage, AsyncPager, Page, _Query
from ._stream import AsyncStream, Stream
from ._watch import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from os import PathLike
    from typing import Any, ClassVar

    from ._async_client import AsyncClient
    from ._generated.client import Client
    from ._models import Shape
    from ._stream import Opening

    # The head as JSON, and the body; where that went to a file, what the engine says of it.
    _Reply = tuple[str, Any]


class Calls:
    """Calls operations and waits."""

    __slots__ = ("_client", "_home")

    def __init__(self, client: Client, home: str = "models") -> None:
        self._client = client
        self._home = home

    def call(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shapes: Mapping[int, Shape] | None,
        body: object = NOT_GIVEN,
        extra: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        filename: str | None = None,
    ) -> Any:
        """The answer of an operation."""
        client = self._client
        with watch(client, operation, client._options(options), args.get("flow_id")) as seen:
            message = head(operation, args, seen.options, content_type, filename)
            reply = self._reply(message, payload(body, extra))
            seen.replied(reply[0])
        return self._made(reply, shapes)

    def _reply(self, message: str, data: bytes) -> _Reply:
        reply: _Reply = self._client._engine.call(message, data)
        return reply

    def send(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shapes: Mapping[int, Shape] | None,
        body: object,
        content_type: str | None = None,
        filename: str | None = None,
        progress: object = False,
    ) -> Any:
        """The answer of an operation that may take a file."""
        from ._files import Upload

        if not isinstance(body, Upload):
            return self.call(operation, args, options, shapes, body, None, content_type, filename)
        from ._transfer import begin, follow, reply_of

        client = self._client
        with watch(client, operation, client._options(options), args.get("flow_id")) as seen:
            way = begin(client._engine, head(operation, args, seen.options), body)
            reply = reply_of(follow(way, progress, "upload"))
            seen.replied(reply[0])
        return self._made(reply, shapes)

    def _made(self, reply: _Reply, shapes: Mapping[int, Shape] | None) -> Any:
        # `None` where there is nothing to return.
        return None if shapes is None else answer(*reply, shapes, self._home)

    def page(self, query: _Query) -> Page[Any]:
        """One page of a list."""
        data = self.call(query.operation, query.args, query.options, {200: query.shape})
        return Page(self, query, data)

    def open(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        body: object = NOT_GIVEN,
        extra: Mapping[str, Any] | None = None,
    ) -> Stream:
        """The events of an operation."""
        client = self._client
        with watch(client, operation, client._options(options), args.get("flow_id")) as seen:
            message = head(operation, args, seen.options)
            source = client._engine.open_call(message, payload(body, extra))
            seen.goes_on()
        return Stream(source, seen)


class AsyncCalls:
    """Calls operations from a coroutine."""

    __slots__ = ("_client", "_home")

    def __init__(self, client: AsyncClient, home: str = "models") -> None:
        self._client = client
        self._home = home

    async def call(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shapes: Mapping[int, Shape] | None,
        body: object = NOT_GIVEN,
        extra: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        filename: str | None = None,
    ) -> Any:
        """The answer of an operation."""
        client = self._client
        with watch(client, operation, client._options(options), args.get("flow_id")) as seen:
            message = head(operation, args, seen.options, content_type, filename)
            reply = await self._reply(message, payload(body, extra))
            seen.replied(reply[0])
        return self._made(reply, shapes)

    def _reply(self, message: str, data: bytes) -> Awaitable[_Reply]:
        reply: Awaitable[_Reply] = self._client._engine.call_async(message, data)
        return reply

    async def send(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shapes: Mapping[int, Shape] | None,
        body: object,
        content_type: str | None = None,
        filename: str | None = None,
        progress: object = False,
    ) -> Any:
        """The answer of an operation that may take a file."""
        from ._files import Upload

        if not isinstance(body, Upload):
            return await self.call(
                operation, args, options, shapes, body, None, content_type, filename
            )
        from ._transfer import begin, follow_async, reply_of

        client = self._client
        with watch(client, operation, client._options(options), args.get("flow_id")) as seen:
            message = head(operation, args, seen.options)
            way = begin(*await client._ready("upload", message), body)
            reply = reply_of(await follow_async(way, progress, "upload"))
            seen.replied(reply[0])
        return self._made(reply, shapes)

    def _made(self, reply: _Reply, shapes: Mapping[int, Shape] | None) -> Any:
        # `None` where there is nothing to return.
        return None if shapes is None else answer(*reply, shapes, self._home)

    async def page(self, query: _Query) -> AsyncPage[Any]:
        """One page of a list."""
        data = await self.call(query.operation, query.args, query.options, {200: query.shape})
        return AsyncPage(self, query, data)

    def pager(self, query: _Query) -> Any:
        """A list that was not asked for yet."""
        return AsyncPager(self, query)

    def open(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        body: object = NOT_GIVEN,
        extra: Mapping[str, Any] | None = None,
    ) -> AsyncStream:
        """The events of an operation."""
        client = self._client
        data = payload(body, extra)

        def begin() -> Opening:
            seen = watch(client, operation, client._options(options), args.get("flow_id"))
            message = head(operation, args, seen.options)
            return seen, client._engine.open_call_async(message, data)

        return AsyncStream(begin)


class Resource:
    """Base of the generated resources."""

    __slots__ = ("_calls",)

    # The generated module of its models.
    _home: ClassVar[str] = "models"

    def __init__(self, client: Client) -> None:
        self._calls = Calls(client, self._home)

    def _raw(self) -> Any:
        from ._raw import RawCalls

        twin = object.__new__(type(self))
        twin._calls = RawCalls(self._calls._client, self._home)
        return twin

    def _saving(self, path: str | PathLike[str], progress: object) -> Any:
        from ._transfer import SavingCalls

        calls = SavingCalls(self._calls._client, self._home)
        calls._path, calls._progress = fspath(path), progress
        twin = object.__new__(type(self))
        twin._calls = calls
        return twin

    def _list(
        self, operation: str, args: dict[str, object], options: dict[str, object], shape: str
    ) -> Page[Any]:
        return self._calls.page(_Query(operation, args, options, shape))


class AsyncResource:
    """Base of the generated resources for asyncio."""

    __slots__ = ("_calls",)

    # The generated module of its models.
    _home: ClassVar[str] = "models"

    def __init__(self, client: AsyncClient) -> None:
        self._calls = AsyncCalls(client, self._home)

    def _raw(self) -> Any:
        from ._raw import RawAsyncCalls

        twin = object.__new__(type(self))
        twin._calls = RawAsyncCalls(self._calls._client, self._home)
        return twin

    def _saving(self, path: str | PathLike[str], progress: object) -> Any:
        from ._transfer import SavingAsyncCalls

        calls = SavingAsyncCalls(self._calls._client, self._home)
        calls._path, calls._progress = fspath(path), progress
        twin = object.__new__(type(self))
        twin._calls = calls
        return twin

    def _list(
        self, operation: str, args: dict[str, object], options: dict[str, object], shape: str
    ) -> AsyncPager[Any]:
        pager: AsyncPager[Any] = self._calls.pager(_Query(operation, args, options, shape))
        return pager
