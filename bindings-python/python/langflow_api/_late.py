"""An engine whose key has to be waited for: each call asks for it first."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from typing import Any

    from . import _native


class LateEngine:
    """The calls of an engine for coroutines, with the key that a function of the user hands out."""

    __slots__ = ("_ready",)

    def __init__(self, ready: Callable[[], Awaitable[_native.Engine]]) -> None:
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
        engine = await self._ready()
        return await getattr(engine, name)(*args)
