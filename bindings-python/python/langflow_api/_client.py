"""The clients: configuration, the hot path of running a flow, and the generated resources."""

from __future__ import annotations

import sys

from . import _native
from ._bridge import encode, request, result
from ._generated.namespace import AsyncResources, AsyncWorkspace, Resources, Workspace
from ._given import NOT_GIVEN, NotGiven, given
from ._json import loads
from ._stream import AsyncStream, Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ._result import RunResult

# Options that a call can carry; changing one of these keeps the connections of a client.
_PER_CALL = ("timeout", "max_retries", "headers")


class _Base:
    """What both clients share: configuration and the engine that it makes."""

    _config: dict[str, object]
    _defaults: dict[str, object]
    _engine: _native.Engine

    def __init__(
        self,
        base_url: str | NotGiven | None = NOT_GIVEN,
        api_key: str | NotGiven | None = NOT_GIVEN,
        *,
        timeout: float | NotGiven | None = NOT_GIVEN,
        connect_timeout: float | NotGiven | None = NOT_GIVEN,
        first_byte_timeout: float | NotGiven | None = NOT_GIVEN,
        idle_timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        allow_http: bool | NotGiven = NOT_GIVEN,
        strict_sessions: bool | NotGiven = NOT_GIVEN,
        api: str | NotGiven = NOT_GIVEN,
    ) -> None:
        """Makes a client; nothing is sent, and no thread is started, before the first call.

        Args:
            base_url: URL of the workspace, in any form that people paste: a host, a URL with or
                without path, or the URL of a flow's endpoint. Without it, the environment
                variable ``LANGFLOW_URL``.
            api_key: The key. Without it, the environment variable ``LANGFLOW_API_KEY``.
            timeout: Seconds that a whole call may take, retries included.
            connect_timeout: Seconds to connect.
            first_byte_timeout: Seconds until the answer begins.
            idle_timeout: Seconds that a stream may be silent.
            max_retries: How often a call that may safely be repeated is tried again.
            headers: Sent with every request.
            allow_http: Allow plain HTTP to other hosts than this one.
            strict_sessions: Raise where a session had expired, instead of logging a warning.
            api: Family of the server; found out by default.

        Raises:
            InvalidInput: an argument is not usable; the error names it.
        """
        config = given(
            {
                "base_url": base_url,
                "api_key": api_key,
                "timeout": timeout,
                "connect_timeout": connect_timeout,
                "first_byte_timeout": first_byte_timeout,
                "idle_timeout": idle_timeout,
                "max_retries": max_retries,
                "headers": headers,
                "allow_http": allow_http,
                "strict_sessions": strict_sessions,
                "api": api,
            }
        )
        self._start(config, {})

    def _start(self, config: dict[str, object], defaults: dict[str, object]) -> None:
        language = f"python/{sys.version_info[0]}.{sys.version_info[1]}"
        self._config = config
        self._defaults = defaults
        self._engine = _native.Engine(encode({**config, "language": language}).decode())

    def _options(self, options: dict[str, object]) -> dict[str, object]:
        """The options of a call over those of :meth:`with_options`."""
        if not self._defaults:
            return options
        merged = {**self._defaults, **given(options)}
        headers = self._defaults.get("headers"), options.get("headers")
        if isinstance(headers[0], dict) and isinstance(headers[1], dict):
            merged["headers"] = {**headers[0], **headers[1]}
        return merged

    def with_options(self, **options: Any) -> Self:
        """A client with some options changed; takes the arguments of the constructor.

        The connections are shared unless the change concerns them.
        """
        clone = object.__new__(type(self))
        if all(name in _PER_CALL for name in options):
            clone._config = self._config
            clone._defaults = self._options(options)
            clone._engine = self._engine.share()
            encode(clone._defaults)
        else:
            config = {name: options[name] for name in options if name not in _PER_CALL}
            calls = {name: options[name] for name in options if name in _PER_CALL}
            clone._start({**self._config, **config}, self._options(calls))
        return clone

    def close(self) -> None:
        """Lets go of the connections; a later call raises ``ClientClosed``."""
        self._engine.close()

    def __repr__(self) -> str:
        shown = loads(self._engine.describe())
        shown.pop("language", None)
        shown.update(self._defaults)
        fields = ", ".join(f"{name}={value!r}" for name, value in shown.items() if value)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The configuration travels, key included; connections are made anew where it arrives.
        return (_rebuild, (type(self), self._config, self._defaults))


