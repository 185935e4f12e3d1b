from __future__ import annotations

import asyncio
import pickle
import socket
import struct
import subprocess
import sys
from types import MappingProxyType
from typing import Any, Callable

import langflow_api
import pytest
from langflow_api import AsyncClient, Client, LangflowError
from langflow_api.testing import MockServer
from support import Connection, RawServer

URL = "http://127.0.0.1:9"


def no_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


BAD_CONFIGURATION: list[tuple[dict[str, Any], str, str]] = [
    ({"base_url": ""}, "invalid_base_url", "base_url"),
    ({"base_url": "https://"}, "invalid_base_url", "base_url"),
    ({"base_url": "ftp://host"}, "invalid_base_url", "base_url"),
    ({"base_url": "https://a b"}, "invalid_base_url", "base_url"),
    ({"base_url": "http://example.com"}, "insecure_url", "base_url"),
    ({"base_url": URL, "timeout": "soon"}, "invalid_input", "timeout"),
    ({"base_url": URL, "timeout": float("nan")}, "invalid_input", "timeout"),
    ({"base_url": URL, "headers": {"a": object()}}, "invalid_input", "headers"),
    ({"base_url": URL, "max_retries": -1}, "invalid_input", "max_retries"),
]


@pytest.mark.parametrize(("config", "code", "field"), BAD_CONFIGURATION)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_bad_configuration(kind: Any, config: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(LangflowError) as caught:
        kind(**{"api_key": "k", **config})
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_url_means_a_server_on_this_machine() -> None:
    assert "http://localhost:7860" in repr(Client(api_key="k"))


BAD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"flow_id": ""}, "flow_id"),
    ({"flow_id": 5}, "flow_id"),
    ({"input_value": None}, "input_value"),
    ({"input_value": b"bytes"}, "input_value"),
    ({"input_value": "\ud800"}, "input_value"),
    ({"tweaks": {"OpenAI-xxxxx": 5}}, "tweaks.OpenAI-xxxxx"),
    ({"tweaks": [1]}, "tweaks"),
    ({"tweaks": {"a": {"b": {1, 2}}}}, "tweaks"),
    ({"tweaks": {"a": {"b": float("inf")}}}, "tweaks"),
    ({"tweaks": {"a": {"seed": [2**64]}}}, "tweaks"),
    ({"tweaks": {"a": {"seed": -(2**63) - 1}}}, "tweaks"),
    ({"tweaks": {"a": {1: 1, "1": 2}}}, "tweaks"),
    ({"tweaks": {"a": MappingProxyType({"b": 2**64})}}, "tweaks"),
    ({"max_retries": 2**64}, "max_retries"),
    ({"session_id": 5}, "session_id"),
    ({"timeout": -1}, "timeout"),
    ({"headers": {"x": object()}}, "headers"),
]


@pytest.mark.parametrize(("arguments", "field"), BAD_ARGUMENTS)
def test_bad_arguments(raw: RawServer, arguments: dict[str, Any], field: str) -> None:
    given = {"flow_id": "f", "input_value": "hi", **arguments}

    def sync(call: Callable[[Client], Any]) -> LangflowError:
        with pytest.raises(langflow_api.InvalidInput) as caught:
            call(Client(raw.url, "k"))
        return caught.value

    async def run() -> None:
        await AsyncClient(raw.url, "k").run_flow(**given)

    found = [
        sync(lambda client: client.run_flow(**given)),
        sync(lambda client: client.stream_flow(**given)),
        sync(lambda _: asyncio.run(run())),
    ]
    assert [error.field for error in found] == [field] * 3
    assert raw.requests == []


