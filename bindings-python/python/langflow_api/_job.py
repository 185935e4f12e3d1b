"""A run in the background."""

from __future__ import annotations

from ._bridge import encode, result
from ._json import loads
from ._models import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from . import _native
    from ._async_client import AsyncClient
    from ._client import Client
    from ._errors import LangflowError
    from ._result import RunResult
    from ._stream import AsyncStream, Stream


class JobInfo(Model):
    """What the server knows of a job."""

    __slots__ = ()
    id: str
    """Id of the job."""
    status: Literal["queued", "running", "suspended", "completed", "failed", "cancelled"]
    """Where it stands; the last three are final, ``suspended`` waits for :meth:`Job.resume`."""
    flow_id: str | None
    """Id of the flow, where the server says it."""
    session_id: str | None
    """Id of the session, where the server says it."""
    human_request: dict[str, Any] | None
    """What a suspended job waits for: ``prompt``, ``options`` and more, as the server sent it."""
    raw: dict[str, Any] | None
    """The answer as the server sent it."""
    _fields = ("id", "status", "flow_id", "session_id", "human_request", "error", "raw")

    @property
    def error(self) -> LangflowError | None:
        """Why it failed."""
        from ._errors import from_info

        info = self._data.get("error")
        return None if info is None else from_info(info)


class _Known:
    """What both kinds of job know."""

    id: str
    """Id of the job; keep it to come back to the job in another process."""

    def __init__(self, engine: _native.Engine, id: str) -> None:
        self._engine = engine
        self.id = id

    def _arguments(self, **more: object) -> str:
        given = {name: value for name, value in more.items() if value is not None}
        return encode({"job_id": self.id, **given}).decode()

    def _following(self, last_event_id: str | None) -> dict[str, object]:
        fields: dict[str, object] = {"job_id": self.id}
        if last_event_id is not None:
            fields["last_event_id"] = last_event_id
        return fields

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class Job(_Known):
    """A run in the background: it goes on at the server whatever becomes of this object.

    Examples:
        >>> from langflow_api.testing import MockServer
        >>> with MockServer() as server:
        ...     client = server.client()
        ...     job = client.run_flow("hello-flow", "Hello!", background=True)
        ...     # Later, here or in another process:
        ...     client.job(job.id).wait().output == client.run_flow("hello-flow", "Hello!").output
        True
    """

    def __init__(self, client: Client, id: str) -> None:
        super().__init__(client._engine, id)
        self._client = client

    def info(self) -> JobInfo:
        """Where it stands. That it has failed is no error here: ``status`` and ``error`` say so.

        Raises:
            NotFound: the server does not know the job.
            LangflowError: as for every call.
        """
        return JobInfo(loads(self._engine.invoke("job.info", self._arguments())))

    def wait(self, timeout: float | None = None) -> RunResult:
        """Waits until it is over.

        Args:
            timeout: Seconds to wait at most; without it there is no end to it.

        Returns:
            The result; with the reason ``suspended`` where the job waits for :meth:`resume`.

        Raises:
            RunFailed: a component failed; the message says which and why.
            Cancelled: somebody stopped it.
            TotalTimeout: it is not over yet. It goes on, and can be waited for again.
            LangflowError: as for every call.
        """
        return result(self._engine.invoke("job.wait", self._arguments(timeout=timeout)))

    def events(self, last_event_id: str | None = None) -> Stream:
        """Its events up to its end; letting go of them does not stop the job.

        Args:
            last_event_id: Id of the last event that arrived; without it they begin at the first.

        Raises:
            LangflowError: as for every call; while reading, what the run ended with.
        """
        return self._client._stream(self._following(last_event_id), {})

    def cancel(self) -> bool:
        """Stops it.

        Returns:
            Whether there was anything to stop: ``False`` where it was over.

        Raises:
            NotFound: the server does not know the job.
        """
        answered = loads(self._engine.invoke("job.cancel", self._arguments()))
        return bool(answered["cancelled"])

    def resume(self, action_id: str) -> None:
        """Answers what a suspended job waits for.

        Args:
            action_id: One of the ``options`` of ``info().human_request``.

        Raises:
            Conflict: it waits for nothing.
            Unprocessable: there is no such action.
            Unsupported: jobs of this server are never suspended.
        """
        self._engine.invoke("job.resume", self._arguments(action_id=action_id))


class AsyncJob(_Known):
    """A run in the background, for coroutines; see :class:`Job`."""

    def __init__(self, client: AsyncClient, id: str) -> None:
        super().__init__(client._engine, id)
        self._client = client

    async def info(self) -> JobInfo:
        """Where it stands; see :meth:`Job.info`."""
        return JobInfo(loads(await self._engine.invoke_async("job.info", self._arguments())))

    async def wait(self, timeout: float | None = None) -> RunResult:
        """Waits until it is over; see :meth:`Job.wait`."""
        arguments = self._arguments(timeout=timeout)
        return result(await self._engine.invoke_async("job.wait", arguments))

    def events(self, last_event_id: str | None = None) -> AsyncStream:
        """Its events up to its end; not to be awaited; see :meth:`Job.events`."""
        return self._client._stream(self._following(last_event_id), {})

    async def cancel(self) -> bool:
        """Stops it; see :meth:`Job.cancel`."""
        answered = loads(await self._engine.invoke_async("job.cancel", self._arguments()))
        return bool(answered["cancelled"])

    async def resume(self, action_id: str) -> None:
        """Answers what a suspended job waits for; see :meth:`Job.resume`."""
        await self._engine.invoke_async("job.resume", self._arguments(action_id=action_id))
