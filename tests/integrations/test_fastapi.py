"""A flow behind routes of the real FastAPI, served by uvicorn."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from langflow_api import Client, InvalidInput, LangflowError
from langflow_api.integrations.fastapi import WebhookReceiver, stream_response
from langflow_api.testing import MockServer
from langflow_api.webhooks import WebhookEvent

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Served(uvicorn.Server):
    """An application on a port of its own, in a thread."""

    def __init__(self, app: Any) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_level="error"))
        self.thread = threading.Thread(target=self.run, daemon=True)

    def install_signal_handlers(self) -> None:
        pass

    def __enter__(self) -> str:
        self.thread.start()
        deadline = time.monotonic() + 10
        while not self.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="module")
def slow() -> Iterator[MockServer]:
    with MockServer(token_delay=0.02) as server:
        yield server


@pytest.fixture(scope="module")
def url(slow: MockServer) -> Iterator[str]:
    app = FastAPI()
    client = slow.async_client()

    @app.get("/chat/{flow_id}")
    async def chat(flow_id: str, question: str) -> StreamingResponse:
        return await stream_response(client.stream_flow(flow_id, question))

    @app.exception_handler(LangflowError)
    async def failed(_: Request, error: LangflowError) -> JSONResponse:
        return JSONResponse({"code": error.code}, error.status or 502)

    with Served(app) as address:
        yield address


def frames(text: str) -> list[tuple[str, str]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields["data"]))
    return found


def test_events_are_passed_on(url: str) -> None:
    arrived = []
    with httpx.stream("GET", f"{url}/chat/hello-flow", params={"question": "Hello!"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = ""
        for piece in answer.iter_text():
            arrived.append(time.monotonic())
            text += piece
    kinds = [name for name, _ in frames(text)]
    assert (kinds[0], kinds[-1]) == ("run_started", "end")
    assert kinds.count("token") > 2
    assert arrived[-1] - arrived[0] > 0.04


def test_what_is_passed_on_is_what_clients_read(url: str, slow: MockServer) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    text = httpx.get(f"{url}/chat/hello-flow", params={"question": "Hello!"}).text

    class Replay(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=server.handle_request, daemon=True).start()
    client = Client(f"http://127.0.0.1:{server.server_port}", "k")
    with client.stream_flow("f", "Hello!") as stream:
        said = "".join(stream.text_stream)
        assert said == stream.get_final_result().text
    assert said == slow.client().run_flow("hello-flow", "Hello!").text
    server.server_close()


def test_only_streams_of_coroutines_are_passed_on(slow: MockServer) -> None:
    async def main() -> None:
        with slow.client() as client, client.stream_flow("echo", "Hi") as waiting:
            for wrong in (waiting, None):
                with pytest.raises(InvalidInput) as caught:
                    await stream_response(wrong)  # type: ignore[arg-type]
                assert caught.value.field == "stream"

    asyncio.run(main())


def test_a_run_that_cannot_begin_has_a_status(url: str) -> None:
    answer = httpx.get(f"{url}/chat/no-such-flow", params={"question": "Hello!"})
    assert answer.status_code == 404
    assert answer.json() == {"code": "not_found"}


def test_a_run_that_fails_ends_with_an_error(url: str) -> None:
    answer = httpx.get(f"{url}/chat/failing-flow", params={"question": "Hello!"})
    kind, data = frames(answer.text)[-1]
    assert kind == "error"
    assert '"code": "run_failed"' in data


def test_a_browser_that_leaves_ends_the_run(url: str, slow: MockServer) -> None:
    before = cancelled(slow)
    with httpx.stream(
        "GET", f"{url}/chat/hello-flow", params={"question": "Hello, how are you?"}
    ) as answer:
        next(answer.iter_text())
    deadline = time.monotonic() + 5
    while cancelled(slow) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert cancelled(slow) == before + 1


def cancelled(server: MockServer) -> int:
    """Requests whose client went away, by the server's journal."""
    entries = httpx.get(f"{server.url}/__mock/requests").json()["items"]
    return sum(1 for entry in entries if entry["ending"] == "client_closed")


def test_a_webhook_is_received() -> None:
    from langflow_api.webhooks import sign

    app = FastAPI()
    receiver = WebhookReceiver(SECRET)

    @app.post("/hook")
    async def hook(event: Annotated[WebhookEvent, Depends(receiver)]) -> dict[str, str]:
        return {"event": event.event, "flow": event.flow_id}

    body = b'{"event": "flow_completed", "flow_id": "f", "session_id": "s", "result": {}}'
    with Served(app) as address:
        answer = httpx.post(f"{address}/hook", content=body, headers=sign(body, SECRET))
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"event": "flow_completed", "flow": "f"}
        assert httpx.post(f"{address}/hook", content=body).status_code == 400
        changed = httpx.post(f"{address}/hook", content=body + b" ", headers=sign(body, SECRET))
        assert changed.status_code == 400
        # Signed, but of no flow: to send it again would change nothing.
        for none in (b"x", b"[]", b"\xff", b"{}"):
            answer = httpx.post(f"{address}/hook", content=none, headers=sign(none, SECRET))
            assert answer.status_code == 422, answer.text


def test_a_receiver_reads_no_more_than_it_wants() -> None:
    from langflow_api.webhooks import sign

    app = FastAPI()
    receiver = WebhookReceiver(SECRET, max_body=100_000)

    @app.post("/hook")
    async def hook(event: Annotated[WebhookEvent, Depends(receiver)]) -> None:
        raise AssertionError(event)

    async def status(headers: dict[str, str]) -> tuple[int, int]:
        """What it answers to a body without an end, and how many bytes it took of it."""
        taken = 0
        said: list[int] = []
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def receive() -> dict[str, object]:
            nonlocal taken
            taken += 10_000
            assert taken < 1_000_000, "reads on and on"
            return {"type": "http.request", "body": bytes(10_000), "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                said.append(message["status"])

        scope = {
            "type": "http", "method": "POST", "path": "/hook", "raw_path": b"/hook",
            "query_string": b"", "headers": listed, "root_path": "", "scheme": "http",
        }  # fmt: skip
        await app(scope, receive, send)  # type: ignore[arg-type]
        return said[0], taken

    signed = sign(b"x", SECRET)
    assert asyncio.run(status({})) == (400, 0)
    assert asyncio.run(status(sign(b"x", SECRET, timestamp=time.time() - 301))) == (400, 0)
    assert asyncio.run(status(signed)) == (413, 110_000)


@pytest.mark.parametrize("secret", ["", None, [], "nothing"])
def test_a_receiver_without_a_secret_is_refused(secret: Any) -> None:
    with pytest.raises(InvalidInput) as failure:
        WebhookReceiver(secret)
    assert failure.value.field == "secret"


def test_a_delivery_of_the_server_is_received(slow: MockServer) -> None:
    arrived: list[str] = []
    app = FastAPI()
    secrets: list[str] = []

    @app.post("/hook")
    async def hook(request: Request) -> None:
        event = await WebhookReceiver(secrets)(request)
        arrived.append(f"{event.event} {event.output}")

    with Served(app) as address:
        client = slow.client()
        made = client.webhooks.create("echo", url=f"{address}/hook", events=["flow_completed"])
        secrets.append(made.secret)
        client.run_flow("echo", "Hello!")
        deadline = time.monotonic() + 10
        while not arrived and time.monotonic() < deadline:
            time.sleep(0.02)
        client.webhooks.delete(made.webhook.id)
    assert arrived == ["flow_completed Hello!"]
