"""The names of the package ``langflow-sdk``, for programs that are ported by changing the import.

    from langflow_api.langflow_sdk import Client, RunRequest

The common calls are here; the manual's page on migration has the table. What they return is this
package's: typed, complete, and with the same attributes where those made sense.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from . import _async_client
from ._errors import LangflowError
from ._events import StreamEvent
from ._generated import client as _client
from ._generated.errors import (
    NotFound,
    PermissionDenied,
    StatusError,
    TimedOut,
    TransportError,
    Unauthenticated,
    Unprocessable,
)
from ._generated.models import Flow
from ._models import Model
from ._result import RunResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

    FlowId = Union[str, UUID]

__all__ = [
    "AsyncClient",
    "AsyncLangflowClient",
    "Client",
    "Flow",
    "FlowCreate",
    "FlowUpdate",
    "LangflowAuthError",
    "LangflowClient",
    "LangflowConnectionError",
    "LangflowError",
    "LangflowHTTPError",
    "LangflowNotFoundError",
    "LangflowTimeoutError",
    "LangflowValidationError",
    "RunRequest",
    "RunResponse",
    "StreamChunk",
    "get_async_client",
    "get_client",
]

LangflowHTTPError = StatusError
LangflowNotFoundError = NotFound
LangflowAuthError = (Unauthenticated, PermissionDenied)
LangflowValidationError = Unprocessable
LangflowConnectionError = TransportError
LangflowTimeoutError = TimedOut


class _Fields(Model):
    """Arguments as an object; a name that is not known is refused instead of dropped."""

    __slots__ = ()

    def __init__(self, **fields: Any) -> None:
        unknown = set(fields) - set(self._fields)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        super().__init__(fields)


class RunRequest(_Fields):
    """What a run is given."""

    __slots__ = ()
    # `input_type` and `output_type` choose what is said already by the flow; taken and not sent.
    _fields = ("input_value", "tweaks", "session_id", "input_type", "output_type", "stream")


class FlowCreate(_Fields):
    """A flow to be made."""

    __slots__ = ()
    _fields = ("name", "description", "data", "tags")


class FlowUpdate(_Fields):
    """What is to be changed; a ``None`` that is given clears the field."""

    __slots__ = ()
    _fields = ("name", "description", "data", "tags")


class RunResponse(RunResult):
    """A result with the method names of ``langflow-sdk``."""

    __slots__ = ()

    def first_text_output(self) -> str | None:
        """The text, or ``None`` where there is no single one; ``.text`` says why."""
        text = self._data.get("text")
        return text if isinstance(text, str) else None

    get_chat_output = first_text_output

    def all_text_outputs(self) -> list[str]:
        """Every output that is text."""
        return [one.value for one in self.outputs.values() if isinstance(one.value, str)]

    get_text_outputs = all_text_outputs

    def has_errors(self) -> bool:
        """False: a run that failed has raised."""
        return False

    def is_completed(self) -> bool:
        """True: what did not complete has raised."""
        return True


class StreamChunk:
    """An event with the attributes of ``langflow-sdk``."""

    def __init__(self, event: StreamEvent) -> None:
        self.event: str = event["type"]
        self.data: dict[str, Any] = event.to_dict()

    @property
    def text(self) -> str | None:
        """The piece of text, for tokens and messages."""
        text = self.data.get("text")
        return text if isinstance(text, str) else None

    @property
    def is_token(self) -> bool:
        """Whether this is a piece of the answer."""
        return self.event == "token"

    @property
    def is_end(self) -> bool:
        """Whether this is the last event."""
        return self.event == "end"

    @property
    def is_error(self) -> bool:
        """False: a stream that fails raises."""
        return False

    def final_response(self) -> RunResponse | None:
        """The result, with the last event."""
        return RunResponse(self.data["result"]) if self.is_end else None


def _run(request: RunRequest | str, more: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a run, in either way to give them."""
    given = {"input_value": request} if isinstance(request, str) else request.to_dict()
    merged = {**given, **more}
    names = ("input_value", "tweaks", "session_id", "timeout", "max_retries", "headers")
    return {name: merged[name] for name in names if name in merged}


