"""The workspace's own calls on a real open-source server: the same objects, as far as they go."""

import json
import os
import pathlib
import subprocess

import pytest
from langflow_api import Client, NotFound, Unsupported

from conftest import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def client(real: Server) -> Client:
    return Client(base_url=real.url, api_key=real.api_key)


def test_flows(real: Server, client: Client) -> None:
    page = client.flows.list(q="WIRE echo")
    assert [flow.id for flow in page.items] == [real.flows["echo"]]
    assert client.flows.get(real.flows["echo"]).data.nodes
    made = client.flows.create(name="portable", data={"nodes": [], "edges": []})
    try:
        assert client.flows.update(made.id, description="d").description == "d"
        replaced = client.flows.replace(made.id, name="other", data={"nodes": [], "edges": []})
        assert (replaced.id, replaced.name) == (made.id, "other")
        exported = client.flows.export(made.id, format="json")
        assert exported["name"] == "other"
    finally:
        client.flows.delete(made.id)
    with pytest.raises(NotFound):
        client.flows.get(made.id)


def test_sessions(real: Server, client: Client) -> None:
    echo = real.flows["echo"]
    session = client.session(echo)
    session.run("Hello!")
    said = [(message.role, message.text) for message in session.messages()]
    assert said == [("user", "Hello!"), ("assistant", "Hello!")]
    assert session.session_id in [known.id for known in client.sessions.list(echo).items]
    assert client.sessions.get(echo, session.session_id).message_count == 2
    client.sessions.clear(echo, session.session_id)
    with pytest.raises(NotFound):
        client.sessions.get(echo, session.session_id)


def test_keys_health_and_what_it_cannot_do(client: Client) -> None:
    made = client.api_keys.create(name="of a test", permissions=["admin"])
    assert made.key.startswith("sk-")
    assert made.api_key.id in [key.id for key in client.api_keys.list()]
    client.api_keys.revoke(made.api_key.id)
    with pytest.raises(Unsupported, match="createApiKey"):
        client.api_keys.create(name="of a test", permissions=["read"])
    assert client.monitoring.get_health().status == "ok"
    assert client.monitoring.get_version().server_version.startswith("1.13")
    with pytest.raises(Unsupported, match="getUsage"):
        client.monitoring.get_usage()


@pytest.mark.parametrize("language", ["rust", "node"])
def test_other_languages(real: Server, language: str) -> None:
    folder = pathlib.Path(os.environ["LANGFLOW_NODE_DIR"])
    if language == "rust":
        command = [str(ROOT / "target/debug/examples/real_portable")]
    else:
        copy = folder / "real-portable.mjs"
        copy.write_text((ROOT / "tests/real/programs/portable.mjs").read_text())
        command = ["node", str(copy)]
    done = subprocess.run(
        [*command, real.flows["echo"]],
        capture_output=True,
        text=True,
        timeout=60,
        env=real.environment(),
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "flows": ["wire echo"],
        "made": "portable",
        "messages": ["Hello!", "Hello!"],
        "key": "of a program",
        "unsupported": "unsupported",
    }