def test_nobody_listens() -> None:
    client = Client(no_port(), "k", max_retries=0)
    with pytest.raises(langflow_api.ConnectFailed) as caught:
        client.run_flow("f", "hi")
    assert not caught.value.may_have_executed
    assert caught.value.attempts == 1
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)

    async def run(**options: Any) -> None:
        await AsyncClient(no_port(), "k", max_retries=0).run_flow("f", "hi", **options)

    with pytest.raises(langflow_api.ConnectFailed) as caught:
        asyncio.run(run())
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_a_lost_connection_has_its_cause(raw: RawServer) -> None:
    def reset(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("token", {"text": "He"})
        # Closing it then resets it.
        linger = struct.pack("ii", 1, 0)
        connection.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.peer.close()

    def ends(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.peer.shutdown(socket.SHUT_RDWR)

    raw.script = reset
    with (
        pytest.raises(langflow_api.StreamInterrupted) as caught,
        Client(raw.url, "k").stream_flow("f", "hi") as stream,
    ):
        list(stream)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    # An end that the server chose has none.
    raw.script = ends
    with (
        pytest.raises(langflow_api.StreamInterrupted) as caught,
        Client(raw.url, "k").stream_flow("f", "hi") as stream,
    ):
        list(stream)
    assert caught.value.__cause__ is None


def test_html_is_no_answer(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer(b"<html>Hi</html>", kind="text/html")
    with pytest.raises((langflow_api.UnknownServer, langflow_api.UnexpectedHtml)):
        Client(raw.url, "k").run_flow("f", "hi")


def test_wrong_key(mock: MockServer) -> None:
    with pytest.raises(langflow_api.Unauthenticated) as caught:
        mock.client(api_key="lf_wrong").run_flow("echo", "hi")
    error = caught.value
    assert (error.status, error.code) == (401, "unauthenticated")
    assert error.request_id
    assert error.server_code
    assert error.request_id in str(error)
    assert error.hint in str(error)
    assert "lf_wrong" not in f"{error!s}{error!r}{error.to_dict()}"


def test_missing_permission(mock: MockServer) -> None:
    with pytest.raises(langflow_api.PermissionDenied):
        mock.client(api_key=mock.ready["keys"]["read"]).run_flow("echo", "hi")


def test_no_such_flow(mock: MockServer) -> None:
    with pytest.raises(langflow_api.NotFound) as caught:
        mock.client().run_flow("ecko", "hi")
    assert caught.value.server_code == "flow_not_found"


STATUSES = [
    (400, "BadRequest"),
    (403, "PermissionDenied"),
    (409, "Conflict"),
    (412, "PreconditionFailed"),
    (422, "Unprocessable"),
    (500, "ServerError"),
    (502, "BadGateway"),
    (504, "GatewayTimeout"),
    (418, "UnexpectedStatus"),
]


@pytest.mark.parametrize(("status", "name"), STATUSES)
def test_statuses(raw: RawServer, status: int, name: str) -> None:
    problem = {
        "type": "about:blank",
        "title": "No",
        "status": status,
        "code": "some_code",
        "detail": "It cannot be done.",
        "request_id": "req-9",
        "errors": [{"field": "a", "message": "b"}],
    }
    raw.script = lambda connection, _: connection.answer(
        problem, f"{status} No", "application/problem+json"
    )
    with pytest.raises(langflow_api.StatusError) as caught:
        Client(raw.url, "k", max_retries=0).run_flow("f", "hi")
    error = caught.value
    assert type(error).__name__ == name
    assert (error.status, error.server_code, error.request_id) == (status, "some_code", "req-9")
    assert error.errors == [{"field": "a", "message": "b"}]
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.to_dict(), str(copy)) == (type(error), error.to_dict(), str(error))


def test_every_class_can_be_made_and_pickled() -> None:
    from langflow_api._generated.errors import BY_CODE

    for code, kind in BY_CODE.items():
        error = kind("It went wrong.")
        copy = pickle.loads(pickle.dumps(error))
        assert (copy.code, copy.message, type(copy)) == (code, "It went wrong.", kind)
        assert getattr(langflow_api, kind.__name__) is kind
        assert kind.hint


def test_a_closed_client() -> None:
    client = Client(URL, "k")
    client.close()
    client.close()
    with pytest.raises(langflow_api.ClientClosed) as caught:
        client.run_flow("f", "hi")
    assert caught.value.hint


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_key_is_not_shown(kind: Any) -> None:
    client = kind(URL, "very-secret-key")
    shown = f"{client!r}{client!s}{client.workspace!r}{client.with_options(timeout=1)!r}"
    assert "very-secret-key" not in shown
    for held in (client, client.with_options(strict_sessions=True), client.with_options(timeout=1)):
        assert "very-secret-key" not in str(vars(held))
    assert "***" in shown
    assert URL in shown


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_clients_travel_by_configuration(raw: RawServer, kind: Any) -> None:
    client = kind(raw.url, "k-7", headers={"x-a": "1"}).with_options(timeout=5)
    copy = pickle.loads(pickle.dumps(client))
    assert repr(copy) == repr(client)
    answer = copy.run_flow("f", "hi")
    result = asyncio.run(answer) if kind is AsyncClient else answer
    assert result.output == "Hello!"
    assert b"Bearer k-7" in raw.requests[0]


WRONG_CALLS: list[tuple[str, Callable[[Client], object]]] = [
    ("folder", lambda client: client.push_project(None)),  # type: ignore[arg-type]
    ("folder", lambda client: client.pull_project("p", 5)),  # type: ignore[arg-type]
    ("tweaks", lambda client: client.session("f", tweaks={"A": {}}).run("x", tweaks=[1])),  # type: ignore[arg-type]
    ("tweaks.A", lambda client: client.session("f", tweaks={"A": {}}).run("x", tweaks={"A": 5})),  # type: ignore[dict-item]
    ("inputs", lambda client: client.run_many("f", "hello")),
    ("inputs", lambda client: client.run_many("f", {"input_value": "x"})),
    ("inputs", lambda client: client.run_many("f", None)),  # type: ignore[arg-type]
    ("inputs[1]", lambda client: client.run_many("f", ["x", 1])),  # type: ignore[list-item]
    ("inputs", lambda client: list(client.iter_many("f", "hello"))),
    ("callback", lambda client: client.on_alert(None, error_rate=0.5)),  # type: ignore[arg-type]
    ("tweaks", lambda client: client.export_flow("f", "python", tweaks=[1])),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("field", "call"), WRONG_CALLS)
def test_an_argument_of_another_type(field: str, call: Callable[[Client], object]) -> None:
    with pytest.raises(LangflowError) as caught:
        call(Client(URL, "k"))
    assert (caught.value.code, caught.value.field) == ("invalid_input", field)


FULL = """
import asyncio, resource, sys
from langflow_api import AsyncClient, Client, LangflowError

assert "langflow_api._generated.errors" not in sys.modules

async def call(client, flow):
    answer = client.run_flow(flow, "hi")
    return answer if KIND is Client else await answer

async def main():
    good, bad = (KIND(url, "k", max_retries=0) for url in sys.argv[2:4])
    if sys.argv[4:]:
        await call(good, "f")
    # As in a program that has opened all the files that it may: Python cannot load a module then.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    for flow in ("f", ""):
        try:
            await call(bad, flow)
        except LangflowError as error:
            print(error.code, error.may_have_executed)

KIND = AsyncClient if sys.argv[1] == "AsyncClient" else Client
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of files to set")
@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.parametrize("before", [["a call before"], []])
def test_the_first_error_where_no_file_can_be_opened(
    raw: RawServer, kind: str, before: list[str]
) -> None:
    work = subprocess.run(
        [sys.executable, "-c", FULL, kind, raw.url, no_port(), *before],
        capture_output=True,
        text=True,
        check=False,
    )
    assert work.returncode == 0, work.stderr
    # What is wrong with the second is not even looked at where no call can be begun.
    second = "invalid_input False" if before else "connect_failed False"
    assert work.stdout.splitlines() == ["connect_failed False", second]
