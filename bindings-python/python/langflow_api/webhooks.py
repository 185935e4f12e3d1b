"""For those who receive webhooks: verify what came, and sign for tests.

    >>> from langflow_api.webhooks import sign, verify
    >>> body = b'{"event": "flow_completed", "flow_id": "f", "session_id": "s", "result": {}}'
    >>> secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    >>> verify(body, sign(body, secret), secret).event
    'flow_completed'

Signatures follow the Standard Webhooks scheme.
"""

from __future__ import annotations

from . import _native
from ._bridge import encode
from ._given import NOT_GIVEN, NotGiven, given
from ._json import loads
from ._models import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    from ._models import Shape

__all__ = [
    "WebhookComponent",
    "WebhookError",
    "WebhookEvent",
    "check",
    "sign",
    "sign_trigger",
    "verify",
]


class WebhookComponent(Model):
    """The component that finished."""

    __slots__ = ()
    id: str
    """Id of the component."""
    display_name: str | None
    """Name of the component in the editor."""
    duration: float | None
    """Seconds that it took."""
    _fields = ("id", "display_name", "duration")


class WebhookError(Model):
    """Why the run failed."""

    __slots__ = ()
    code: str
    """Code of the server."""
    message: str
    """What happened, for people."""
    _fields = ("code", "message")


class WebhookEvent(Model):
    """What a webhook tells."""

    __slots__ = ()
    id: str
    """Id of the message, the same in every attempt: drop what you know already."""
    event: str
    """``flow_started``, ``flow_completed``, ``flow_error``, ``component_completed``, or newer."""
    flow_id: str
    """Id of the flow."""
    session_id: str | None
    """Id of the session."""
    output: Any
    """The output of the flow; ``None`` where there is none yet."""
    timestamp: str | None
    """When it happened; RFC 3339."""
    component: WebhookComponent | None
    """The component that finished, for ``component_completed``."""
    error: WebhookError | None
    """Why the run failed, for ``flow_error``."""
    raw: dict[str, Any]
    """The message as it was sent."""
    _fields = (
        "id",
        "event",
        "flow_id",
        "session_id",
        "output",
        "timestamp",
        "component",
        "error",
        "raw",
    )
    _shapes: ClassVar[dict[str, Shape]] = {
        "component": "WebhookComponent",
        "error": "WebhookError",
    }


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float | NotGiven = NOT_GIVEN,
) -> WebhookEvent:
    """Checks who sent a delivery and when, and reads it.

    Args:
        body: The body, byte by byte as it came: JSON that was read and written again differs.
        headers: The headers; upper and lower case do not matter.
        secret: The secret, or all that are valid while one is being rotated.
        tolerance: Seconds that the message may be old, or from the future; 300 if left out.

    Raises:
        WebhookVerificationFailed: it is not signed with a secret of yours, or too old.
        InvalidInput: a secret is not one, and no other one fits.
    """
    return WebhookEvent(_compute("webhook.verify", _delivery(headers, secret, tolerance), body))


def check(
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float | NotGiven = NOT_GIVEN,
) -> None:
    """Looks at the headers of a delivery whose body has not been read yet.

    Whoever sends has proved nothing before :func:`verify`, so that a receiver should read no body
    that does not even claim to be a delivery of now, and of any other no more than it wants to
    keep.

    Args:
        headers: The headers; upper and lower case do not matter.
        secret: The secret, or all that are valid while one is being rotated.
        tolerance: Seconds that the message may be old, or from the future; 300 if left out.

    Raises:
        WebhookVerificationFailed: a header is missing, or the message is too old.
        InvalidInput: no secret is one.
    """
    _compute("webhook.check", _delivery(headers, secret, tolerance), b"")


def sign(
    body: bytes,
    secret: str | Sequence[str],
    *,
    id: str | NotGiven = NOT_GIVEN,
    timestamp: float | NotGiven = NOT_GIVEN,
) -> dict[str, str]:
    """The headers of a delivery, for tests of a receiver.

    Args:
        body: The body.
        secret: The secret; several sign several times, as during a rotation.
        id: Id of the message; made for you if left out.
        timestamp: Seconds since 1970; now if left out.

    Raises:
        InvalidInput: a secret is not one.
    """
    fields: dict[str, object] = {"secrets": _several(secret), "id": id, "timestamp": timestamp}
    signed: dict[str, str] = _compute("webhook.sign", fields, body)
    return {name: str(value) for name, value in signed.items()}


def sign_trigger(
    body: bytes, secret: str, *, timestamp: float | NotGiven = NOT_GIVEN
) -> dict[str, str]:
    """The headers that a trigger of an open-source server wants to see.

    Args:
        body: The body.
        secret: The secret of the trigger.
        timestamp: Seconds since 1970; now if left out. Send a repeated request with the first
            one's, and the server takes both for one.

    Raises:
        InvalidInput: the secret is not one.
    """
    fields: dict[str, object] = {"secret": secret, "timestamp": timestamp}
    signed: dict[str, str] = _compute("trigger.sign", fields, body)
    return {name: str(value) for name, value in signed.items()}


def _delivery(
    headers: Mapping[str, str], secret: str | Sequence[str], tolerance: float | NotGiven
) -> dict[str, object]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if not hasattr(headers, "keys"):
        raise _invalid("headers", "the headers of the delivery, by their names", headers)
    found = {str(name).lower(): headers[name] for name in headers}
    kept = {name: found[name] for name in names if name in found}
    return {"secrets": _several(secret), "headers": kept, "tolerance": tolerance}


def _several(secret: str | Sequence[str]) -> list[str]:
    if isinstance(secret, str):
        return [secret]
    if not isinstance(secret, (list, tuple, set, frozenset)):
        raise _invalid("secret", "a secret, or a list of them", secret)
    return list(secret)


def _invalid(name: str, what: str, value: object) -> Exception:
    # Not the value itself: it may be a secret.
    message = f"`{name}` has to be {what}, not {type(value).__name__}."
    return _native.invalid_input(name, message)


def _compute(name: str, fields: dict[str, object], body: bytes) -> Any:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise _invalid("body", "the bytes of the body as they came", body)
    return loads(_native.compute(name, encode(given(fields)).decode(), bytes(body)))