def _file(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _write(output: str | Path | None, data: dict[str, Any]) -> None:
    if output is not None:
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        Path(output).write_text(text, encoding="utf-8")


class Client(_client.Client):
    """:class:`langflow_api.Client` with the methods of ``langflow_sdk.Client`` besides its own."""

    def run_flow(  # type: ignore[override]
        self, flow_id_or_endpoint: FlowId, request: RunRequest | str = "", **more: Any
    ) -> RunResponse:
        """Runs a flow; also as ``run_flow(id, RunRequest(...))``."""
        call = _run(request, more)
        return RunResponse(super().run_flow(str(flow_id_or_endpoint), **call).to_dict())

    def run(self, flow_id_or_endpoint: FlowId, input_value: str = "", **more: Any) -> RunResponse:
        """Runs a flow."""
        return self.run_flow(flow_id_or_endpoint, input_value, **more)

    def stream(
        self, flow_id_or_endpoint: FlowId, input_value: str = "", **more: Any
    ) -> Iterator[StreamChunk]:
        """Runs a flow and hands over its events while it runs."""
        with self.stream_flow(str(flow_id_or_endpoint), **_run(input_value, more)) as stream:
            for event in stream:
                yield StreamChunk(event)

    def list_flows(self) -> list[Flow]:
        """All flows, of all pages; without their graphs."""
        return [Flow(flow.to_dict()) for flow in self.flows.list(size=100)]

    def get_flow(self, flow_id: FlowId) -> Flow:
        """One flow."""
        return self.flows.get(str(flow_id))

    def create_flow(self, flow: FlowCreate) -> Flow:
        """Makes a flow."""
        return self.flows.create(**flow.to_dict())

    def update_flow(self, flow_id: FlowId, update: FlowUpdate) -> Flow:
        """Changes a flow."""
        return self.flows.update(str(flow_id), **update.to_dict())

    def delete_flow(self, flow_id: FlowId) -> None:
        """Deletes a flow."""
        self.flows.delete(str(flow_id))

    def push(self, path: str | Path) -> tuple[Flow, bool]:
        """Imports a flow file; the flow, and whether it is new."""
        file = _file(path)
        known = _is_known(self, file.get("id"))
        made = self.flows.import_(file, on_conflict="replace").flows[0]
        return self.flows.get(made.id), not known

    def pull(self, flow_id: FlowId, *, output: str | Path | None = None) -> dict[str, Any]:
        """A flow as a file for version control; written to ``output`` too, if given."""
        data = self.flows.export(str(flow_id)).to_dict()
        _write(output, data)
        return data


def _is_known(client: Client, flow_id: object) -> bool:
    try:
        return isinstance(flow_id, str) and bool(client.flows.get(flow_id))
    except NotFound:
        return False


class AsyncClient(_async_client.AsyncClient):
    """:class:`langflow_api.AsyncClient` with the methods of ``langflow_sdk.AsyncClient``."""

    async def run_flow(  # type: ignore[override]
        self, flow_id_or_endpoint: FlowId, request: RunRequest | str = "", **more: Any
    ) -> RunResponse:
        """Runs a flow; also as ``run_flow(id, RunRequest(...))``."""
        call = _run(request, more)
        result: RunResult = await super().run_flow(str(flow_id_or_endpoint), **call)
        return RunResponse(result.to_dict())

    async def run(
        self, flow_id_or_endpoint: FlowId, input_value: str = "", **more: Any
    ) -> RunResponse:
        """Runs a flow."""
        return await self.run_flow(flow_id_or_endpoint, input_value, **more)

    async def stream(
        self, flow_id_or_endpoint: FlowId, input_value: str = "", **more: Any
    ) -> AsyncIterator[StreamChunk]:
        """Runs a flow and hands over its events while it runs."""
        async with self.stream_flow(str(flow_id_or_endpoint), **_run(input_value, more)) as stream:
            async for event in stream:
                yield StreamChunk(event)

    async def list_flows(self) -> list[Flow]:
        """All flows, of all pages; without their graphs."""
        return [Flow(flow.to_dict()) async for flow in self.flows.list(size=100)]

    async def get_flow(self, flow_id: FlowId) -> Flow:
        """One flow."""
        return await self.flows.get(str(flow_id))

    async def create_flow(self, flow: FlowCreate) -> Flow:
        """Makes a flow."""
        return await self.flows.create(**flow.to_dict())

    async def update_flow(self, flow_id: FlowId, update: FlowUpdate) -> Flow:
        """Changes a flow."""
        return await self.flows.update(str(flow_id), **update.to_dict())

    async def delete_flow(self, flow_id: FlowId) -> None:
        """Deletes a flow."""
        await self.flows.delete(str(flow_id))


LangflowClient = Client
AsyncLangflowClient = AsyncClient


def get_client(
    environment: str | None = None, *, config_file: str | Path | None = None, timeout: float = 60
) -> Client:
    """The client of a named environment; see :meth:`langflow_api.Client.for_environment`."""
    return Client.for_environment(environment, file=config_file, timeout=timeout)


def get_async_client(
    environment: str | None = None, *, config_file: str | Path | None = None, timeout: float = 60
) -> AsyncClient:
    """As :func:`get_client`, for coroutines."""
    return AsyncClient.for_environment(environment, file=config_file, timeout=timeout)
