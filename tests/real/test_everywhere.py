"""The same program, in three languages, on every kind of server: only the URL, the key and the id
of the flow change, and nothing says which kind it is."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from langflow_api import Client, NotFound, RunFailed, Unauthenticated, Unsupported
from langflow_api.testing import MockServer

from conftest import HERE, Server

ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def mock() -> Iterator[Server]:
    with MockServer() as server:
        yield Server(server.url, server.api_key, {"echo": "echo", "file": "echo"})


def program(server: Server, language: str, file: pathlib.Path) -> dict[str, object]:
    programs = ROOT / "tests/real/programs"
    folder = pathlib.Path(os.environ["LANGFLOW_NODE_DIR"])
    if language == "rust":
        command = [str(ROOT / "target/debug/examples/real_everywhere")]
    elif language == "python":
        command = [sys.executable, "-P", str(programs / "everywhere.py")]
    else:
        copy = folder / "real-everywhere.mjs"
        copy.write_text((programs / "everywhere.mjs").read_text())
        command = ["node", str(copy)]
    done = subprocess.run(
        [*command, server.flows["echo"], server.flows["file"], str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        env=server.environment(),
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert isinstance(printed, dict)
    return printed


@pytest.mark.parametrize("language", ["rust", "python", "node"])
@pytest.mark.parametrize("kind", ["mock", "mock_open_source", "real", "lfx"])
def test_the_same_program(
    request: pytest.FixtureRequest, kind: str, language: str, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("what the file says")
    assert program(request.getfixturevalue(kind), language, file) == {
        "run": "a",
        "stream": "b",
        "session": ["c", "d"],
        "same": True,
        # `lfx serve` keeps no runs, and says so.
        "job": "unsupported" if kind == "lfx" else "e",
        # Only open-source servers take files with a run, and the others say so.
        "file": "what the file says" if kind in ("mock_open_source", "real") else "unsupported",
    }


def test_lfx_serve(lfx: Server) -> None:
    client = Client(base_url=lfx.url, api_key=lfx.api_key, api="lfx")
    result = client.run_flow(lfx.flows["echo"], "Hello!", session_id="s-1")
    assert (result.text, result.server, result.session_id) == ("Hello!", "lfx", "s-1")
    assert client.run_flow(lfx.flows["fake_llm"], "Hello!").text == "one two three"
    with pytest.raises(RunFailed, match="wire boom: Hello!") as failed:
        client.run_flow(lfx.flows["boom"], "Hello!")
    assert (failed.value.status, failed.value.attempts) == (500, 1)
    with pytest.raises(RunFailed, match="wire boom: Hello!"):
        client.stream_flow(lfx.flows["boom"], "Hello!").get_final_result()
    with pytest.raises(NotFound, match="flow not found"):
        client.run_flow("nope", "Hello!")
    with pytest.raises(Unsupported):
        client.flows.list()
    for key in (None, "sk-wrong"):
        with pytest.raises(Unauthenticated) as refused:
            Client(base_url=lfx.url, api_key=key, api="lfx").run_flow("nope", "Hello!")
        assert "LANGFLOW_API_KEY" in refused.value.hint


def test_a_login(real: Server) -> None:
    client = Client(base_url=real.url, username="admin", password=real.password)
    assert client.run_flow(real.flows["echo"], "Hello!").text == "Hello!"
    with client.stream_flow(real.flows["fake_llm"], "Hello!") as stream:
        assert "".join(stream.text_stream) == "one two three"
    assert client.run_flow(real.flows["echo"], "Hi!", background=True).wait(60).text == "Hi!"
    assert client.langflow.users.whoami().username == "admin"
    with pytest.raises(Unauthenticated, match="Incorrect username or password"):
        Client(base_url=real.url, username="admin", password="wrong").run_flow("nope", "Hello!")


def test_a_refusal_says_what_to_pass(real: Server) -> None:
    options = {"base_url": real.url, "api_key": real.api_key}
    header = {"Authorization": "Bearer other"}
    for client, hint in (
        (Client(base_url=real.url, api_key=None, api="langflow"), "No key was sent"),
        (Client(**{**options, "api_key": "sk-wrong"}, api="langflow"), "expired"),
        (Client(**options, api="hosted"), 'api="langflow"'),
    ):
        with pytest.raises(Unauthenticated) as refused:
            client.run_flow(real.flows["echo"], "Hello!")
        assert hint in refused.value.hint
    with pytest.raises(Unauthenticated) as refused:
        Client(**options, headers=header, api="langflow").langflow.users.whoami()
    assert "`headers` has an `authorization`" in refused.value.hint


def test_responses(real: Server) -> None:
    client = Client(base_url=real.url, api_key=real.api_key, api="responses")
    first = client.run_flow(real.flows["echo"], "Hello!")
    assert (first.text, first.server) == ("Hello!", "responses")
    second = client.run_flow(real.flows["echo"], "Hi!", session_id=first.session_id)
    assert second.session_id == first.session_id
    with client.stream_flow(real.flows["fake_llm"], "Hello!") as stream:
        assert "".join(stream.text_stream) == "one two three"
    with pytest.raises(RunFailed, match="wire boom: Hello!"):
        client.run_flow(real.flows["boom"], "Hello!")
    with pytest.raises(NotFound):
        client.run_flow("nope", "Hello!")
