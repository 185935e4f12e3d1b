"""The client for coroutines: running a flow, and the generated resources."""

from __future__ import annotations

from ._base import Base, folder_of, run_fields, run_options, tweaks_of
from ._bridge import encode, request, result
from ._generated.namespace import AsyncResources, AsyncWorkspace
from ._given import NOT_GIVEN, NotGiven, overload
from ._json import loads
from ._native import invalid_input
from ._stream import AsyncStream
from ._watch import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from . import _native
    from ._async_job import AsyncJob
    from ._async_session import AsyncSession
    from ._generated.langflow.namespace import AsyncLangflow
    from ._many import Inputs, Progress, RunBatch, RunItem
    from ._models import Model
    from ._raw import RawResponse
    from ._result import RunResult
    from ._stream import Opening


class AsyncClient(Base, AsyncResources):
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
        """Runs a flow and returns its result; see :meth:`Client.run_flow`.

        Cancelling the task ends the request.
        """
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
            with watch("run_flow", self._options(options), flow_id) as seen:
                started = loads(
                    await self._engine.invoke_async("job.start", request(fields, seen.options))
                )
            return AsyncJob(self, started["job_id"])
        if stream:
            return self._stream(fields, options)
        with watch("run_flow", self._options(options), flow_id) as seen:
            made = result(await self._engine.run_async(request(fields, seen.options)))
            seen.finished(made)
        return made

    @property
    def _engine(self) -> Any:
        if self._keys is None:
            return self._bare
        from ._late import LateEngine

        return LateEngine(self._ready)

    async def _ready(self) -> _native.Engine:
        """The engine, with the key of now."""
        if self._keys is None:
            return self._bare
        key: Any = self._keys()
        return self._with_key(await key if hasattr(key, "__await__") else key)

    async def request(
        self,
        method: str,
        path: str,
        body: object = NOT_GIVEN,
        *,
        content_type: str | NotGiven = NOT_GIVEN,
        query: Mapping[str, object] | NotGiven = NOT_GIVEN,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        idempotency_key: str | NotGiven = NOT_GIVEN,
    ) -> RawResponse[Any]:
        """Sends a request to any route of the server; see :meth:`Client.request`."""
        from ._raw import any_answer, any_request

        options = run_options(timeout, max_retries, headers, idempotency_key)
        with watch("request", self._options({**options, "query": query})) as seen:
            message, data = any_request(method, path, body, content_type, seen.options)
            reply = await self._engine.call_async(message, data)
            seen.replied(reply[0])
        return any_answer(reply)

    async def pull_project(self, project: str, folder: str | PathLike[str]) -> dict[str, Any]:
        """Saves a project of an open-source server into a folder, a file for each flow.

        The files are sorted and have no secrets: made for version control.

        Args:
            project: Its id or name.
            folder: Where to; it is made if it is not there.

        Returns:
            ``project_id``, ``project_name`` and ``flows``, each with ``file``, ``id``, ``name`` and
            ``action``: ``written``, ``unchanged`` or ``removed``.

        Raises:
            NotFound: there is no such project.
            LangflowError: all else that can go wrong; see its subclasses.
        """
        args = encode({"project": project, "folder": folder_of(folder)}).decode()
        report: dict[str, Any] = loads(await self._engine.invoke_async("project.pull", args))
        return report

    async def push_project(self, folder: str | PathLike[str]) -> dict[str, Any]:
        """Brings a folder that :meth:`pull_project` wrote to an open-source server.

        Flows keep their ids and the secrets that they have on the server; flows that are only there
        are left alone.

        Args:
            folder: The folder.

        Returns:
            As :meth:`pull_project`; ``action`` is ``created``, ``updated``, ``unchanged`` or
            ``only_on_server``.

        Raises:
            InvalidInput: the folder is none that was pulled.
            LangflowError: all else that can go wrong; see its subclasses.
        """
        args = encode({"folder": folder_of(folder)}).decode()
        report: dict[str, Any] = loads(await self._engine.invoke_async("project.push", args))
        return report

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
        """Runs a flow and hands over its events while it runs; see :meth:`Client.stream_flow`.

        Not to be awaited: ``async for event in client.stream_flow(...)``.
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
        # Said now, not with the first event: what JSON cannot say is a mistake of the caller's.
        request(dict(fields), self._options(options))

        def begin() -> Opening:
            seen = watch("stream_flow", self._options(options), fields.get("flow_id"))
            return seen, self._engine.open_async(request(dict(fields), seen.options))

        return AsyncStream(begin, on_result)

    async def run_many(
        self,
        flow_id: str | NotGiven,
        inputs: Inputs,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        concurrency: int = 8,
        progress: Progress = False,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> RunBatch:
        """Runs a flow on many inputs, some at a time; see :meth:`Client.run_many`."""
        from ._many import RunBatch, inputs_of
        from ._progress import told

        chosen = inputs_of(inputs)
        with told(progress, len(chosen), "runs") as far:
            items: list[RunItem] = []
            async for item in self.iter_many(
                flow_id,
                chosen,
                tweaks=tweaks,
                concurrency=concurrency,
                timeout=timeout,
                max_retries=max_retries,
                headers=headers,
            ):
                items.append(item)
                far(len(items), len(chosen))
        return RunBatch(sorted(items, key=lambda item: item.index))

    async def iter_many(
        self,
        flow_id: str | NotGiven,
        inputs: Inputs,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        concurrency: int = 8,
        ordered: bool = False,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> AsyncIterator[RunItem]:
        """The same as :meth:`run_many`, item by item as they are done.

        Leaving the loop stops the runs that are under way. With ``ordered`` the items come in the
        order of the inputs.
        """
        from ._many import Many, shared_fields

        options = self._options(run_options(timeout, max_retries, headers, NOT_GIVEN))
        many = Many(flow_id, inputs, shared_fields(tweaks), options, concurrency, ordered)
        source = (await self._ready()).run_many(many.message)
        try:
            while True:
                batch = await source.next_batch_async()
                if batch is None:
                    return
                for item in many.items(batch):
                    yield item
        finally:
            source.close()

    async def check_tweaks(
        self,
        flow: str | Model | Mapping[str, Any],
        tweaks: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, dict[str, Any]]:
        """Tweaks as a run takes them, by component id; see :meth:`Client.check_tweaks`."""
        args = tweaks_of(flow, tweaks)
        answered = loads(await self._engine.invoke_async("tweaks.check", args))
        checked: dict[str, dict[str, Any]] = answered["tweaks"]
        return checked

    async def export_flow(
        self,
        flow_id: str,
        format: Literal["json", "python"] = "json",
        *,
        stubs: bool = False,
        stream: bool = False,
        asynchronous: bool = False,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """The flow as the text of a file.

        Python comes from the server where it can write it, or else is written here from the
        flow's JSON; with any of the choices below it is always written here.

        Args:
            flow_id: Id of the flow.
            format: ``json``, or ``python`` for a program that needs no Langflow.
            stubs: Write functions that raise for what has no translation, instead of refusing.
            stream: Add ``stream()`` to the program.
            asynchronous: Add ``arun()`` to the program.
            tweaks: Settings of components that are changed first, as in a run.

        Returns:
            The text of the file. No secret of the flow is in it.

        Raises:
            InvalidInput: components of the flow have no translation; the message names them all.
            LangflowError: the flow could not be had.
        """
        args: dict[str, object] = {"flow_id": flow_id, "format": format}
        if format == "python":
            given = {"stubs": stubs, "stream": stream, "asynchronous": asynchronous}
            args.update(given, tweaks=tweaks)
        text: str = loads(await self._engine.invoke_async("export.flow", encode(args).decode()))
        return text

    def session(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        session_id: str | None = None,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> AsyncSession:
        """A conversation: runs of one flow that remember each other; see :meth:`Client.session`."""
        from ._async_session import AsyncSession

        return AsyncSession(self, flow_id, session_id, tweaks)

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
