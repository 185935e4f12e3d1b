"""Where a client gets its address and key from: a file of environments, a function."""

from __future__ import annotations

import asyncio
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
from langflow_api import AsyncClient, Client, InvalidInput, TotalTimeout, langflow_sdk
from langflow_api._cli import main
from support import RawServer, header_of

FILE = """
[environments.staging]
url = "URL"
api_key_env = "STAGING_KEY"

[environments.open]
url = "URL"

[environments.literal]
url = "URL"
api_key = "lf-literal"

[environments.broken]
api_key_env = "STAGING_KEY"

[defaults]
environment = "staging"
"""


@pytest.fixture
def file(raw: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("tomllib")
    for name in ("LANGFLOW_ENV", "LANGFLOW_ENVIRONMENTS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STAGING_KEY", "lf-staging")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = tmp_path / "environments.toml"
    path.write_text(FILE.replace("URL", raw.url))
    return path


def key(raw: RawServer) -> str | None:
    return header_of(raw.requests[-1], "authorization")


def test_an_environment_by_its_name(
    raw: RawServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client.for_environment("staging", file=file, timeout=9).run_flow("f", "x")
    assert key(raw) == "Bearer lf-staging"
    Client.for_environment(file=str(file)).run_flow("f", "x")
    assert key(raw) == "Bearer lf-staging", "that of [defaults]"
    monkeypatch.setenv("LANGFLOW_ENVIRONMENTS_FILE", str(file))
    monkeypatch.setenv("LANGFLOW_ENV", "literal")
    client = Client.for_environment()
    assert "lf-literal" not in repr(client)
    client.run_flow("f", "x")
    assert key(raw) == "Bearer lf-literal"
    Client.for_environment("open", api_key="mine").run_flow("f", "x")
    assert key(raw) == "Bearer mine"
    Client.for_environment("open").run_flow("f", "x")
    assert key(raw) is None

    async def main() -> None:
        async with AsyncClient.for_environment("staging") as client:
            await client.run_flow("f", "x")

    asyncio.run(main())
    assert key(raw) == "Bearer lf-staging"
    langflow_sdk.get_client("staging", config_file=file).run("f", "x")
    assert key(raw) == "Bearer lf-staging"


def test_where_the_file_is_looked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match=r"neither langflow-environments\.toml here"):
        Client.for_environment("staging")
    home = file.parent / "home" / ".config" / "langflow"
    home.mkdir(parents=True)
    file.replace(home / "environments.toml")
    assert "http" in repr(Client.for_environment("staging"))
    Path("langflow-environments.toml").write_text('[environments.staging]\nurl="here.example"\n')
    assert "here.example" in repr(Client.for_environment("staging"))
    # What was named and is not there is not replaced by what is.
    monkeypatch.setenv("LANGFLOW_ENVIRONMENTS_FILE", "/does/not/exist")
    for options in ({}, {"file": "/does/not/exist"}):
        with pytest.raises(InvalidInput) as caught:
            Client.for_environment("staging", **options)
        assert caught.value.field == "file"


@pytest.mark.parametrize(
    ("name", "field", "says"),
    [
        ("production", "name", "broken, literal, open, staging"),
        ("broken", "url", "no `url`"),
        ("staging", "api_key", "STAGING_KEY"),
        ("open", "api_key", "LANGFLOW_API_KEY"),
    ],
)
def test_nothing_is_guessed(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, field: str, says: str
) -> None:
    monkeypatch.delenv("STAGING_KEY")
    monkeypatch.setenv("LANGFLOW_API_KEY", "of-another-server")
    with pytest.raises(InvalidInput, match=says) as caught:
        Client.for_environment(name, file=file)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["not toml", "", "environments = 5", "[environments]"])
