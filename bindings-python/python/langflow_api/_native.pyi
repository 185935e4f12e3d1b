"""The engine, written in Rust. Everything crosses as JSON; errors are raised as they are."""

from asyncio import Future
from typing import Any, final

from ._errors import LangflowError

__version__: str

def invalid_input(field: str, message: str) -> LangflowError:
    """The error that names an argument."""

def compute(name: str, args: str, body: bytes) -> str:
    """What needs no engine: ``webhook.verify``, ``webhook.sign``, ``trigger.sign``."""

@final
class Engine:
    """Sends calls. The configuration is a JSON object; nothing is opened before the first call."""

    def __new__(cls, config: str, hooks: object = None) -> Engine: ...
    def with_options(self, options: str) -> Engine:
        """An engine with other options that shares connections, quota, limits and metrics."""
    def describe(self) -> str:
        """The configuration without its secrets."""
    def masked(self, text: str, options: str) -> str:
        """A line of a log without the secrets of the client and of a call with these options."""
    def close(self) -> None:
        """Lets go of the connections."""
    def call(self, head: str, body: bytes) -> tuple[str, bytes]: ...
    def call_async(self, head: str, body: bytes) -> Future[tuple[str, bytes]]: ...
    def run(self, request: str) -> Held: ...
    def run_async(self, request: str) -> Future[Held]: ...
    def run_plain(self, flow_id: str, input_value: str, session_id: str | None) -> Held:
        """As :meth:`run`, of a run that is no more than this.

        Raises:
            UnicodeEncodeError: half a character is among it; :meth:`run` names the argument.
        """
    def run_plain_async(
        self, flow_id: str, input_value: str, session_id: str | None
    ) -> Future[Held]: ...
    def open(self, request: str) -> EventStream: ...
    def open_async(self, request: str) -> Future[EventStream]: ...
    def open_call(self, head: str, body: bytes) -> EventStream: ...
    def open_call_async(self, head: str, body: bytes) -> Future[EventStream]: ...
    def invoke(self, name: str, args: str) -> str: ...
    def invoke_async(self, name: str, args: str) -> Future[str]: ...
    def run_many(self, request: str, inputs: list[str] | None = None) -> EventStream: ...
    def upload(self, head: str, source: str, body: bytes) -> EventStream: ...
    def upload_stream(self, head: str, source: str) -> tuple[Feed, EventStream]: ...
    def download(self, head: str, body: bytes, path: str) -> EventStream: ...
    def metrics(self) -> str: ...
    def watch(self, thresholds: str) -> EventStream: ...

@final
class Feed:
    """A body that is handed over piece by piece: one for each event ``want``. Nothing waits."""

    def push(self, piece: bytes) -> None: ...
    def finish(self) -> None:
        """There is no more."""

@final
class Held:
    """The result of a run."""

    output: str | None
    """The single output, where it is text."""
    expired: bool
    """Whether its session had expired."""
    skipped_events: int
    """Events of its stream that were passed over."""
    def json(self) -> str:
        """All of it."""

@final
class EventStream:
    """The events of a run, in batches: a JSON array of those that have arrived."""

    def next_batch(self) -> str | None: ...
    def next_batch_async(self) -> Future[str | None]: ...
    def next_events(self) -> list[Any] | None:
        """The same, each by itself: a token as the object that its JSON would be, one of many runs
        that has its result as a tuple of its index and a :class:`Held`, the end of a run as a
        tuple of its id and a :class:`Held`, all else as JSON."""
    def next_events_async(self) -> Future[list[Any] | None]: ...
    def close(self) -> None: ...

@final
class MockServer:
    """The mock server, in this process. The options are a JSON object."""

    def __new__(cls, options: str) -> MockServer: ...
    def ready(self) -> str:
        """What the server says once it listens, as JSON."""
    def stop(self) -> None:
        """Ends the server."""
