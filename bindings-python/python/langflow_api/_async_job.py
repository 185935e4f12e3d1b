"""A run in the background."""

from __future__ import annotations

from ._bridge import result_of
from ._job import JobInfo, Known
from ._json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async_client import AsyncClient
    from ._result import RunResult
    from ._stream import AsyncStream


class AsyncJob(Known):
    # only async
    """A run in the background, for coroutines; all but :meth:`events` is awaited."""

    # only sync
    # """A run in the background: it goes on at the server whatever becomes of this object.
    #
    # Examples:
    #     >>> from langflow_api.testing import MockServer
    #     >>> with MockServer() as server:
    #     ...     client = server.client()
    #     ...     job = client.run_flow("hello-flow", "Hello!", background=True)
    #     ...     # Later, here or in another process:
    #     ...     client.job(job.id).wait().output == client.run_flow("hello-flow", "Hello!").output
    #     True
    # """
    # both

    _client: AsyncClient

    def __init__(self, client: AsyncClient, id: str) -> None:
        super().__init__(client, id)

    async def info(self) -> JobInfo:
        """Where it stands. That it has failed is no error here: ``status`` and ``error`` say so.

        Raises:
            NotFound: the server does not know the job.
            LangflowError: as for every call.
        """
        return JobInfo(loads(await self._engine.invoke_async("job.info", self._arguments())))

    async def wait(self, timeout: float | None = None) -> RunResult:
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
        arguments = self._arguments(timeout=timeout)
        return result_of(await self._engine.invoke_async("job.wait", arguments))

    def events(self, last_event_id: str | None = None) -> AsyncStream:
        """Its events up to its end; letting go of them does not stop the job.

        Args:
            last_event_id: Id of the last event that arrived; without it they begin at the first.

        Raises:
            LangflowError: as for every call; while reading, what the run ended with.
        """
        return self._client._stream(self._following(last_event_id), {})

    async def cancel(self) -> bool:
        """Stops it.

        Returns:
            Whether there was anything to stop: ``False`` where it was over.

        Raises:
            NotFound: the server does not know the job.
        """
        answered = loads(await self._engine.invoke_async("job.cancel", self._arguments()))
        return bool(answered["cancelled"])

    async def resume(self, action_id: str) -> None:
        """Answers what a suspended job waits for.

        Args:
            action_id: One of the ``options`` of ``info().human_request``.

        Raises:
            Conflict: it waits for nothing.
            Unprocessable: there is no such action.
            Unsupported: jobs of this server are never suspended.
        """
        await self._engine.invoke_async("job.resume", self._arguments(action_id=action_id))
