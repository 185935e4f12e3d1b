"""The base of all errors; the classes below it are generated from ``openapi/errors.toml``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Marks the field of an error that came of what a hook raised.
KEPT = "#raised"

# What an error may know, and its value where it does not.
_ATTRIBUTES: dict[str, object] = {
    "may_have_executed": False,
    "status": None,
    "field": None,
    "server_code": None,
    "errors": (),
    "request_id": None,
    "retry_after": None,
    "attempts": 0,
    "method": None,
    "url": None,
    "elapsed": None,
    "partial_text": None,
    "outputs": (),
    "body": None,
}


class LangflowError(Exception):
    """Base class of every error that this package raises.

    Catch this class for anything that went wrong, or one of its subclasses for a certain cause.
    ``code`` identifies the cause and is the same word in every language; ``message`` is for
    people and may change.
    """

    code: str = "langflow_error"
    """Identity of the error, snake_case."""
    hint: str = ""
    """What to do about it."""
    phase: str = ""
    """Where in the call it happened: build, connect, send, first_byte, body, decode, stream or
    status."""
    retryable: bool = False
    """Whether the same call may succeed later."""

    message: str
    """What happened, for people."""
    may_have_executed: bool
    """True if the server may have done the work although the call failed."""
    status: int | None
    """HTTP status, if there was an answer."""
    field: str | None
    """Argument or field at fault."""
    server_code: str | None
    """``code`` of the server's problem document."""
    errors: list[dict[str, Any]]
    """Field by field, what the server refused: ``{"field": ..., "message": ...}``."""
    request_id: str | None
    """Id of the request; name it when you ask for support."""
    retry_after: float | None
    """Seconds after which the server wants to be asked again."""
    attempts: int
    """How many requests were sent."""
    method: str | None
    """HTTP method."""
    url: str | None
    """URL without query and secrets."""
    elapsed: float | None
    """Seconds from the start of the call."""
    partial_text: str | None
    """Text that had arrived before a stream broke off."""
    outputs: list[Any]
    """Outputs that there are, where a single one was asked for."""
    body: str | None
    """Beginning of the answer's body."""

    def __init__(self, message: str = "", info: Mapping[str, Any] | None = None) -> None:
        info = dict(info or {})
        self._info = info
        self.message = message or str(info.get("message", ""))
        super().__init__(self.message)
        for name in ("code", "hint", "phase"):
            if info.get(name):
                setattr(self, name, info[name])
        for name, default in _ATTRIBUTES.items():
            value = info.get(name)
            if value is None:
                value = list(default) if isinstance(default, tuple) else default
            setattr(self, name, value)

    @property
    def status_code(self) -> int | None:
        """The same as :attr:`status`, under the name that users of ``langflow-sdk`` look for."""
        return self.status

    def to_dict(self) -> dict[str, Any]:
        """Everything that is known, as plain data."""
        return {"code": self.code, "message": self.message, **self._info}

    def __str__(self) -> str:
        facts = [self.code]
        if self.status is not None:
            facts.append(f"status {self.status}")
        if self.request_id:
            facts.append(f"request id {self.request_id}")
        lines = [f"{self.message} [{', '.join(facts)}]"]
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={self.code!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message, self._info))


def from_json(text: str) -> BaseException:
    """The error that an engine describes; called by the engine itself."""
    from ._json import loads

    error = from_info(loads(text))
    # What ends programs and tasks, such as `KeyboardInterrupt`, does so from a hook too.
    if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
        return error.__cause__
    return error


def from_info(info: Mapping[str, Any]) -> LangflowError:
    """The error of an engine's facts."""
    from ._generated.errors import BY_CODE

    error: LangflowError = BY_CODE.get(info.get("code"), LangflowError)(
        info.get("message", ""), info
    )
    if error.field is not None and KEPT in error.field:
        from ._hooks import find_cause

        find_cause(error)
    if "cause" in info:
        error.__cause__ = _underneath(error.code, **info["cause"])
    return error


def _underneath(code: str, message: str, os_error: int | None = None) -> OSError:
    """What lies under a connection that failed, as Python's own networking would say it."""
    if os_error is not None:
        import os

        if os.name == "nt":
            return OSError(0, message, None, os_error)
        # Of the class of its number, such as `ConnectionRefusedError`.
        return OSError(os_error, os.strerror(os_error))
    if code == "tls_failed":
        try:
            from ssl import SSLError
        except (ImportError, OSError):
            # It takes too long to be loaded before it is needed; then, no file may be to be opened.
            return ConnectionError(message)
        return SSLError(message)
    return TimeoutError(message) if code == "connect_timeout" else ConnectionError(message)
