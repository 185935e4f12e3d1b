"""What clients offer around a run: many runs, any route, projects, checks and exports."""

from __future__ import annotations

from ._base import Base, folder_of, run_options, tweaks_of
from ._bridge import encode
from ._given import NOT_GIVEN, NotGiven
from ._json import loads
from ._watch import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    # only async
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    # only sync
    # from collections.abc import Iterator, Mapping
    # both
    from os import PathLike
    from typing import Any, Literal

    # only async
    from . import _native

    # both
    from ._many import Inputs, Many, Progress, RunBatch, RunItem
    from ._models import Model
    from ._raw import RawResponse


class AsyncTools(Base):
    """Base of :class:`AsyncClient`."""

    # only async
    @property
    def _engine(self) -> Any:
        if self._keys is None:
            return self._bare
        from ._late import LateEngine

        return LateEngine(self._ready)

    async def _ready(self, kind: str, message: str) -> tuple[_native.Engine, str]:
        """The engine with the key of now, and the message with what is left of its time."""
        if self._keys is None:
            return self._bare, message
        from ._late import Clock, in_time

        clock = Clock(kind, message, self._limit())
        key: Any = self._asked()
        engine = self._with_key(await in_time(key, clock) if hasattr(key, "__await__") else key)
        return engine, clock.message()

    # both

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
        with watch(self, "request", self._options({**options, "query": query})) as seen:
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
        from ._many import Many, RunBatch, in_order, inputs_of, shared_fields
        from ._progress import told

        chosen = inputs_of(inputs)
        with told(progress, len(chosen), "runs") as far:
            items: list[RunItem] = []
            options = self._options(run_options(timeout, max_retries, headers, NOT_GIVEN))
            many = Many(flow_id, chosen, shared_fields(tweaks), options, concurrency, False)
            async for made in self._batches(many):
                done = len(items)
                items += made
                if progress:
                    for more in range(1, len(made) + 1):
                        far(done + more, len(chosen))
        return RunBatch(in_order(items))

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
        # only async
        from ._many import Many, shared_fields

        # only sync
        # from .._many import Many, iterate, shared_fields
        # both

        options = self._options(run_options(timeout, max_retries, headers, NOT_GIVEN))
        many = Many(flow_id, inputs, shared_fields(tweaks), options, concurrency, ordered)
        # only async
        batches = self._batches(many)
        try:
            async for made in batches:
                for item in made:
                    yield item
        finally:
            await batches.aclose()
        # only sync
        # # No generator: what is wrong with the arguments is said at once.
        # return iterate(self._engine, many)
        # both

    # only async
    async def _batches(self, many: Many) -> AsyncGenerator[list[RunItem], None]:
        """The items as they are done, those together that are there together."""
        engine, message = await self._ready("run_many", many.message)
        source = engine.run_many(message, many.texts)
        try:
            while True:
                batch = await source.next_events_async()
                if batch is None:
                    return
                yield many.items(batch)
        finally:
            source.close()

    # only sync
    # def _batches(self, many: Many) -> Iterator[list[RunItem]]:
    #     from .._many import batches
    #
    #     return batches(self._engine, many)
    # both

    async def check_tweaks(
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
