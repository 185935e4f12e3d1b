"""Functions of the user's that see every attempt, and may answer in place of a server."""

from __future__ import annotations

from itertools import count

from ._errors import KEPT, LangflowError
from ._json import dumps, loads
from ._native import invalid_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Optional, Union

    OnRequest = Callable[["HttpRequest"], Optional["HttpResponse"]]
    OnResponse = Callable[["HttpRequest", "HttpResponse"], object]
    Hooks = Union[Callable[..., Any], Sequence[Callable[..., Any]]]
    # Headers as the engine says them.
    Said = list[tuple[str, bytes]]


class HttpRequest:
    """A request that is about to be sent; what is changed in ``headers`` is sent so."""

    __slots__ = ("_content", "_method", "_url", "headers")

    headers: dict[str, str]
    """Headers by names in lower case, the key included."""

    def __init__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> None:
        self._method = method
        self._url = url
        self.headers = dict(headers)
        self._content = content

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self._method

    @property
    def url(self) -> str:
        """Where it goes, query included."""
        return self._url

    @property
    def content(self) -> bytes | None:
        """The body; ``None`` of an upload, which is read while it is sent."""
        return self._content

    def json(self) -> Any:
        """The body as plain data; ``None`` where there is none."""
        return loads(self.content) if self.content else None

    def __repr__(self) -> str:
        # Neither query nor headers: both may hold a key.
        return f"HttpRequest({self.method!r}, {self.url.partition('?')[0]!r})"


class HttpResponse:
    """An answer: of ``on_response`` its head alone, of ``on_request`` all that is answered."""

    __slots__ = ("content", "headers", "status")

    status: int
    """The HTTP status."""
    headers: dict[str, str]
    """Headers by names in lower case."""
    content: bytes
    """The body; empty in ``on_response``, which is called before it is read."""

    def __init__(
        self,
        status: int = 200,
        content: bytes | str = b"",
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """An answer to give.

        Args:
            status: The HTTP status.
            content: The body; text is sent as UTF-8. Events of a stream are given all at once.
            json: Data for a body of JSON, instead of ``content``.
            headers: Headers; ``content-type`` is ``application/json`` with ``json``.

        Raises:
            InvalidInput: One of them is of another type.
        """
        if not isinstance(status, int) or isinstance(status, bool):
            raise invalid_input("status", f"`status` has to be a number, not {status!r:.60}.")
        if not isinstance(content, (str, bytes)):
            raise invalid_input(
                "content", f"`content` has to be bytes or text, not {content!r:.60}."
            )
        _check_headers(headers or {})
        self.status = status
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        if json is not None:
            content = dumps(json)
            self.headers.setdefault("content-type", "application/json")
        self.content = content.encode() if isinstance(content, str) else content

    def __repr__(self) -> str:
        return f"HttpResponse(status={self.status}, bytes={len(self.content)})"


class Chain:
    """The functions of a client, as the engine calls them."""

    __slots__ = ("_after", "_before")

    def __init__(self, before: object, after: object) -> None:
        self._before = functions("on_request", before)
        self._after = functions("on_response", after)

    def before(
        self, method: str, url: str, headers: Said, content: bytes | None
    ) -> tuple[HttpRequest, Said, tuple[int, Said, bytes] | None]:
        """The request as Python holds it, the headers to send, and an answer if there is one."""
        request = HttpRequest(method, url, _heard(headers), content)
        for function in self._before:
            made = _called("on_request", function, request)
            if made is None:
                continue
            if not isinstance(made, HttpResponse):
                message = f"`on_request` has to return an HttpResponse or None, not {made!r:.60}."
                raise invalid_input("on_request", message)
            return request, [], (made.status, _said(made.headers), made.content)
        return request, _said(request.headers), None

    def after(self, request: HttpRequest, status: int, headers: Said) -> None:
        """The head of an answer is there."""
        if self._after:
            response = HttpResponse(status, headers=_heard(headers))
            for function in reversed(self._after):
                _called("on_response", function, request, response)


def _called(name: str, function: Callable[..., Any], *arguments: object) -> Any:
    """What a function of the user's answers; what it raises is kept for who made the call."""
    try:
        made = function(*arguments)
    except LangflowError:
        raise
    except BaseException as error:
        message = f"`{name}` raised {type(error).__qualname__}: {error!s:.500}"
        from ._generated.errors import InvalidInput

        raise InvalidInput(message, {"field": _keep(name, error)}) from error
    if hasattr(made, "__await__"):
        close = getattr(made, "close", None)
        if close is not None:
            # A coroutine that nobody awaits would warn of it.
            close()
        raise invalid_input(name, f"`{name}` has to be a function that need not be awaited.")
    return made


# What hooks raised, until their call ends: through the engine goes text only.
_raised: dict[str, BaseException] = {}
_numbers = count()


def _keep(field: str, error: BaseException) -> str:
    if len(_raised) >= 1000:
        # Of calls whose errors nobody looked at.
        _raised.pop(next(iter(_raised)), None)
    name = f"{field}{KEPT}{next(_numbers)}"
    _raised[name] = error
    return name


def find_cause(error: LangflowError) -> None:
    """Gives an error that came of what a hook raised its cause, and the name of the hook."""
    field, kept, _ = (error.field or "").partition(KEPT)
    if kept:
        error.__cause__ = _raised.pop(error.field or "", None)
        error.field = error._info["field"] = field


def chain(config: dict[str, object]) -> Chain | None:
    """The chain of a client of these settings, where it has one."""
    before, after = config.get("on_request"), config.get("on_response")
    return None if before is None and after is None else Chain(before, after)


def functions(name: str, given: object) -> tuple[Callable[..., Any], ...]:
    """One function, or several, in their order."""
    if given is None:
        return ()
    several: list[Callable[..., Any]] = []
    for function in given if isinstance(given, (list, tuple)) else (given,):
        if not callable(function):
            message = f"`{name}` has to be a function or a list of them, not {function!r:.60}."
            raise invalid_input(name, message)
        several.append(function)
    return tuple(several)


def _check_headers(headers: Mapping[Any, Any]) -> None:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            # The value is not shown: it may be a key.
            kind = type(value).__qualname__
            raise invalid_input("headers", f"The header {name!r:.60} has to be text, not {kind}.")


def _heard(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in headers:
        text = value.decode("utf-8", "replace")
        made[name] = f"{made[name]}, {text}" if name in made else text
    return made


def _said(headers: Mapping[str, str]) -> Said:
    _check_headers(headers)
    return [(name.lower(), value.encode()) for name, value in headers.items()]
