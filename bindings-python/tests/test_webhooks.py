"""For those who receive webhooks."""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import pytest
from langflow_api import InvalidInput, WebhookVerificationFailed
from langflow_api.webhooks import WebhookEvent, sign, sign_trigger, verify

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAYLOAD: dict[str, Any] = {
    "event": "component_completed",
    "flow_id": "f",
    "session_id": "s",
    "result": {"output": None},
    "timestamp": "2026-01-01T00:00:00Z",
    "component": {"id": "A-1", "display_name": "A", "duration": 0.5},
    "later": 1,
}
BODY = json.dumps(PAYLOAD).encode()


def test_the_published_example() -> None:
    body = b'{"email":"test@example.com","username":"test_user"}'
    signed = sign(body, SECRET, id="msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", timestamp=1649367553)
    assert signed == {
        "webhook-id": "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        "webhook-timestamp": "1649367553",
        "webhook-signature": "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    }


def test_an_event() -> None:
    event = verify(BODY, sign(BODY, SECRET), SECRET)
    assert isinstance(event, WebhookEvent)
    assert (event.event, event.flow_id, event.session_id) == ("component_completed", "f", "s")
    assert event.component is not None
    assert event.component.duration == 0.5
    assert event.output is None
    assert event.raw["later"] == 1
    assert event.id.startswith("msg_")
    assert pickle.loads(pickle.dumps(event)) == event


def test_headers_of_any_case_and_secrets_in_rotation() -> None:
    signed = {name.title(): value for name, value in sign(BODY, OTHER).items()}
    assert verify(BODY, {**signed, "Host": "x"}, [SECRET, OTHER]).flow_id == "f"
    both = sign(BODY, [SECRET, OTHER])
    assert verify(BODY, both, OTHER).flow_id == "f"


@pytest.mark.parametrize("wrong", ["body", "secret", "old", "future", "unsigned"])
def test_what_is_refused(wrong: str) -> None:
    shift = {"old": -301, "future": 310}.get(wrong, 0)
    headers = sign(BODY, OTHER if wrong == "secret" else SECRET, timestamp=time.time() + shift)
    if wrong == "unsigned":
        del headers["webhook-signature"]
    body = BODY + b" " if wrong == "body" else BODY
    with pytest.raises(WebhookVerificationFailed):
        verify(body, headers, SECRET)


def test_a_longer_tolerance() -> None:
    headers = sign(BODY, SECRET, timestamp=time.time() - 1000)
    assert verify(BODY, headers, SECRET, tolerance=2000).flow_id == "f"


def test_a_secret_that_is_none() -> None:
    with pytest.raises(InvalidInput) as caught:
        sign(BODY, "whsec_not base64")
    assert "not base64" not in str(caught.value)


WRONG: list[tuple[str, Any]] = [
    ("body", BODY.decode()),
    ("body", None),
    ("headers", None),
    ("headers", 5),
    ("secret", None),
    ("secret", 5),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_an_argument_of_another_type(field: str, value: Any) -> None:
    given = {"body": BODY, "headers": sign(BODY, SECRET), "secret": SECRET, field: value}
    with pytest.raises(InvalidInput) as caught:
        verify(**given)
    assert caught.value.field == field
    if field != "headers":
        del given["headers"]
        with pytest.raises(InvalidInput) as caught:
            sign(**given)
        assert caught.value.field == field


def test_a_trigger() -> None:
    signed = sign_trigger(b"{}", "secret", timestamp=1700000000)
    assert signed["x-langflow-timestamp"] == "1700000000"
    assert signed["x-langflow-signature"].startswith("v1=")
