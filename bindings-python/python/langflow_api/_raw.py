"""Answers with their status and headers: ``client.flows.with_raw_response.get(...)``."""

from __future__ import annotations

from ._bridge import answer, encode, payload
from ._given import NOT_GIVEN, given
from ._json import loads
from ._pages import AsyncPage, Page, _Generic, _Query
from ._resource import AsyncCalls, Calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, TypeVar

    from typing_extensions import ParamSpec

    from ._resource import _Reply

    P = ParamSpec("P")
    T = TypeVar("T")
else:
    T = None


class Headers(dict[str, str]):
    """Headers by names in lower case; whoever asks for one may write it otherwise."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The header, or the default."""
        return super().get(name.lower(), default)


class RawResponse(_Generic[T]):
    """An answer as it came, and what the method would have returned as :meth:`parse`."""

    status: int
    """The HTTP status."""
    headers: dict[str, str]
    """The headers, by names in lower case; asked for by any spelling."""
    content: bytes
    """The body."""
    request_id: str | None
    """Id of the request; name it when you ask for support."""
    attempts: int
    """How many requests were sent."""
    elapsed: float
    """Seconds that the call took, retries included."""

    def __init__(self, reply: _Reply, made: Callable[[], T]) -> None:
        head = loads(reply[0])
        self.content = reply[1]
        self.status = head["status"]
        self.headers = Headers(head["headers"])
        self.request_id = head.get("request_id")
        self.attempts = head["attempts"]
        self.elapsed = head["elapsed"]
        self._made = made

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as plain data."""
        return loads(self.content)

    def parse(self) -> T:
        """What the method returns without ``with_raw_response``."""
        return self._made()

    def mapped(self, change: Callable[[T], Any]) -> RawResponse[Any]:
        """The same answer, with something else made of it."""
        made = self._made
        other: RawResponse[Any] = object.__new__(RawResponse)
        other.__dict__.update(self.__dict__, _made=lambda: change(made()))
        return other

    def __repr__(self) -> str:
        return f"RawResponse(status={self.status}, bytes={len(self.content)})"


def any_request(
    method: object,
    path: object,
    body: object,
    content_type: object,
    options: dict[str, object],
) -> tuple[str, bytes]:
    """A request to any route, as the engine takes it."""
    fields = {"op": "request", "method": method, "path": path, "options": given(options)}
    if content_type is not NOT_GIVEN:
        fields["content_type"] = content_type
    elif isinstance(body, (bytes, bytearray, memoryview)):
        fields["content_type"] = "application/octet-stream"
    return encode(fields).decode(), payload(body)


def any_answer(reply: _Reply) -> RawResponse[Any]:
    """What came of it; its data has no model."""
    return RawResponse(reply, lambda: answer(*reply, {}))


class RawCalls(Calls):
    """Calls operations and hands over the answers as they came."""

    __slots__ = ()

    def _made(self, reply: _Reply, shapes: Mapping[int, Any] | None) -> Any:
        return RawResponse(reply, lambda: Calls._made(self, reply, shapes))

    def page(self, query: _Query) -> Any:
        answered = self.call(query.operation, query.args, query.options, {200: query.shape})
        plain = Calls(self._client, self._home)
        return answered.mapped(lambda data: Page(plain, query, data))


class RawAsyncCalls(AsyncCalls):
    """Calls operations from a coroutine and hands over the answers as they came."""

    __slots__ = ()

    def _made(self, reply: _Reply, shapes: Mapping[int, Any] | None) -> Any:
        return RawResponse(reply, lambda: AsyncCalls._made(self, reply, shapes))

    async def page(self, query: _Query) -> Any:
        answered = await self.call(query.operation, query.args, query.options, {200: query.shape})
        plain = AsyncCalls(self._client, self._home)
        return answered.mapped(lambda data: AsyncPage(plain, query, data))

    def pager(self, query: _Query) -> Any:
        return self.page(query)


if TYPE_CHECKING:

    def raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
        """The signature of a method with raw answers."""
        raise NotImplementedError

    def raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[RawResponse[T]]]:
        """The signature of a coroutine with raw answers."""
        raise NotImplementedError
