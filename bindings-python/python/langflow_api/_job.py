"""A run in the background."""

from __future__ import annotations

from ._bridge import encode
from ._models import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ._base import Base
    from ._errors import LangflowError


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


class Known:
    """What both kinds of job know."""

    id: str
    """Id of the job; keep it to come back to the job in another process."""

    _client: Any

    def __init__(self, client: Base, id: str) -> None:
        self._client = client
        self.id = id

    @property
    def _engine(self) -> Any:
        # Of each call: its key may have changed.
        return self._client._engine

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
