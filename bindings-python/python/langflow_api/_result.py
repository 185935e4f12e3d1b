"""What a run answers."""

from __future__ import annotations

from ._json import loads
from ._models import Model, _set_data, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Literal

    import pandas

    from . import _native
    from ._models import Shape


class RunMetadata(Model):
    """Figures of a run."""

    __slots__ = ()
    duration: float | None
    """Seconds that the server took."""
    tokens_used: int | None
    """Tokens of all model calls together."""
    _fields = ("duration", "tokens_used")


class RunOutput(Model):
    """One output of a flow."""

    __slots__ = ()
    component_id: str | None
    """Id of the component in the flow."""
    display_name: str | None
    """Name that people see."""
    type: str | None
    """Kind of the value."""
    value: Any
    """The value itself."""
    _fields = ("component_id", "display_name", "type", "value")


class RunResult(Model):
    """The answer of a run, the same on every server.

    What else the server says stands in :attr:`raw`; :attr:`~Model.extra` is empty, here and in
    its parts.
    """

    __slots__ = ("_held",)

    _held: _native.Held
    reason: Literal["single", "multiple", "none", "non_string", "suspended", "pending"]
    """How many outputs there are, and of which kind."""
    outputs: dict[str, RunOutput]
    """All outputs by component, or under ``"output"`` where the server names none."""
    session_id: str | None
    """Send it back with the next run and the flow remembers this one."""
    session_status: Literal["new", "continued", "expired"] | None
    """Whether the session is new, was continued, or had expired and began afresh."""
    metadata: RunMetadata
    """Duration and tokens."""
    server: str
    """Family of the server that answered."""
    request_id: str | None
    """Id of the request; name it when you ask for support."""
    attempts: int
    """How many requests were sent."""
    cached: bool
    """Whether the answer was kept from an earlier run (``cache_ttl``); it has no session then."""
    raw: dict[str, Any]
    """The answer's body as it came."""

    # The engine's result, until more is asked for than its text.
    @property
    def output(self) -> Any:
        """The single output: its text, or its value if it is not text; ``None`` if there is no
        single one (see :attr:`reason`)."""
        try:
            text = self._held.output
        except AttributeError:
            text = None
        return self.get("output") if text is None else text

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "_held":
                # Made of data.
                raise AttributeError(name)
            if name != "_data":
                return super().__getattr__(name)
            data = loads(self._held.json())
            _set_data(self, data)
            return data

    @property
    def skipped_events(self) -> int:
        """Events of its stream that were passed over as malformed (``skip_malformed``)."""
        try:
            return self._held.skipped_events
        except AttributeError:
            skipped: int = self._data.get("skipped_events", 0)
            return skipped

    _fields = (
        "output",
        "text",
        "text_error",
        "reason",
        "outputs",
        "session_id",
        "session_status",
        "metadata",
        "server",
        "request_id",
        "attempts",
        "cached",
        "skipped_events",
        "raw",
    )
    _shapes: ClassVar[dict[str, Shape]] = {"metadata": "RunMetadata", "outputs": {"*": "RunOutput"}}

    @property
    def text(self) -> str:
        """The single output as text.

        Raises:
            NoSingleOutput: there is none, more than one, or one that is not text; the error
                lists what there is.
        """
        text = self._text()
        if text is not None:
            return text
        from ._generated.errors import NoSingleOutput

        info = self._data.get("text_error") or {}
        raise NoSingleOutput(info.get("message", "The run has no single text output."), info)

    def _text(self) -> str | None:
        try:
            text = self._held.output
        except AttributeError:
            text = None
        if text is None:
            text = self._data.get("text")
        return text if isinstance(text, str) else None

    def to_pandas(self) -> pandas.DataFrame:
        """The result as rows: those of a tabular output, else one row an output.

        Raises:
            ImportError: pandas is not installed.
        """
        from ._show import frame

        output = self.output
        if isinstance(output, list) and output and all(isinstance(row, dict) for row in output):
            return frame(output)
        rows: Any = ({"output": key, **one.to_dict()} for key, one in self.outputs.items())
        return frame(rows)

    def _repr_html_(self) -> str:
        from ._show import result_html

        return result_html(self)

    def _repr_markdown_(self) -> str:
        # The flow's text as it is: flows answer in Markdown. Notebooks show the HTML, where every
        # text is escaped, or clean what Markdown brings.
        from ._show import result_markdown

        return result_markdown(self)

    def __str__(self) -> str:
        text = self._text()
        return repr(self) if text is None else text

    def __repr__(self) -> str:
        shown = ["output", "session_id", "metadata"]
        if self.reason not in (None, "single"):
            shown.insert(1, "reason")
        fields = ", ".join(f"{name}={short(getattr(self, name))}" for name in shown)
        return f"RunResult({fields})"


hold = RunResult.__dict__["_held"].__set__
"""Makes a new object the result that the engine holds."""


def holding(held: _native.Held) -> RunResult:
    """The result that the engine holds, as a new object."""
    made: RunResult = object.__new__(RunResult)
    hold(made, held)
    return made
