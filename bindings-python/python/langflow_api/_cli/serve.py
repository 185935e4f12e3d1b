"""``webhooks listen`` and ``mock``."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

from . import output
from .client import client

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

# A delivery that is larger is none of ours.
_LARGEST = 10 * 1024 * 1024


def mock(arguments: argparse.Namespace) -> int:
    """A workspace for tests until Ctrl-C."""
    from langflow_api.testing import MockServer

    options: dict[str, Any] = {"port": arguments.port}
    if arguments.seed is not None:
        options["seed"] = arguments.seed
    try:
        server = MockServer(**options)
    except RuntimeError as error:
        # A port that somebody has, for example.
        output.say(f"error: {error}")
        return 1
    with server:
        if arguments.json:
            print(json.dumps(server.ready), flush=True)
        else:
            print(f"LANGFLOW_URL={server.url}", flush=True)
            print(f"LANGFLOW_API_KEY={server.api_key}", flush=True)
            output.say("Ctrl-C ends it.")
        _until_interrupted()
    return 0


def _until_interrupted() -> None:
    over = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: over.set())
    try:
        # A wait without end would not hear Ctrl-C on every system.
        while not over.wait(0.5):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def listen(arguments: argparse.Namespace) -> int:
    """Makes a webhook to this machine, prints what comes, and deletes the webhook at the end."""
    from langflow_api import _native
    from langflow_api.webhooks import verify

    if arguments.forward and not arguments.forward.startswith(("http://", "https://")):
        message = f"`--forward` is no address of http or https: {arguments.forward}"
        raise _native.invalid_input("forward", message)
    arrived: Queue[tuple[dict[str, str], bytes]] = Queue()
    events: Any = arguments.event or ["flow_started", "flow_completed", "flow_error"]
    with client(arguments) as caller, _receiver(arguments.port, arrived) as port, _terminated():
        url = arguments.public_url or f"http://127.0.0.1:{port}/"
        made = caller.webhooks.create(
            arguments.flow, url=url, events=events, description="langflow-api webhooks listen"
        )
        output.say(f"Events of {arguments.flow} arrive at {url}; Ctrl-C ends it.")
        try:
            for headers, body in _deliveries(arrived, arguments.count):
                event = verify(body, headers, made.secret)
                if arguments.json:
                    print(output.as_json(event.to_dict()), flush=True)
                else:
                    print(
                        f"{event.timestamp} {event.event} {event.output or ''}".rstrip(), flush=True
                    )
                if arguments.forward:
                    _forward(arguments.forward, headers, body)
        except KeyboardInterrupt:
            pass
        finally:
            caller.webhooks.delete(made.webhook.id)
    return 0


@contextmanager
def _terminated() -> Iterator[None]:
    """Has the end that a service or container asks for be that of Ctrl-C: nothing stays behind."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _deliveries(
    arrived: Queue[tuple[dict[str, str], bytes]], count: int | None
) -> Iterator[tuple[dict[str, str], bytes]]:
    from queue import Empty

    number = 0
    while count is None or number < count:
        try:
            yield arrived.get(timeout=0.5)
            number += 1
        except Empty:
            continue


@contextmanager
def _receiver(port: int, arrived: Queue[tuple[dict[str, str], bytes]]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("content-length") or 0), _LARGEST)
            body = self.rfile.read(size)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204)
            self.end_headers()
            arrived.put((headers, body))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _forward(url: str, headers: dict[str, str], body: bytes) -> None:
    """Sends a delivery on with what a receiver needs to verify it."""
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    kept = {
        name: value
        for name, value in headers.items()
        if name == "content-type" or name.startswith("webhook-")
    }
    try:
        with urlopen(Request(url, body, kept), timeout=15) as answer:
            output.say(f"-> {url}: {answer.status}")
    except (URLError, OSError) as error:
        output.say(f"-> {url}: {error}")
