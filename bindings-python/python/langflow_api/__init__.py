"""Run flows over HTTP.

    >>> from langflow_api import Client
    >>> client = Client(base_url="https://your-workspace-url", api_key="your-api-key")

Start with :class:`Client`, or :class:`AsyncClient` in coroutines. Every error is a
:class:`LangflowError`. Importing this package starts no thread and touches no network.
"""

from __future__ import annotations

from ._generated import error_names as _error_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from . import models
    from ._async_client import AsyncClient
    from ._async_job import AsyncJob
    from ._async_session import AsyncSession
    from ._errors import LangflowError
    from ._events import (
        ComponentCompleted,
        End,
        Event,
        Message,
        OutputEvent,
        RunStarted,
        StreamEvent,
        Token,
        ToolEvent,
        UnknownEvent,
    )
    from ._generated.client import Client
    from ._generated.errors import *  # noqa: F403
    from ._generated.job import Job
    from ._generated.session import Session
    from ._given import NOT_GIVEN, NotGiven
    from ._hooks import HttpRequest, HttpResponse
    from ._job import JobInfo
    from ._many import RunBatch, RunItem
    from ._metrics import Alert, Alerts, Metrics
    from ._models import Model
    from ._pages import AsyncPage, AsyncPager, Page
    from ._raw import RawResponse
    from ._result import RunMetadata, RunOutput, RunResult
    from ._stream import AsyncStream, Stream
    from ._transfer import SavedFile

    __version__: str

__all__ = [
    "NOT_GIVEN",
    "Alert",
    "Alerts",
    "AsyncClient",
    "AsyncJob",
    "AsyncPage",
    "AsyncPager",
    "AsyncSession",
    "AsyncStream",
    "Client",
    "ComponentCompleted",
    "End",
    "Event",
    "HttpRequest",
    "HttpResponse",
    "Job",
    "JobInfo",
    "LangflowError",
    "Message",
    "Metrics",
    "Model",
    "NotGiven",
    "OutputEvent",
    "Page",
    "RawResponse",
    "RunBatch",
    "RunItem",
    "RunMetadata",
    "RunOutput",
    "RunResult",
    "RunStarted",
    "SavedFile",
    "Session",
    "Stream",
    "StreamEvent",
    "Token",
    "ToolEvent",
    "UnknownEvent",
    "__version__",
    "models",
]
if TYPE_CHECKING:
    # What type checkers understand.
    from ._generated import errors as _error_classes

    __all__ += _error_classes.__all__
else:
    __all__ += _error_names.NAMES

# Where each name lives: a name is loaded when it is first asked for, so that importing the
# package costs next to nothing.
_HOMES: dict[str, Iterable[str]] = {
    "_async_client": ("AsyncClient",),
    "_generated.client": ("Client",),
    "_errors": ("LangflowError",),
    "_events": (
        "ComponentCompleted",
        "End",
        "Event",
        "Message",
        "OutputEvent",
        "RunStarted",
        "StreamEvent",
        "Token",
        "ToolEvent",
        "UnknownEvent",
    ),
    "_generated.errors": _error_names.NAMES,
    "_given": ("NOT_GIVEN", "NotGiven"),
    "_async_job": ("AsyncJob",),
    "_generated.job": ("Job",),
    "_hooks": ("HttpRequest", "HttpResponse"),
    "_job": ("JobInfo",),
    "_many": ("RunBatch", "RunItem"),
    "_metrics": ("Alert", "Alerts", "Metrics"),
    "_models": ("Model",),
    "_pages": ("AsyncPage", "AsyncPager", "Page"),
    "_raw": ("RawResponse",),
    "_result": ("RunMetadata", "RunOutput", "RunResult"),
    "_async_session": ("AsyncSession",),
    "_generated.session": ("Session",),
    "_stream": ("AsyncStream", "Stream"),
    "_transfer": ("SavedFile",),
}


if not TYPE_CHECKING:
    # Hidden from type checkers, so that they report a name that is misspelt.
    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "__version__":
            from ._native import __version__

            return __version__
        if name in ("export", "models", "testing", "webhooks"):
            return import_module(f"{__name__}.{name}")
        for home, names in _HOMES.items():
            if name in names:
                value: object = getattr(import_module(f"{__name__}.{home}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
