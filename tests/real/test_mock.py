"""The mock's face of an open-source server is held to the real one, probe by probe; and the
documented programs run on both, with nothing changed but the URL."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from langflow_api import Client

from conftest import MOCK, ROOT, Server


def drift(real: Server, *options: str) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and the places that differ, by the names of their probes."""
    done = subprocess.run(
        [MOCK, "drift", "--against", real.url, "--json", *options],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "LANGFLOW_MOCK_AGAINST_KEY": real.api_key},
        check=False,
    )
    assert done.stdout, done.stderr
    probes = json.loads(done.stdout)["probes"]
    return done.returncode, {
        probe["name"]: [found["at"] for found in probe["differences"]] for probe in probes
    }


def test_the_mock_answers_as_the_server_does(real: Server) -> None:
    code, probes = drift(real)
    assert {name: places for name, places in probes.items() if places} == {}
    assert (code, len(probes) > 420) == (0, True)
    print(f"{len(probes)} probes without a difference")


def test_a_difference_is_found(real: Server) -> None:
    code, probes = drift(real, "--as", "1.8")
    assert code == 1
    assert probes["version"] == ["/body/main_version", "/body/package", "/body/version"]
    assert probes["health"] == []
    assert "/status" in probes["workflow"]


@pytest.fixture(params=["real", "mock_open_source"])
def either(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


def commands(language: str) -> list[list[str]]:
    """The programs that run a flow and that stream one."""
    if language == "rust":
        return [[str(ROOT / "target/debug/examples" / name)] for name in ("quickstart", "stream")]
    if language == "python":
        folder = ROOT / "examples/python"
        return [[sys.executable, str(folder / f"{name}.py")] for name in ("quickstart", "stream")]
    found = []
    for name in ("quickstart.mjs", "stream.mjs"):
        copy = pathlib.Path(os.environ["LANGFLOW_NODE_DIR"]) / f"mock-{name}"
        copy.write_text((ROOT / "examples/node" / name).read_text())
        found.append(["node", str(copy)])
    return found


@pytest.mark.parametrize("language", ["python", "rust", "node"])
def test_only_the_url_says_which_server_it_is(either: Server, language: str) -> None:
    for command in commands(language):
        done = subprocess.run(
            [*command, either.flows["echo"]],
            capture_output=True,
            text=True,
            timeout=60,
            env=either.environment(),
            check=False,
            cwd=os.environ["LANGFLOW_NODE_DIR"],
        )
        assert done.returncode == 0, done.stderr
        assert "Hello" in done.stdout


def test_the_same_program_on_both(either: Server) -> None:
    client = Client(base_url=either.url, api_key=either.api_key)
    assert client.run_flow(either.flows["echo"], "Hello!").server == "langflow"
    assert client.run_flow(either.flows["text"], "Hello!").text == "Hello!"
    several = client.run_flow(either.flows["two_outputs"], "Hello!")
    assert (several.output, several.reason) == (None, "multiple")
    with client.stream_flow(either.flows["echo"], "a\n\nb\u2028€") as stream:
        assert "".join(stream.text_stream) == "a\n\nb\u2028€"
    session = client.session(either.flows["echo"])
    assert session.run("one").session_id == session.run("two").session_id


def test_the_mock_speaks_in_tokens(mock_open_source: Server) -> None:
    client = Client(base_url=mock_open_source.url, api_key=mock_open_source.api_key)
    with client.stream_flow(mock_open_source.flows["speaks"], "Hello!") as stream:
        events = list(stream)
    tokens = [event.text for event in events if event.type == "token"]
    assert len(tokens) > 1
    assert "".join(tokens) == events[-1].result.output
