"""How a resource reaches the engine; the resources themselves are generated."""

from __future__ import annotations

from ._bridge import answer, head, payload
from ._given import NOT_GIVEN
from ._pages import AsyncPage, AsyncPager, Page, _Query
from ._stream import AsyncStream, Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._client import AsyncClient, Client
    from ._models import Shape


class Calls:
    """Calls operations and waits."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shapes: Mapping[int, Shape],
        body: object = NOT_GIVEN,
        extra: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> Any:
        """The answer of an operation."""
        client = self._client
        message = head(operation, args, client._options(options), content_type)
        return answer(*client._engine.call(message, payload(body, extra)), shapes)

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
        message = head(operation, args, client._options(options))
        return Stream(client._engine.open_call(message, payload(body, extra)))


class AsyncCalls:
    """Calls operations from a coroutine."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def call(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shapes: Mapping[int, Shape],
        body: object = NOT_GIVEN,
        extra: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> Any:
        """The answer of an operation."""
        client = self._client
        message = head(operation, args, client._options(options), content_type)
        reply = await client._engine.call_async(message, payload(body, extra))
        return answer(*reply, shapes)

    async def page(self, query: _Query) -> AsyncPage[Any]:
        """One page of a list."""
        data = await self.call(query.operation, query.args, query.options, {200: query.shape})
        return AsyncPage(self, query, data)

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
        message = head(operation, args, client._options(options))
        data = payload(body, extra)
        return AsyncStream(lambda: client._engine.open_call_async(message, data))


class Resource:
    """Base of the generated resources."""

    __slots__ = ("_calls",)

    def __init__(self, client: Client) -> None:
        self._calls = Calls(client)

    def _list(
        self, operation: str, args: dict[str, object], options: dict[str, object], shape: str
    ) -> Page[Any]:
        return self._calls.page(_Query(operation, args, options, shape))


class AsyncResource:
    """Base of the generated resources for asyncio."""

    __slots__ = ("_calls",)

    def __init__(self, client: AsyncClient) -> None:
        self._calls = AsyncCalls(client)

    def _list(
        self, operation: str, args: dict[str, object], options: dict[str, object], shape: str
    ) -> AsyncPager[Any]:
        return AsyncPager(self._calls, _Query(operation, args, options, shape))
