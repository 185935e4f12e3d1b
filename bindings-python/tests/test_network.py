"""Proxies, private authorities and client certificates, as a company's network has them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langflow_api import AsyncClient, Client, ConnectFailed, InvalidInput, LangflowError, TlsFailed
from network import HOST, Authority, Proxy, TlsServer
from support import RawServer, header_of

NAMES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ssl_cert_file", "ssl_cert_dir")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(authority: Authority) -> Iterator[TlsServer]:
    with TlsServer(authority) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_network_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Any:
    """A run by either client; its answer is the text."""

    def wait(url: str, **options: Any) -> str:
        with Client(url, "k", max_retries=0, **options) as client:
            return client.run_flow("f", "x").text

    async def await_(url: str, **options: Any) -> str:
        async with AsyncClient(url, "k", max_retries=0, **options) as client:
            return (await client.run_flow("f", "x")).text

    if request.param == "sync":
        return wait
    return lambda url, **options: asyncio.run(await_(url, **options))


def https(port_of: str) -> str:
    """The server's URL by the name that only a proxy knows."""
    return port_of.replace("127.0.0.1", HOST)


def test_an_authority_of_ones_own(
    run: Any, tls: TlsServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TlsFailed) as caught:
        run(tls.url)
    assert not caught.value.may_have_executed
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    assert tls.requests == []
    assert run(tls.url, ca_bundle=authority.ca) == "Hello!"
    for name in ("LANGFLOW_CA_BUNDLE", "SSL_CERT_FILE"):
        with monkeypatch.context() as environment:
            environment.setenv(name, authority.ca)
            assert run(tls.url) == "Hello!", name
    assert len(tls.requests) == 3


def test_the_certificate_of_an_authority_is_none_of_a_server(
    run: Any, authority: Authority
) -> None:
    server = TlsServer(authority)
    server.context.load_cert_chain(authority.ca, authority.ca.replace(".pem", ".key"))
    with server, pytest.raises(TlsFailed) as caught:
        run(server.url, ca_bundle=authority.ca)
    assert "CA:FALSE" in caught.value.hint


def test_another_name_than_the_certificate_says(run: Any, tls: TlsServer, authority: Any) -> None:
    with pytest.raises(TlsFailed):
        run(tls.url.replace("127.0.0.1", "localhost"), ca_bundle=authority.ca)


def test_a_certificate_to_show(run: Any, authority: Authority) -> None:
    with TlsServer(authority, asks=True) as server:
        known = {"ca_bundle": authority.ca}
        assert run(server.url, client_cert=authority.client, **known) == "Hello!"
        assert server.clients == ["a client"]
        with pytest.raises(LangflowError) as caught:
            run(server.url, **known)
        assert caught.value.code in ("tls_failed", "connection_lost", "connect_failed")
        assert len(server.requests) == 1


def test_files_that_are_none(run: Any, tls: TlsServer, authority: Authority) -> None:
    for field, path in (
        ("ca_bundle", "/does/not/exist"),
        ("client_cert", "/does/not/exist"),
        ("client_cert", authority.ca),
    ):
        with pytest.raises(InvalidInput) as caught:
            run(tls.url, **{field: path})
        assert caught.value.field == field
    assert tls.requests == []


def test_a_tunnel_with_a_password(run: Any, tls: TlsServer, authority: Authority) -> None:
    with Proxy(tls.url, user="user:s3cret") as proxy:
        where = proxy.url.replace("//", "//user:s3cret@")
        options = {"proxy": where, "ca_bundle": authority.ca}
        assert run(https(tls.url), **options) == "Hello!"
        line = proxy.requests[0].partition(b"\r\n")[0]
        assert line == f"CONNECT {https(tls.url)[8:]} HTTP/1.1".encode()
        assert b"Bearer" not in proxy.requests[0], "the proxy does not see the key"
        assert header_of(tls.requests[0], "authorization") == "Bearer k"
        assert header_of(tls.requests[0], "proxy-authorization") is None
        with pytest.raises(LangflowError) as caught:
            run(https(tls.url), **{**options, "proxy": where.replace("s3cret", "wr0ng")})
        error = caught.value
        assert not error.may_have_executed
        assert "407" in str(error) or "proxy" in str(error).lower()
        assert "wr0ng" not in f"{error} {error!r} {error.to_dict()}"
        assert len(tls.requests) == 1


def test_a_proxy_for_plain_http(run: Any, raw: RawServer) -> None:
    with Proxy(raw.url, user="user:s3cret") as proxy:
        where = proxy.url.replace("//", "//user:s3cret@")
        assert run(f"http://{HOST}", proxy=where, allow_http=True) == "Hello!"
        assert proxy.requests[0].startswith(f"POST http://{HOST}/".encode())
        assert len(raw.requests) == 1
        with pytest.raises(LangflowError) as caught:
            run(f"http://{HOST}", proxy=proxy.url, allow_http=True)
        assert caught.value.status == 407
        assert not caught.value.may_have_executed


def test_no_password_is_shown() -> None:
    client = Client("https://langflow.test", "k", proxy="http://user:s3cret@proxy.test:1")
    assert "s3cret" not in repr(client)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environment_names_a_proxy(
    run: Any, tls: TlsServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Proxy(tls.url, user="user:s3cret") as proxy:
        monkeypatch.setenv(name, proxy.url.replace("//", "//user:s3cret@"))
        assert run(https(tls.url), ca_bundle=authority.ca) == "Hello!"
        assert len(proxy.requests) == 1
        for options, names in (({"proxy": ""}, ""), ({}, f"other.test,{HOST}"), ({}, "*")):
            monkeypatch.setenv("NO_PROXY", names)
            with pytest.raises(ConnectFailed):
                run(https(tls.url), ca_bundle=authority.ca, **options)
        assert len(proxy.requests) == 1
        monkeypatch.setenv("NO_PROXY", "other.test")
        assert run(https(tls.url), ca_bundle=authority.ca) == "Hello!"


def test_this_machine_is_not_asked_for_through_a_proxy(
    run: Any, raw: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert run(raw.url) == "Hello!"


def test_a_client_with_a_network_travels(tls: TlsServer, authority: Authority) -> None:
    import pickle

    with Proxy(tls.url) as proxy:
        client = Client(https(tls.url), "k", proxy=proxy.url, ca_bundle=authority.ca)
        again: Client = pickle.loads(pickle.dumps(client))
        assert again.run_flow("f", "x").text == "Hello!"
        assert len(proxy.requests) == 1
        with again.with_options(timeout=9).stream_flow("f", "x") as stream:
            assert stream.get_final_result().text == "Hello!"


def test_paths_may_be_path_objects(tls: TlsServer, authority: Authority) -> None:
    client = Client(tls.url, "k", ca_bundle=Path(authority.ca))
    assert client.run_flow("f", "x").text == "Hello!"
    other = client.with_options(client_cert=Path(authority.client))
    assert other.run_flow("f", "x").text == "Hello!"
    assert authority.client in repr(other)
