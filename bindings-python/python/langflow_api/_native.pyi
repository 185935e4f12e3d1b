"""The engine, written in Rust. Everything crosses as JSON; errors are raised as they are."""

from asyncio import Future
from typing import final

from ._errors import LangflowError

__version__: str

def invalid_input(field: str, message: str) -> LangflowError:
    """The error that names an argument."""

@final
class Engine:
    """Sends calls. The configuration is a JSON object; nothing is opened before the first call."""

    def __new__(cls, config: str) -> Engine: ...
    def share(self) -> Engine:
        """Another handle on the same connections."""
    def describe(self) -> str:
        """The configuration without its secrets."""
    def close(self) -> None:
        """Lets go of the connections."""
    def call(self, head: str, body: bytes) -> tuple[str, bytes]: ...
    def call_async(self, head: str, body: bytes) -> Future[tuple[str, bytes]]: ...
    def run(self, request: str) -> str: ...
    def run_async(self, request: str) -> Future[str]: ...
    def open(self, request: str) -> EventStream: ...
    def open_async(self, request: str) -> Future[EventStream]: ...
    def open_call(self, head: str, body: bytes) -> EventStream: ...
    def open_call_async(self, head: str, body: bytes) -> Future[EventStream]: ...

@final
class EventStream:
    """The events of a run, in batches: a JSON array of those that have arrived."""

    def next_batch(self) -> str | None: ...
    def next_batch_async(self) -> Future[str | None]: ...
    def close(self) -> None: ...

@final
class MockServer:
    """The mock server, in this process. The options are a JSON object."""

    def __new__(cls, options: str) -> MockServer: ...
    def ready(self) -> str:
        """What the server says once it listens, as JSON."""
    def advance(self, seconds: float) -> None:
        """Moves the clock of the server forward."""
    def stop(self) -> None:
        """Ends the server."""
