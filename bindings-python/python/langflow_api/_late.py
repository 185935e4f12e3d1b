"""Engines whose key a function of the user's hands out: each call asks for it first.

Its time is part of the call's: where the call has a time limit, the engine gets what is left of it.
"""

from __future__ import annotations

from time import perf_counter

from ._errors import LangflowError
from ._generated.errors import InvalidInput, TotalTimeout
from ._json import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from typing import Any, NoReturn

    from . import _native

# A key that is at hand costs a call nothing: below this its message is left as it is.
_NOTHING = 0.001


class Clock:
    """The time that a call may take, from the question for its key on."""

    __slots__ = ("_fields", "_kind", "_limit", "_place", "_started", "_text")

    def __init__(self, kind: str, text: str, limit: float | None) -> None:
        """A call begins.

        Args:
            kind: The method of the engine.
            text: Its message, which may name a time of its own.
            limit: Seconds that calls of this client may take otherwise.
        """
        self._kind, self._text = kind, text
        self._started = perf_counter()
        if limit is None and '"timeout"' not in text:
            self._limit = None
            return
        fields: dict[str, Any] = loads(text)
        options = fields.get("options")
        if kind == "run_many":
            # Each run has the time for itself, and the key is asked for once.
            runs = fields.get("requests") or [fields.get("request") or {}]
            options = runs[0].get("options")
        place = options if isinstance(options, dict) else fields
        self._limit = place["timeout"] if "timeout" in place else limit
        if not isinstance(self._limit, (int, float)):
            # None, or what the engine refuses.
            self._limit = None
        self._fields, self._place = fields, place

    def left(self) -> float | None:
        """Seconds that are left; ``None`` where there is no limit.

        Raises:
            TotalTimeout: none are.
        """
        if self._limit is None:
            return None
        left = self._limit - (perf_counter() - self._started)
        if left <= 0:
            self.over()
        return left

    def over(self) -> NoReturn:
        """Raises that the time is over."""
        raise TotalTimeout(
            f"The function `api_key` gave no key within the {self._limit:g} s of the call.",
            {
                "code": "total_timeout",
                "phase": "build",
                "hint": "Nothing was sent. Allow more time, or have the function keep its keys.",
                "elapsed": perf_counter() - self._started,
            },
        )

    def message(self) -> str:
        """The message with the time that is left.

        Raises:
            TotalTimeout: none is.
        """
        left = self.left()
        if left is None or perf_counter() - self._started < _NOTHING or self._kind == "run_many":
            return self._text
        if "timeout" not in self._place:
            # Only what is sent has options.
            if self._kind == "invoke":
                return self._text
            options = self._fields.get("options") or {}
            return dumps({**self._fields, "options": {**options, "timeout": left}}).decode()
        self._place["timeout"] = left
        return dumps(self._fields).decode()


def failed(error: Exception) -> LangflowError:
    """What a call raises whose function for the key raised this."""
    if isinstance(error, LangflowError):
        return error
    # What it says is not repeated: what speaks of keys may hold one.
    made = InvalidInput(
        f"The function `api_key` raised {type(error).__qualname__}.",
        {"field": "api_key", "hint": "Nothing was sent. Its error is the cause of this one."},
    )
    made.__cause__ = error
    return made


def name_of(method: str) -> str:
    """The engine's method, without how it is waited for."""
    return method[: -len("_async")] if method.endswith("_async") else method


class KeyedEngine:
    """The calls of an engine that wait for their answer.

    A function that blocks is not interrupted; when it is over it is seen whether it took too long.
    """

    __slots__ = ("_ask", "_limit")

    def __init__(self, ask: Callable[[], _native.Engine], limit: float | None) -> None:
        self._ask, self._limit = ask, limit

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            at = 1 if name == "invoke" else 0
            clock = Clock(name, args[at], self._limit)
            engine = self._ask()
            return getattr(engine, name)(*args[:at], clock.message(), *args[at + 1 :])

        return call


class LateEngine:
    """The calls of an engine for coroutines."""

    __slots__ = ("_ready",)

    def __init__(self, ready: Callable[[str, str], Awaitable[tuple[_native.Engine, str]]]) -> None:
        self._ready = ready

    def __getattr__(self, name: str) -> Any:
        if not name.endswith("_async"):
            raise AttributeError(name)

        def call(*args: Any) -> asyncio.Future[Any]:
            from asyncio import ensure_future

            # A task, which can be cancelled as the call of an engine can.
            return ensure_future(self._call(name, args))

        return call

    async def _call(self, name: str, args: tuple[Any, ...]) -> Any:
        at = 1 if name == "invoke_async" else 0
        engine, message = await self._ready(name_of(name), args[at])
        return await getattr(engine, name)(*args[:at], message, *args[at + 1 :])


async def in_time(key: Awaitable[object], clock: Clock) -> object:
    """The key, which is waited for only as long as the call may take.

    Raises:
        TotalTimeout: it took longer.
        LangflowError: it could not be had.
    """

    async def asked() -> object:
        try:
            return await key
        except Exception as error:
            raise failed(error)  # noqa: B904 - it has its cause

    left = clock.left()
    if left is None:
        return await asked()
    from asyncio import TimeoutError as Late
    from asyncio import wait_for

    try:
        return await wait_for(asked(), left)
    except Late:
        clock.over()
