"""The future of a call; a module of its own, so that only asyncio's users import asyncio."""

from __future__ import annotations

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Call(asyncio.Future):  # type: ignore[type-arg]  # not subscriptable before 3.9.2's stubs
    """Ends its request when it is cancelled. Belongs to the running loop."""

    # Nothing is made in Python that each call would pay for.
    __slots__ = ("abort",)

    abort: Callable[[], None]

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancels the wait, and the request with it."""
        cancelled = super().cancel(msg)
        if cancelled:
            self.abort()
        return cancelled
