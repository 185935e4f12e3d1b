"""A real HTTP receiver for webhooks."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Keeps the payloads that arrive; `with` starts and ends it."""

    def __init__(self) -> None:
        payloads: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                payloads.append(json.loads(self.rfile.read(size)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.payloads = payloads
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def wait_for(self, event: str, seconds: float = 10) -> dict[str, Any]:
        """The first payload of an event."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for payload in list(self.payloads):
                if payload["event"] == event:
                    return payload
            time.sleep(0.01)
        raise AssertionError(f"no {event} came; there are {self.payloads}")

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
