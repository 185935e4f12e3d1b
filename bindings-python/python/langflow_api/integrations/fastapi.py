"""Flows behind FastAPI routes; needs ``fastapi``.

@app.post("/chat")
async def chat(question: str) -> StreamingResponse:
    return await stream_response(client.stream_flow("your-flow-id", question))
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request
from fastapi.responses import StreamingResponse

from langflow_api import (
    NOT_GIVEN,
    AsyncStream,
    InvalidResponse,
    LangflowError,
    NotGiven,
    WebhookVerificationFailed,
    _native,
)
from langflow_api.webhooks import WebhookEvent, check, sign, verify

if TYPE_CHECKING:
    from langflow_api import StreamEvent

__all__ = ["WebhookReceiver", "stream_response"]


async def stream_response(stream: AsyncStream) -> StreamingResponse:
    """Passes the events of a run on to a browser, as Server-Sent Events.

    The frames are those of the workspace API (``id``, ``event``, ``data``), so that
    ``EventSource`` and every client of that API can read them. A browser that goes away ends the
    run's request. What goes wrong once the stream has begun is its last event, ``error``, with
    ``code``, ``message`` and ``partial_text``.

    Raises:
        InvalidInput: this is no stream of an :class:`AsyncClient`.
        LangflowError: the run could not begin; nothing has been answered yet, so that an exception
            handler of the application can still choose the status.
    """
    passed: object = stream
    if not isinstance(passed, AsyncStream):
        message = f"`stream` has to be the stream of an AsyncClient, not {type(passed).__name__}."
        raise _native.invalid_input("stream", message)
    # The first event decides whether there is anything to stream.
    await stream.__aenter__()
    return StreamingResponse(
        _frames(stream),
        media_type="text/event-stream",
        headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
    )


async def _frames(stream: AsyncStream) -> AsyncIterator[str]:
    try:
        async for event in stream:
            yield _frame(event.type, _data(event), event.id)
    except LangflowError as error:
        told = {"code": error.code, "message": error.message, "partial_text": error.partial_text}
        yield _frame("error", told, None)
    finally:
        await stream.aclose()


def _data(event: StreamEvent) -> Any:
    data = event.to_dict()
    if "raw" in data and isinstance(data["raw"], dict):
        return data["raw"]
    if event["type"] == "end":
        result = data["result"]
        return result.get("raw") or result
    if event["type"] == "unknown":
        return data.get("data")
    return {name: value for name, value in data.items() if name not in ("type", "id")}


def _frame(name: str, data: Any, number: str | None) -> str:
    first = f"id: {number}\n" if number else ""
    return f"{first}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


class WebhookReceiver:
    """A dependency that hands over the verified event of a delivery.

        receiver = WebhookReceiver(os.environ["LANGFLOW_WEBHOOK_SECRET"])

        @app.post("/langflow")
        async def events(event: Annotated[WebhookEvent, Depends(receiver)]) -> None:
            ...

    A delivery that is not signed with the secret, or is too old, is answered with 400 (before
    its body is read where the headers say as much), one that is too large with 413, and one that
    is signed but no event with 422.

    Args:
        secret: The secret of the webhook, or all that are valid while one is being rotated.
        tolerance: Seconds that a delivery may be old, or from the future; 300 if left out.
        max_body: Bytes that a body may have; 4 MiB if left out.

    Raises:
        InvalidInput: a secret is not one.
    """

    def __init__(
        self,
        secret: str | Sequence[str],
        *,
        tolerance: float | NotGiven = NOT_GIVEN,
        max_body: int = 4 * 1024 * 1024,
    ) -> None:
        # Refused now, and not with the first delivery.
        sign(b"", secret)
        self._secret = secret
        self._tolerance = tolerance
        self._max_body = max_body

    async def __call__(self, request: Request) -> WebhookEvent:
        """The event of the request."""
        try:
            check(request.headers, self._secret, tolerance=self._tolerance)
            body = bytearray()
            async for piece in request.stream():
                body += piece
                if len(body) > self._max_body:
                    raise HTTPException(413, f"more than {self._max_body} bytes")
            return verify(bytes(body), request.headers, self._secret, tolerance=self._tolerance)
        except WebhookVerificationFailed as error:
            raise HTTPException(400, error.message) from error
        except InvalidResponse as error:
            raise HTTPException(422, error.message) from error
