"""The events of a stream: the same words for every server."""

from __future__ import annotations

from ._json import loads
from ._models import Model, _set_data, of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Literal, Union

    from . import _native
    from ._result import RunResult


class StreamEvent(Model):
    """Base class of all events.

    ``type`` tells them apart; ``id`` is the event's id on the wire, if it has one.
    """

    __slots__ = ()
    id: str | None
    _fields: ClassVar[tuple[str, ...]] = ("type", "id")


class RunStarted(StreamEvent):
    """The server accepted the run."""

    __slots__ = ()
    type: Literal["run_started"]
    run_id: str | None
    session_id: str | None
    raw: dict[str, Any] | None
    _fields = ("type", "id", "run_id", "session_id", "raw")


class Token(StreamEvent):
    """A piece of the answer's text."""

    __slots__ = ()
    type: Literal["token"]
    text: str
    synthetic: bool | None
    """True if the flow sent no tokens and this is its whole text, taken from the result."""
    _fields = ("type", "id", "text", "synthetic")

    if not TYPE_CHECKING:

        @property
        def text(self) -> str:
            return self._data["text"]


class Message(StreamEvent):
    """A whole message; its text may repeat tokens that came before."""

    __slots__ = ()
    type: Literal["message"]
    text: str
    sender: str | None
    raw: dict[str, Any] | None
    _fields = ("type", "id", "text", "sender", "raw")


class ComponentCompleted(StreamEvent):
    """A component of the flow is done."""

    __slots__ = ()
    type: Literal["component_completed"]
    component_id: str
    display_name: str | None
    duration: float | None
    raw: dict[str, Any] | None
    _fields = ("type", "id", "component_id", "display_name", "duration", "raw")


class OutputEvent(StreamEvent):
    """An output of a component."""

    __slots__ = ()
    type: Literal["output"]
    component_id: str | None
    value: Any
    _fields = ("type", "id", "component_id", "value")


class ToolEvent(StreamEvent):
    """A tool was called or answered."""

    __slots__ = ()
    type: Literal["tool"]
    name: str | None
    data: Any
    _fields = ("type", "id", "name", "data")


class UnknownEvent(StreamEvent):
    """An event that this version does not know, as it came."""

    __slots__ = ()
    type: Literal["unknown"]
    event: str | None
    data: Any
    raw: dict[str, Any] | None
    _fields = ("type", "id", "event", "data", "raw")


class End(StreamEvent):
    """The last event of a run that succeeded."""

    __slots__ = ("_held",)

    # The id and the result, until more is asked for.
    _held: tuple[str | None, RunResult]
    type: Literal["end"]
    result: RunResult
    _fields = ("type", "id", "result")

    if not TYPE_CHECKING:

        @property
        def result(self) -> RunResult:
            try:
                return self._held[1]
            except AttributeError:
                from ._result import RunResult

                return of(RunResult, self._data["result"])

        def __getattr__(self, name: str) -> Any:
            if name == "_held":
                # Made of data.
                raise AttributeError(name)
            if name not in ("_data", "id"):
                return super().__getattr__(name)
            try:
                id, result = self._held
            except AttributeError:
                return super().__getattr__(name)
            if name == "id":
                return id
            data = {"type": "end", "id": id, "result": result._data}
            _set_data(self, data)
            return data


_hold = End.__dict__["_held"].__set__

_CLASSES: dict[str, type[StreamEvent]] = {
    "run_started": RunStarted,
    "token": Token,
    "message": Message,
    "component_completed": ComponentCompleted,
    "output": OutputEvent,
    "tool": ToolEvent,
    "unknown": UnknownEvent,
    "end": End,
}

for _name, _class in _CLASSES.items():
    if _class is not UnknownEvent:
        # On the class, so that telling events apart costs no search in their data.
        _class.type = _name  # type: ignore[attr-defined]

if TYPE_CHECKING:
    Event = Union[
        RunStarted,
        Token,
        Message,
        ComponentCompleted,
        OutputEvent,
        ToolEvent,
        UnknownEvent,
        End,
    ]
else:
    Event = StreamEvent


def event(data: dict[str, Any]) -> Event:
    """The event of an engine's JSON."""
    made: Event = of(_CLASSES.get(data["type"], UnknownEvent), data)
    return made


def events(batch: list[Any]) -> list[Event]:
    """The events of a batch of the engine's: tokens are there as objects, the end has its result,
    all else is JSON."""
    return [of(Token, one) if isinstance(one, dict) else _other(one) for one in batch]


def _other(one: str | tuple[str | None, _native.Held]) -> Event:
    if isinstance(one, str):
        return event(loads(one))
    from ._result import holding

    id, held = one
    made: End = object.__new__(End)
    _hold(made, (id, holding(held)))
    return made