def test_a_file_that_is_none(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        Client.for_environment("staging", file=file)
    assert caught.value.field == "file"


def test_the_command_takes_a_name(
    raw: RawServer, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANGFLOW_ENVIRONMENTS_FILE", str(file))
    assert main(["run", "f", "x", "--environment", "staging"]) == 0
    assert key(raw) == "Bearer lf-staging"
    assert main(["run", "f", "x", "--environment", "production"]) == 2
    assert "production" in capsys.readouterr().err


def test_a_key_that_is_asked_for(raw: RawServer) -> None:
    keys = iter(["first", "second", "second", "third", "fourth", "fifth"])
    client = Client(raw.url, lambda: next(keys))
    for expected in ("first", "second", "second"):
        client.run_flow("f", "x")
        assert key(raw) == f"Bearer {expected}"
    assert client.metrics().calls == 3
    client.with_options(timeout=9).run_flow("f", "x")
    assert key(raw) == "Bearer third"
    client.with_options(idle_timeout=9).run_flow("f", "x")
    assert key(raw) == "Bearer fourth"
    client.with_options(api_key="fixed").run_flow("f", "x")
    assert key(raw) == "Bearer fixed"
    assert "fifth" not in repr(client)

    async def main() -> None:
        async with AsyncClient(raw.url, lambda: next(keys)) as other:
            await other.run_flow("f", "x")

    asyncio.run(main())
    assert key(raw) == "Bearer fifth"
    client.close()


def of_this_module() -> str:
    return "from-a-function"


def test_a_key_that_cannot_be_had(raw: RawServer) -> None:
    def broken() -> str:
        raise OSError("the vault is shut")

    async def later() -> str:
        return broken()

    async def use() -> None:
        several: list[dict[str, Any]] = [{}, {"timeout": 9.0}]
        for options in several:
            await AsyncClient(raw.url, later).run_flow("f", "x", **options)

    for call in (lambda: Client(raw.url, broken).run_flow("f", "x"), lambda: asyncio.run(use())):
        with pytest.raises(InvalidInput, match="`api_key` raised OSError") as caught:
            call()
        assert caught.value.field == "api_key"
        assert isinstance(caught.value.__cause__, OSError)
        assert "vault" not in str(caught.value)
    empty: Any
    for empty in (lambda: "", lambda: None, lambda: object()):
        with pytest.raises(InvalidInput) as caught:
            Client(raw.url, empty).run_flow("f", "x")
        assert caught.value.field == "api_key"
    assert raw.requests == []
    travelled: Client = pickle.loads(pickle.dumps(Client(raw.url, of_this_module)))
    travelled.run_flow("f", "x")
    assert key(raw) == "Bearer from-a-function"


def test_the_time_of_the_key_is_part_of_the_call(raw: RawServer) -> None:
    def slow() -> str:
        time.sleep(0.2)
        return "key"

    async def slower() -> str:
        await asyncio.sleep(5)
        return "key"

    async def use(client: AsyncClient, **options: Any) -> None:
        await client.run_flow("f", "x", **options)

    async def many() -> None:
        await AsyncClient(raw.url, slower).run_many("f", ["x", "y"], timeout=0.1)

    hangs = AsyncClient(raw.url, slower)
    for call in (
        lambda: Client(raw.url, slow).run_flow("f", "x", timeout=0.1),
        lambda: Client(raw.url, slow, timeout=0.1).run_flow("f", "x"),
        lambda: Client(raw.url, slow).with_options(timeout=0.1).run_flow("f", "x"),
        lambda: Client(raw.url, slow).run_many("f", ["x", "y"], timeout=0.1),
        lambda: asyncio.run(many()),
        lambda: asyncio.run(use(hangs, timeout=0.1)),
        lambda: asyncio.run(use(hangs.with_options(timeout=0.1))),
    ):
        began = time.perf_counter()
        with pytest.raises(TotalTimeout, match="`api_key` gave no key") as caught:
            call()
        assert time.perf_counter() - began < 2
        assert (caught.value.phase, caught.value.may_have_executed) == ("build", False)
    assert raw.requests == []
    # What is left of the time is what the server has.
    raw.script = lambda connection, _: connection.wait_until_left()
    clients: list[tuple[Client, dict[str, Any]]] = [
        (Client(raw.url, slow, timeout=0.5), {}),
        (Client(raw.url, slow, timeout=9), {"timeout": 0.5}),
    ]
    for client, options in clients:
        began = time.perf_counter()
        with pytest.raises(TotalTimeout):
            client.run_flow("f", "x", **options)
        assert 0.45 < time.perf_counter() - began < 0.65
