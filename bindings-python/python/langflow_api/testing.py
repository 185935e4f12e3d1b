"""A server for tests, in this process: no port to choose, no model to pay.

    >>> from langflow_api.testing import MockServer
    >>> with MockServer() as server:
    ...     print(server.client().run_flow("echo", "Hello!").output)
    Hello!

It behaves like the product: flows are executed, keys and permissions are checked, sessions
remember and expire.
"""

from __future__ import annotations

import json

from . import _native
from ._async_client import AsyncClient
from ._client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

__all__ = ["MockServer"]


class MockServer:
    """The mock server; started at once, ended by ``with`` or :meth:`stop`.

    Args:
        options: Settings of the server, such as ``seed``, ``port``, ``token_delay`` (seconds
            before each word), ``auth`` or ``seed_flows``.
    """

    def __init__(self, **options: Any) -> None:
        self._server = _native.MockServer(json.dumps(options))
        ready = json.loads(self._server.ready())
        self.url: str = ready["url"]
        """URL of the workspace."""
        self.api_key: str = ready["api_key"]
        """A key that may do everything."""
        self.ready: dict[str, Any] = ready
        """All that the server said when it began to listen."""

    def client(self, **options: Any) -> Client:
        """A client of this server; options as for :class:`langflow_api.Client`."""
        return Client(**{"base_url": self.url, "api_key": self.api_key, **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """An asyncio client of this server; options as for :class:`langflow_api.AsyncClient`."""
        return AsyncClient(**{"base_url": self.url, "api_key": self.api_key, **options})

    def advance(self, seconds: float) -> None:
        """Moves the server's clock forward, so that sessions and keys can expire in a test."""
        self._server.advance(seconds)

    def stop(self) -> None:
        """Ends the server."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"MockServer({self.url!r})"
