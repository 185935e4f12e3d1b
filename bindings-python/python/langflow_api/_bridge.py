"""Between Python values and the engine's JSON. Decides nothing: what a value means, whether it
is allowed and what went wrong is the engine's to say."""

from __future__ import annotations

from ._given import NOT_GIVEN, given
from ._json import UNSAYABLE, check, dumps, loads
from ._models import of, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from . import _native
    from ._models import Shape
    from ._result import RunResult


# Loaded with the first run, and not asked for with each.
_run_result: type[RunResult] | None = None
_hold: Callable[[RunResult, _native.Held], None]
_new = object.__new__


def encode(fields: Mapping[str, object]) -> bytes:
    """The JSON object of these arguments.

    Raises:
        InvalidInput: JSON cannot say one of them; the error names it.
    """
    try:
        return _write(fields)
    except UNSAYABLE:
        for name, value in fields.items():
            try:
                _write({name: value})
            except UNSAYABLE as error:
                _refuse(name, value, str(error))
        raise


def _write(value: object) -> bytes:
    text = dumps(value)
    check(value)
    return text


def _refuse(name: str, value: object, why: str) -> NoReturn:
    """Names the argument, and within options or arguments the one at fault."""
    from . import _native

    if name in ("args", "options") and isinstance(value, dict):
        for inner, part in value.items():
            try:
                _write({inner: part})
            except UNSAYABLE as error:
                name, why = str(inner), str(error)
                break
    raise _native.invalid_input(name, f"`{name}` cannot be sent as JSON: {why}.") from None


def request(fields: dict[str, object], options: dict[str, object]) -> str:
    """A run, as the engine takes it."""
    options = given(options)
    if options:
        fields["options"] = options
    return encode(given(fields)).decode()


def head(
    operation: str,
    args: dict[str, object],
    options: dict[str, object],
    content_type: str | None = None,
    filename: str | None = None,
) -> str:
    """The head of a call, as the engine takes it."""
    fields: dict[str, object] = {"op": operation, "args": given(args)}
    options = given(options)
    if options:
        fields["options"] = options
    if content_type is not None:
        fields["content_type"] = content_type
    if filename is not None:
        fields["filename"] = filename
    return encode(fields).decode()


def payload(body: object, extra: Mapping[str, Any] | None = None) -> bytes:
    """The body of a call: bytes as they are, nothing for nothing, all else as JSON."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if body is NOT_GIVEN and extra is None:
        return b""
    if isinstance(body, dict):
        return encode({**given(body), **(extra or {})})
    if body is NOT_GIVEN:
        return encode(extra or {})
    try:
        return _write(body)
    except UNSAYABLE as error:
        _refuse("body", body, str(error))


def answer(reply_head: str, body: bytes, shapes: Mapping[int, Shape], home: str = "models") -> Any:
    """What a call returns: a model for JSON, text for text, bytes for the rest, else ``None``.

    Args:
        home: The generated module that has the models.
    """
    reply = loads(reply_head)
    if not body:
        return None
    content_type = reply["headers"].get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/json" or content_type.endswith("+json"):
        value = loads(body)
        status = reply["status"]
        shape = shapes.get(status, next(iter(shapes.values()), None))
        from importlib import import_module

        models = import_module(f"{__package__}._generated.{home}")
        return wrap(value, shape, vars(models))
    if content_type.startswith("text/") or content_type == "application/x-ndjson":
        return body.decode("utf-8", "replace")
    return body


def result(held: _native.Held) -> RunResult:
    """The result of a run."""
    global _hold, _run_result
    if _run_result is None:
        from ._result import RunResult, hold

        _hold, _run_result = hold, RunResult
    made = _new(_run_result)
    _hold(made, held)
    if held.expired:
        _say_expired(made)
    return made


def result_of(text: str) -> RunResult:
    """The result of a run that comes as JSON."""
    from ._result import RunResult

    made: RunResult = of(RunResult, loads(text))
    if made.session_status == "expired":
        _say_expired(made)
    return made


def _say_expired(made: RunResult) -> None:
    import logging

    logging.getLogger("langflow_api").warning(
        "session %s had expired: the flow began a new memory", made.session_id
    )