def _rebuild(kind: type[_Base], config: dict[str, object], defaults: dict[str, object]) -> _Base:
    client = object.__new__(kind)
    client._start(config, defaults)
    return client


class Client(_Base, Resources):
    """Calls flows and waits for them.

    May be shared by threads, used after a fork, and pickled (the configuration is what travels).

    Example:
        >>> from langflow_api import Client
        >>> client = Client(base_url="http://127.0.0.1:7860", api_key="lf-key")
        >>> client
        Client(base_url='http://127.0.0.1:7860', api_key='***')
    """

    @property
    def _client(self) -> Client:
        return self

    @property
    def workspace(self) -> Workspace:
        """Every operation of the workspace API."""
        return Workspace(self)

    def run_flow(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        input_value: str | NotGiven = NOT_GIVEN,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        session_id: str | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> RunResult:
        """Runs a flow and waits for its result.

        Args:
            flow_id: The flow; may be left out where ``base_url`` was a flow's endpoint.
            input_value: What the user says.
            tweaks: Settings of components for this run only, ``{"OpenAI-ab12": {"temperature":
                0.5}}``.
            session_id: Session of an earlier result; the flow then remembers it.
            timeout: Seconds that the call may take; ``None`` for no limit.
            max_retries: How often to try again where it is safe.
            headers: Sent with this request.
            idempotency_key: Runs of the same key are one run; made for you if left out.

        Returns:
            The result: ``output``, ``text``, ``session_id``, ``metadata`` and more.

        Raises:
            InvalidInput: an argument is not usable; nothing was sent.
            NotFound: there is no such flow.
            RunFailed: the flow ran into an error.
            LangflowError: all else that can go wrong; see its subclasses.
        """
        options = _run_options(timeout, max_retries, headers, idempotency_key)
        fields = _run_fields(flow_id, input_value, tweaks, session_id)
        return result(self._engine.run(request(fields, self._options(options))))

    def stream_flow(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        input_value: str | NotGiven = NOT_GIVEN,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        session_id: str | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> Stream:
        """Runs a flow and hands over its events while it runs.

        The arguments are those of :meth:`run_flow`.

        Returns:
            The events; also ``text_stream`` and ``get_final_result()``.

        Raises:
            LangflowError: as for :meth:`run_flow`; while reading also ``StreamInterrupted``.
        """
        options = _run_options(timeout, max_retries, headers, idempotency_key)
        fields = _run_fields(flow_id, input_value, tweaks, session_id)
        return Stream(self._engine.open(request(fields, self._options(options))))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(_Base, AsyncResources):
    """Calls flows from coroutines; the same methods as :class:`Client`, to be awaited.

    Bound to no event loop: one client serves any number of ``asyncio.run`` calls.
    """

    @property
    def _client(self) -> AsyncClient:
        return self

    @property
    def workspace(self) -> AsyncWorkspace:
        """Every operation of the workspace API."""
        return AsyncWorkspace(self)

    async def run_flow(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        input_value: str | NotGiven = NOT_GIVEN,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        session_id: str | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> RunResult:
        """Runs a flow and returns its result; see :meth:`Client.run_flow`.

        Cancelling the task ends the request.
        """
        options = _run_options(timeout, max_retries, headers, idempotency_key)
        fields = _run_fields(flow_id, input_value, tweaks, session_id)
        return result(await self._engine.run_async(request(fields, self._options(options))))

    def stream_flow(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        input_value: str | NotGiven = NOT_GIVEN,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        session_id: str | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> AsyncStream:
        """Runs a flow and hands over its events while it runs; see :meth:`Client.stream_flow`.

        Not to be awaited: ``async for event in client.stream_flow(...)``.
        """
        options = _run_options(timeout, max_retries, headers, idempotency_key)
        fields = _run_fields(flow_id, input_value, tweaks, session_id)
        message = request(fields, self._options(options))
        return AsyncStream(lambda: self._engine.open_async(message))

    async def aclose(self) -> None:
        """Lets go of the connections; a later call raises ``ClientClosed``."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _run_fields(
    flow_id: object, input_value: object, tweaks: object, session_id: object
) -> dict[str, object]:
    return {
        "flow_id": flow_id,
        "input_value": input_value,
        "tweaks": NOT_GIVEN if tweaks is None else tweaks,
        "session_id": NOT_GIVEN if session_id is None else session_id,
    }


def _run_options(
    timeout: object, max_retries: object, headers: object, idempotency_key: object
) -> dict[str, object]:
    return {
        "timeout": timeout,
        "max_retries": max_retries,
        "headers": headers,
        "idempotency_key": idempotency_key,
    }
