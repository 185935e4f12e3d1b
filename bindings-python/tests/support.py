"""A server below HTTP: says what a test tells it, byte by byte, and sees when it is left."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

RUN = {
    "result": {"output": "Hello!"},
    "session_id": "s-1",
    "metadata": {"duration": 0.5, "tokens_used": 3},
}


class Connection:
    """One connection, as the server's side sees it."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.left = threading.Event()

    def send(self, data: bytes) -> None:
        self.peer.sendall(data)

    def answer(
        self, body: Any, status: str = "200 OK", kind: str = "application/json", more: str = ""
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{more}"
        self.send(head.encode() + b"\r\n" + data)

    def events(self) -> None:
        """Begins a stream of events."""
        self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")

    def event(self, name: str, data: Any) -> None:
        self.send(frame(name, data))

    def wait_until_left(self) -> None:
        """Returns when the client has closed the connection."""
        try:
            while self.peer.recv(4096):
                pass
        except OSError:
            pass
        self.left.set()


def runs_only(connection: Connection, request: bytes) -> None:
    """The script of a server whose key may run flows and not read them."""
    if request.startswith(b"POST"):
        connection.answer(RUN)
    else:
        connection.answer({"title": "No"}, "403 Forbidden", "application/problem+json")


def frame(name: str, data: Any) -> bytes:
    """An event on the wire."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


class RawServer:
    """Plays ``script(connection, request)`` for every request."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.connections: list[Connection] = []
        self.script: Any = lambda connection, _: connection.answer(RUN)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        for connection in self.connections:
            # Not closed: a thread that still reads, in OpenSSL, would go on with the number of the
            # descriptor, which is the next connection's by then.
            with suppress(OSError):
                connection.peer.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(peer)
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        data = b""
        try:
            while True:
                while not complete(data):
                    more = connection.peer.recv(65536)
                    if not more:
                        connection.left.set()
                        return
                    data += more
                self.requests.append(data)
                self.script(connection, data)
                data = b""
        except OSError:
            connection.left.set()


def complete(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return True


def body_of(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


def header_of(request: bytes, name: str) -> str | None:
    for line in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


def python(code: str, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Runs the code in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
