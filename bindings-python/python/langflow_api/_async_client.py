# only async
"""The client for coroutines: running a flow, and the generated resources."""

# only sync
# """The client that waits: running a flow, and the generated resources."""
# both

from __future__ import annotations

from ._async_tools import AsyncTools
from ._base import run_fields, run_options
from ._bridge import request, result
from ._generated.namespace import AsyncResources, AsyncWorkspace
from ._given import NOT_GIVEN, NotGiven, overload
from ._json import loads
from ._native import invalid_input
from ._stream import AsyncStream
from ._watch import wanted, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from ._async_job import AsyncJob
    from ._async_session import AsyncSession
    from ._generated.langflow.namespace import AsyncLangflow
    from ._result import RunResult

    # only async
    from ._stream import Opening
    # both


class AsyncClient(AsyncTools, AsyncResources):
    # only async
    """Calls flows from coroutines; the same methods as :class:`Client`, to be awaited.

    Bound to no event loop: one client serves any number of ``asyncio.run`` calls.
    """

    # only sync
    # """Calls flows and waits for them.
    #
    # May be shared by threads, used after a fork, and pickled (the configuration is what travels).
    #
    # Examples:
    #     >>> from langflow_api import Client
    #     >>> client = Client(base_url="http://127.0.0.1:7860", api_key="lf-key")
    #     >>> client
    #     Client(base_url='http://127.0.0.1:7860', api_key='***', api='auto', max_retries=2)
    # """
    # both

    @property
    def _client(self) -> AsyncClient:
        return self

    @property
    def workspace(self) -> AsyncWorkspace:
        """Every operation of the workspace API."""
        return AsyncWorkspace(self)

    @property
    def langflow(self) -> AsyncLangflow:
        """Every operation of an open-source server; on a workspace each raises ``Unsupported``."""
        from ._generated.langflow.namespace import AsyncLangflow

        return AsyncLangflow(self)

    @overload
    async def run_flow(
        self,
        flow_id: str | NotGiven = ...,
        input_value: str | NotGiven = ...,
        *,
        stream: Literal[False] = ...,
        background: Literal[False] = ...,
        tweaks: Mapping[str, Mapping[str, Any]] | None = ...,
        session_id: str | None = ...,
        files: Sequence[str | PathLike[str]] | None = ...,
        variables: Mapping[str, str] | None = ...,
        output_ids: Sequence[str] | None = ...,
        delete_files: bool = ...,
        timeout: float | NotGiven | None = ...,
        max_retries: int | NotGiven = ...,
        headers: Mapping[str, str] | NotGiven = ...,
        idempotency_key: str | NotGiven = ...,
    ) -> RunResult: ...

    @overload
    async def run_flow(
        self,
        flow_id: str | NotGiven = ...,
        input_value: str | NotGiven = ...,
        *,
        stream: Literal[True],
        background: Literal[False] = ...,
        tweaks: Mapping[str, Mapping[str, Any]] | None = ...,
        session_id: str | None = ...,
        files: Sequence[str | PathLike[str]] | None = ...,
        variables: Mapping[str, str] | None = ...,
        output_ids: Sequence[str] | None = ...,
        delete_files: bool = ...,
        timeout: float | NotGiven | None = ...,
        max_retries: int | NotGiven = ...,
        headers: Mapping[str, str] | NotGiven = ...,
        idempotency_key: str | NotGiven = ...,
    ) -> AsyncStream: ...

    @overload
    async def run_flow(
        self,
        flow_id: str | NotGiven = ...,
        input_value: str | NotGiven = ...,
        *,
        stream: bool,
        background: Literal[False] = ...,
        tweaks: Mapping[str, Mapping[str, Any]] | None = ...,
        session_id: str | None = ...,
        files: Sequence[str | PathLike[str]] | None = ...,
        variables: Mapping[str, str] | None = ...,
        output_ids: Sequence[str] | None = ...,
        delete_files: bool = ...,
        timeout: float | NotGiven | None = ...,
        max_retries: int | NotGiven = ...,
        headers: Mapping[str, str] | NotGiven = ...,
        idempotency_key: str | NotGiven = ...,
    ) -> RunResult | AsyncStream: ...

    @overload
    async def run_flow(
        self,
        flow_id: str | NotGiven = ...,
        input_value: str | NotGiven = ...,
        *,
        stream: Literal[False] = ...,
        background: Literal[True],
        tweaks: Mapping[str, Mapping[str, Any]] | None = ...,
        session_id: str | None = ...,
        files: Sequence[str | PathLike[str]] | None = ...,
        variables: Mapping[str, str] | None = ...,
        output_ids: Sequence[str] | None = ...,
        delete_files: bool = ...,
        timeout: float | NotGiven | None = ...,
        max_retries: int | NotGiven = ...,
        headers: Mapping[str, str] | NotGiven = ...,
        idempotency_key: str | NotGiven = ...,
    ) -> AsyncJob: ...

    async def run_flow(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        input_value: str | NotGiven = NOT_GIVEN,
        *,
        stream: bool = False,
        background: bool = False,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        session_id: str | None = None,
        files: Sequence[str | PathLike[str]] | None = None,
        variables: Mapping[str, str] | None = None,
        output_ids: Sequence[str] | None = None,
        delete_files: bool = False,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> RunResult | AsyncStream | AsyncJob:
        """Runs a flow and waits for its result; cancelling the wait ends the request.

        Args:
            flow_id: The flow; may be left out where ``base_url`` was a flow's endpoint.
            input_value: What the user says.
            stream: Hand over the events as they come instead, like :meth:`stream_flow`.
            background: Start the run and do not wait: the answer is a :class:`Job`.
            tweaks: Settings of components for this run only, ``{"OpenAI-ab12": {"temperature":
                0.5}}``.
            session_id: Session of an earlier result; the flow then remembers it.
            files: Paths of files, each uploaded first and handed to the component that reads it;
                open-source servers only.
            variables: Global variables of this run only, by name; open-source servers only.
            output_ids: The outputs that count, by component id: ``output`` is the one of them that
                there is, while ``outputs`` has them all. Not of a run in the background.
            delete_files: Delete what ``files`` uploaded once the run has ended; a stream that is
                left before its end leaves it there. Not of a run in the background.
            timeout: Seconds that the call may take; ``None`` for no limit.
            max_retries: How often to try again where it is safe.
            headers: Sent with this request.
            idempotency_key: Runs of the same key are one run; made for you if left out.

        Returns:
            The result: ``output``, ``text``, ``session_id``, ``metadata`` and more.

        Raises:
            InvalidInput: an argument is not usable; nothing was sent.
            NotFound: there is no such flow.
            Unsupported: the server cannot run flows in the background.
            RunFailed: the flow ran into an error.
            LangflowError: all else that can go wrong; see its subclasses.
        """
        # What most runs are, without JSON and a watch between.
        if (
            type(flow_id) is str
            and type(input_value) is str
            and (session_id is None or type(session_id) is str)
            and tweaks is None
            and timeout is NOT_GIVEN
            and max_retries is NOT_GIVEN
            and headers is NOT_GIVEN
            and idempotency_key is NOT_GIVEN
            and files is None
            and variables is None
            and output_ids is None
            and delete_files is False
            and not (stream or background or self._defaults or self._keys or wanted())
        ):
            try:
                return result(await self._bare.run_plain_async(flow_id, input_value, session_id))
            except UnicodeEncodeError:
                # Half a character: below it is said of which argument.
                pass
        options = run_options(timeout, max_retries, headers, idempotency_key)
        fields = run_fields(
            flow_id,
            input_value,
            tweaks,
            session_id,
            files,
            variables,
            output_ids,
            delete_files,
        )
        if background:
            from ._async_job import AsyncJob

            if stream:
                raise invalid_input(
                    "background",
                    "A run in the background is followed with `events()`, not `stream`.",
                )
            with watch(self, "run_flow", self._options(options), flow_id) as seen:
                started = loads(
                    await self._engine.invoke_async("job.start", request(fields, seen.options))
                )
            return AsyncJob(self, started["job_id"])
        if stream:
            return self._stream(fields, options)
        with watch(self, "run_flow", self._options(options), flow_id) as seen:
            made = result(await self._engine.run_async(request(fields, seen.options)))
            seen.finished(made)
        return made

    def job(self, id: str) -> AsyncJob:
        """The run in the background of this id, started here or elsewhere. Nothing is sent.

        Args:
            id: Its :attr:`AsyncJob.id`.
        """
        from ._async_job import AsyncJob

        return AsyncJob(self, id)

    def stream_flow(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        input_value: str | NotGiven = NOT_GIVEN,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        session_id: str | None = None,
        files: Sequence[str | PathLike[str]] | None = None,
        variables: Mapping[str, str] | None = None,
        output_ids: Sequence[str] | None = None,
        delete_files: bool = False,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> AsyncStream:
        """Runs a flow and hands over its events while it runs.

        The arguments are those of :meth:`run_flow`.

        Returns:
            The events; also ``text_stream`` and ``get_final_result()``.

        Raises:
            LangflowError: as for :meth:`run_flow`; while reading also ``StreamInterrupted``.
        """
        options = run_options(timeout, max_retries, headers, idempotency_key)
        return self._stream(
            run_fields(
                flow_id,
                input_value,
                tweaks,
                session_id,
                files,
                variables,
                output_ids,
                delete_files,
            ),
            options,
        )

    def _stream(
        self,
        fields: dict[str, object],
        options: dict[str, object],
        on_result: Callable[[RunResult], None] | None = None,
    ) -> AsyncStream:
        # only async
        # Said now, not with the first event: what JSON cannot say is a mistake of the caller's.
        request(dict(fields), self._options(options))

        def begin() -> Opening:
            seen = watch(self, "stream_flow", self._options(options), fields.get("flow_id"))
            return seen, self._engine.open_async(request(dict(fields), seen.options))

        return AsyncStream(begin, on_result)
        # only sync
        # with watch(self, "stream_flow", self._options(options), fields.get("flow_id")) as seen:
        #     source = self._engine.open(request(fields, seen.options))
        #     seen.goes_on()
        # return Stream(source, seen, on_result)
        # both

    def session(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        session_id: str | None = None,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> AsyncSession:
        """A conversation: runs of one flow that remember each other.

        Args:
            flow_id: The flow; may be left out where ``base_url`` was a flow's endpoint.
            session_id: A conversation to go on with; without it the first run begins a new one.
            tweaks: Settings of components for every run of this conversation.
        """
        from ._async_session import AsyncSession

        return AsyncSession(self, flow_id, session_id, tweaks)

    # only async
    async def aclose(self) -> None:
        """Lets go of the connections; a later call raises ``ClientClosed``."""
        self.close()

    # both

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
