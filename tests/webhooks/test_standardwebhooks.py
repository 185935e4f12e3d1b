"""What the mock delivers is verified by the PyPI package that receivers really use."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

try:
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError
except ImportError as error:
    raise RuntimeError(
        "install it first: pip install -r tests/webhooks/requirements.txt"
    ) from error

BINARY = os.environ.get("LANGFLOW_MOCK_BIN")
PATIENCE = 20.0


class Receiver(ThreadingHTTPServer):
    """Keeps every request as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        begun = time.monotonic()
        while len(self.requests) < count:
            assert time.monotonic() - begun < PATIENCE, self.requests
            time.sleep(0.01)
        return self.requests


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Mock:
    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready

    def call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.ready['url']}/langflow/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.ready['api_key']}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())


@pytest.fixture
def mock() -> Iterator[Mock]:
    assert BINARY, "LANGFLOW_MOCK_BIN has to name the program langflow-mock"
    process = subprocess.Popen(
        [BINARY, "serve", "--port", "0", "--ready-json", "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield Mock(json.loads(process.stdout.readline()))
    process.terminate()
    process.communicate(timeout=10)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_deliveries_are_verified(mock: Mock, receiver: Receiver) -> None:
    events = ["flow_started", "component_completed", "flow_completed"]
    made = mock.call("POST", "/flows/hello-flow/webhooks", {"url": receiver.url, "events": events})
    ran = mock.call("POST", "/flows/hello-flow/run", {"input_value": "Grüße 👋"})
    payloads = []
    for headers, body in receiver.wait(6):
        payloads.append(Webhook(made["secret"]).verify(body, headers))
        assert list(payloads[-1])[:5] == ["event", "flow_id", "session_id", "result", "timestamp"]
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(body + b" ", headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(body, {**headers, "webhook-id": "msg_other"})
    assert payloads[0]["event"] == "flow_started"
    assert payloads[-1]["event"] == "flow_completed"
    assert payloads[-1]["result"] == {"output": ran["result"]["output"]}


def test_during_a_rotation_both_secrets_verify(mock: Mock, receiver: Receiver) -> None:
    body = {"url": receiver.url, "events": ["flow_completed"]}
    made = mock.call("POST", "/flows/echo/webhooks", body)
    path = f"/webhooks/{made['webhook']['id']}"
    rotated = mock.call("POST", f"{path}/rotate-secret", {"grace_period": 60})
    mock.call("POST", f"{path}/test", {})
    headers, sent = receiver.wait(1)[0]
    for secret in (made["secret"], rotated["secret"]):
        assert Webhook(secret).verify(sent, headers)["session_id"] == "test"
    at_once = mock.call("POST", f"{path}/rotate-secret", {"grace_period": 0})
    mock.call("POST", f"{path}/test", {})
    headers, sent = receiver.wait(2)[1]
    Webhook(at_once["secret"]).verify(sent, headers)
    for old in (made["secret"], rotated["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(sent, headers)
