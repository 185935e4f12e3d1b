"""The client that waits: running a flow, and the generated resources."""

from __future__ import annotations

from ._base import Base, folder_of, run_fields, run_options, tweaks_of
from ._bridge import encode, request, result
from ._generated.namespace import Resources, Workspace
from ._given import NOT_GIVEN, NotGiven, overload
from ._json import loads
from ._native import invalid_input
from ._stream import Stream
from ._watch import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from ._generated.job import Job
    from ._generated.langflow.namespace import Langflow
    from ._generated.session import Session
    from ._many import Inputs, Progress, RunBatch, RunItem
    from ._models import Model
    from ._raw import RawResponse
    from ._result import RunResult


class Client(Base, Resources):
    """Calls flows and waits for them.

    May be shared by threads, used after a fork, and pickled (the configuration is what travels).

    Examples:
        >>> from langflow_api import Client
        >>> client = Client(base_url="http://127.0.0.1:7860", api_key="lf-key")
        >>> client
        Client(base_url='http://127.0.0.1:7860', api_key='***', api='auto', max_retries=2)
    """

    @property
    def _client(self) -> Client:
        return self

    @property
    def workspace(self) -> Workspace:
        """Every operation of the workspace API."""
        return Workspace(self)

    @property
    def langflow(self) -> Langflow:
        """Every operation of an open-source server; on a workspace each raises ``Unsupported``."""
        from ._generated.langflow.namespace import Langflow

        return Langflow(self)

    @overload
    def run_flow(
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
    def run_flow(
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
    ) -> Stream: ...

    @overload
    def run_flow(
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
    ) -> RunResult | Stream: ...

    @overload
    def run_flow(
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
    ) -> Job: ...

    def run_flow(
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
    ) -> RunResult | Stream | Job:
        """Runs a flow and waits for its result.

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
            from ._generated.job import Job

            if stream:
                raise invalid_input(
                    "background",
                    "A run in the background is followed with `events()`, not `stream`.",
                )
            with watch("run_flow", self._options(options), flow_id) as seen:
                started = loads(self._engine.invoke("job.start", request(fields, seen.options)))
            return Job(self, started["job_id"])
        if stream:
            return self._stream(fields, options)
        with watch("run_flow", self._options(options), flow_id) as seen:
            made = result(self._engine.run(request(fields, seen.options)))
            seen.finished(made)
        return made

    def request(
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
        """Sends a request to any route of the server, with the client's key, retries and errors.

        For what this package has no method for, such as a route that is newer than it.

        Args:
            method: HTTP method. ``GET``, ``HEAD``, ``OPTIONS``, ``PUT`` and ``DELETE`` are tried
                again after every transient failure, ``POST`` and ``PATCH`` only where nothing can
                have been executed.
            path: Path from the root of the server, as a URL has it: ``/langflow/api/v1/...`` of a
                workspace, ``/api/v1/...`` of an open-source server.
            body: Data that is sent as JSON, or bytes.
            content_type: Media type of the body, where it is neither ``application/json`` for data
                nor ``application/octet-stream`` for bytes.
            query: Parameters of the query; a list is one that is repeated.
            timeout: Seconds that the call may take; ``None`` for no limit.
            max_retries: How often to try again where it is safe.
            headers: Sent with this request.
            idempotency_key: Sent as ``Idempotency-Key``, the same with every attempt.

        Returns:
            The answer as it came: ``status``, ``headers``, ``content``, ``text``, ``json()``;
            ``parse()`` chooses by its media type.

        Raises:
            InvalidInput: an argument is not usable; nothing was sent.
            LangflowError: all else that can go wrong; see its subclasses.
        """
        from ._raw import any_answer, any_request

        options = run_options(timeout, max_retries, headers, idempotency_key)
        with watch("request", self._options({**options, "query": query})) as seen:
            message, data = any_request(method, path, body, content_type, seen.options)
            reply = self._engine.call(message, data)
            seen.replied(reply[0])
        return any_answer(reply)

    def pull_project(self, project: str, folder: str | PathLike[str]) -> dict[str, Any]:
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
        report: dict[str, Any] = loads(self._engine.invoke("project.pull", args))
        return report

    def push_project(self, folder: str | PathLike[str]) -> dict[str, Any]:
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
        report: dict[str, Any] = loads(self._engine.invoke("project.push", args))
        return report

    def job(self, id: str) -> Job:
        """The run in the background of this id, started here or elsewhere. Nothing is sent.

        Args:
            id: Its :attr:`Job.id`.
        """
        from ._generated.job import Job

        return Job(self, id)

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
    ) -> Stream:
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
    ) -> Stream:
        with watch("stream_flow", self._options(options), fields.get("flow_id")) as seen:
            source = self._engine.open(request(fields, seen.options))
            seen.goes_on()
        return Stream(source, seen, on_result)

    def run_many(
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
        """Runs a flow on many inputs, some at a time; one that fails stops no other.

        Args:
            flow_id: The flow.
            inputs: Texts, or mappings with ``input_value`` and, where they differ, ``flow_id``,
                ``tweaks`` and ``session_id``.
            tweaks: Settings of components for every run.
            concurrency: Runs at a time.
            progress: ``True`` for a bar on standard error (tqdm or rich, if one is installed), or a
                function of the number of runs done and of all.
            timeout: Seconds that each run may take.
            max_retries: How often each run is tried again where that is safe.
            headers: Sent with every request.

        Returns:
            An item an input, in their order: a result, or the error.

        Raises:
            InvalidInput: an argument is not usable; nothing was sent.
        """
        from ._many import RunBatch, inputs_of
        from ._progress import told

        chosen = inputs_of(inputs)
        with told(progress, len(chosen), "runs") as far:
            items: list[RunItem] = []
            for item in self.iter_many(
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

    def iter_many(
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
    ) -> Iterator[RunItem]:
        """The same as :meth:`run_many`, item by item as they are done.

        Leaving the loop stops the runs that are under way. With ``ordered`` the items come in the
        order of the inputs.
        """
        from ._many import Many, iterate, shared_fields

        options = self._options(run_options(timeout, max_retries, headers, NOT_GIVEN))
        many = Many(flow_id, inputs, shared_fields(tweaks), options, concurrency, ordered)
        return iterate(self._engine, many)

    def check_tweaks(
        self,
        flow: str | Model | Mapping[str, Any],
        tweaks: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, dict[str, Any]]:
        """Tweaks as a run takes them, without running anything.

        Components may be named by what the flow calls them; what the flow does not have is refused
        with what there is instead.

        Args:
            flow: Id of the flow, or the flow itself, for which nothing is asked of the server.
            tweaks: Settings of components.

        Returns:
            The tweaks by component id.

        Raises:
            InvalidInput: a component or a parameter is unknown, or a name is ambiguous; the error
                names it.
            NotFound: there is no such flow.
            LangflowError: the flow could not be read.
        """
        answered = loads(self._engine.invoke("tweaks.check", tweaks_of(flow, tweaks)))
        checked: dict[str, dict[str, Any]] = answered["tweaks"]
        return checked

    def export_flow(
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
        text: str = loads(self._engine.invoke("export.flow", encode(args).decode()))
        return text

    def session(
        self,
        flow_id: str | NotGiven = NOT_GIVEN,
        session_id: str | None = None,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Session:
        """A conversation: runs of one flow that remember each other.

        Args:
            flow_id: The flow; may be left out where ``base_url`` was a flow's endpoint.
            session_id: A conversation to go on with; without it the first run begins a new one.
            tweaks: Settings of components for every run of this conversation.

        Examples:
            >>> from langflow_api.testing import MockServer
            >>> with MockServer() as server:
            ...     chat = server.client().session("memory-chat")
            ...     _ = chat.run("My name is Alice")
            ...     "Alice" in chat.run("What is my name?").text
            True
        """
        from ._generated.session import Session

        return Session(self, flow_id, session_id, tweaks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
