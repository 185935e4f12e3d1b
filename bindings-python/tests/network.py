"""A private authority, a server behind it, and a proxy of both kinds that asks who is there."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from support import Connection, RawServer, header_of

HOST = "langflow.test"
"""A host that no resolver knows: only a proxy finds it."""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Authority:
    """Its certificate, and what it has signed: all as paths of PEM files."""

    def __init__(self, folder: Path) -> None:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl(
            folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA"
        )
        for name, extension in (
            ("server", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"),
            ("client", "extendedKeyUsage=clientAuth"),
        ):
            (folder / "extension").write_text(extension)
            asked = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN=a {name}"]
            openssl(folder, "req", *key, *asked)
            signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
            files = ["-in", f"{name}.csr", "-out", f"{name}.crt", "-extfile", "extension"]
            openssl(folder, "x509", "-req", *files, *signer)
            both = (folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text()
            (folder / f"{name}.pem").write_text(both)
        self.ca = str(folder / "ca.pem")
        self.server = str(folder / "server.pem")
        self.client = str(folder / "client.pem")


class TlsServer(RawServer):
    """The same over TLS; ``clients`` are the names in the certificates that were shown."""

    def __init__(self, authority: Authority, asks: bool = False) -> None:
        super().__init__()
        self.url = self.url.replace("http:", "https:")
        self.clients: list[str] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.server)
        if asks:
            self.context.load_verify_locations(authority.ca)
            self.context.verify_mode = ssl.CERT_REQUIRED

    def _serve(self, connection: Connection) -> None:
        with suppress(OSError):
            tls = self.context.wrap_socket(connection.peer, server_side=True)
            shown: Any = tls.getpeercert() or {}
            for part in shown.get("subject", ()):
                self.clients += [value for _, value in part]
            connection.peer = tls
            super()._serve(connection)


class Proxy(RawServer):
    """Passes requests and tunnels on to one server, wherever they say that they go.

    Args:
        target: URL of that server.
        user: ``name:password`` that have to be shown.
    """

    def __init__(self, target: str, user: str | None = None) -> None:
        super().__init__()
        host, _, port = target.partition("://")[2].partition(":")
        self.target = (host, int(port))
        self.wanted = user and "Basic " + base64.b64encode(user.encode()).decode()
        self.script = self._pass

    def _pass(self, connection: Connection, request: bytes) -> None:
        if header_of(request, "proxy-authorization") != self.wanted:
            connection.answer(b"", "407 Proxy Authentication Required")
            return
        onward = socket.create_connection(self.target)
        if request.startswith(b"CONNECT "):
            connection.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            threading.Thread(target=copy, args=(onward, connection.peer), daemon=True).start()
            copy(connection.peer, onward)
        else:
            onward.sendall(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            copy(onward, connection.peer)


def copy(source: Any, sink: Any) -> None:
    """All that comes, until it ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
