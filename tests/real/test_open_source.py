"""`client.langflow.*`: every kind of operation of an open-source server, on a real one."""

import asyncio
import json
import os
import pathlib
import subprocess
import time

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    InvalidInput,
    TotalTimeout,
    Unauthenticated,
    Unsupported,
)
from langflow_api.langflow_models import Flow, WorkflowResult

from conftest import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def client(real: Server) -> Client:
    return Client(base_url=real.url, api_key=real.api_key)


def test_flows_and_their_files(client: Client, tmp_path: pathlib.Path) -> None:
    flows = client.langflow.flows
    made = flows.create(name="resources", data={"nodes": [], "edges": []})
    try:
        assert isinstance(made, Flow)
        current = flows.update(made.id, description="d", if_match=f'"{made.version_token}"')
        assert (current.description, current.id) == ("d", made.id)
        assert made.id in [flow.id for flow in flows.list(header_flows=True)]
        one = flows.download([made.id])
        assert isinstance(one, dict)
        assert one["name"] == "resources"
        file = tmp_path / "notes.txt"
        file.write_text("of a flow")
        kept = client.langflow.flow_files.upload(made.id, file)
        name = kept.file_path.rpartition("/")[2]
        assert client.langflow.flow_files.list(made.id).files == [name]
        assert client.langflow.flow_files.download(made.id, name) == b"of a flow"
        [again] = flows.upload(json.dumps(one).encode(), filename="one.json")
        assert again.name
    finally:
        assert flows.delete(made.id).message


def test_files_variables_and_keys(client: Client) -> None:
    files = client.langflow.files
    kept = files.upload(b"of a user", filename="notes.txt")
    assert files.download(kept.id) == b"of a user"
    assert files.download(kept.id, return_content=True) == "of a user"
    assert files.rename(kept.id, name="other").name == "other"
    assert files.delete(kept.id).detail
    variables = client.langflow.variables
    made = variables.create(name="OF_A_TEST", value="1", type="Generic", default_fields=[])
    assert variables.update(made.id, id=made.id, value="2").value == "2"
    assert variables.delete(made.id) is None
    keys = client.langflow.api_keys
    key = keys.create(name="of a test")
    assert key.api_key.startswith("sk-")
    assert key.api_key not in repr(key)
    assert key.id in [known.id for known in keys.list().api_keys]
    assert keys.delete(key.id).detail


def test_projects_triggers_and_what_runs_left(real: Server, client: Client) -> None:
    langflow = client.langflow
    echo = real.flows["echo"]
    project = langflow.projects.create(name="of a test")
    assert langflow.projects.get(project.id).flows == []
    assert langflow.projects.delete(project.id) is None
    schedule = {"cron": "0 0 1 1 *", "timezone": "UTC"}
    trigger = langflow.triggers.create(flow_id=echo, name="t", kind="schedule", config=schedule)
    assert langflow.triggers.list(flow_id=echo)[0].id == trigger.id
    langflow.triggers.delete(trigger.id)
    client.run_flow(echo, "Hello!", session_id="with, comma")
    [said, _] = langflow.messages.list(session_id="with, comma", order="ASC")
    assert said.text == "Hello!"
    with pytest.raises(InvalidInput, match="comma"):
        langflow.messages.rename_session("a", new_session_id="a,b")
    assert langflow.messages.delete_session("with, comma") is None
    assert langflow.monitor.list_traces(flow_id=echo, size=1).traces[0].flow_id == echo


def test_the_second_version_of_a_run(real: Server, client: Client) -> None:
    workflows = client.langflow.workflows
    whole = workflows.run(flow_id=real.flows["echo"], input_value="Hello!")
    assert isinstance(whole, WorkflowResult)
    assert whole.output is not None
    assert whole.output.text == "Hello!"
    job = workflows.run(flow_id=real.flows["echo"], input_value="Hello!", mode="background")
    assert job.job_id is not None
    events = [event.event for event in workflows.follow(job.job_id)]
    assert "end" in events
    assert workflows.get_status(job_id=job.job_id).status == "completed"


def test_a_build_is_read_to_its_end(real: Server, client: Client) -> None:
    started = client.langflow.builds.start(real.flows["echo"], inputs={"input_value": "Hello!"})
    text = client.langflow.builds.read_events(started.job_id, event_delivery="streaming")
    assert json.loads(text.strip().splitlines()[-1])["event"] == "end"


def test_a_build_that_is_polled(real: Server, client: Client) -> None:
    builds = client.langflow.builds
    job = builds.start(real.flows["echo"], inputs={"input_value": "Hello!"}).job_id
    names: list[str] = []
    while not names or names[-1] != "end":
        text = builds.read_events(job, event_delivery="polling")
        names += [json.loads(frame)["event"] for frame in text.split("\n\n\n")]
    assert names[:2] == ["vertices_sorted", "build_start"]
    # Nothing, or once more that it has ended, and then no answer at all.
    said = set()
    try:
        for _ in range(4):
            text = builds.read_events(job, event_delivery="polling", timeout=2, max_retries=0)
            said.add((text or "").strip())
    except TotalTimeout:
        assert said <= {"", '{"event": "end", "data": {}}'}
    else:
        raise AssertionError(said)


def test_what_is_only_begun(real: Server, client: Client) -> None:
    users, triggers = client.langflow.users, client.langflow.triggers
    user = users.create(username="of-a-test", password="long-enough-1")
    assert (user.is_active, users.update(user.id, is_active=True).is_active) == (False, True)
    assert users.list(search="of-a-test").total_count == 1
    # 202: it goes on behind the answer.
    assert "started" in users.delete(user.id)["detail"]
    trigger = triggers.create(flow_id=real.flows["echo"], name="t", kind="inbound_webhook")
    event = triggers.test(trigger.id, payload={"x": 1})
    assert (event.state, event.job_id) == ("pending", None)
    assert triggers.enable(trigger.id).state == "active"
    for _ in range(60):
        [found] = triggers.list_events(trigger.id)
        if found.state == "completed":
            break
        time.sleep(0.5)
    assert (found.state, found.payload) == ("completed", {"x": 1, "test": True})
    triggers.delete(trigger.id)


def test_logins(real: Server) -> None:
    nobody = Client(base_url=real.url, api_key=None, api="langflow")
    tokens = nobody.langflow.logins.login(username="admin", password=real.password)
    assert tokens.token_type == "bearer"
    assert tokens.access_token not in repr(tokens)
    with pytest.raises(Unauthenticated):
        nobody.langflow.users.whoami()


def test_on_a_workspace_it_is_unsupported(real: Server) -> None:
    with pytest.raises(Unsupported, match="open-source"):
        Client(base_url=real.url, api_key="k", api="workspace").langflow.flows.list()


def test_coroutines(real: Server) -> None:
    async def main() -> tuple[str, str, list[str]]:
        async with AsyncClient(base_url=real.url, api_key=real.api_key) as client:
            user = await client.langflow.users.whoami()
            kept = await client.langflow.files.upload(b"x", filename="x.txt")
            await client.langflow.files.delete(kept.id)
            run = await client.langflow.workflows.run(
                flow_id=real.flows["echo"], input_value="x", mode="background"
            )
            events = client.langflow.workflows.follow(run.job_id or "")
            return user.username, kept.name, [event.event async for event in events]

    username, name, events = asyncio.run(main())
    assert (username, name, events[-1]) == ("admin", "x", "end")


@pytest.mark.parametrize("language", ["rust", "node"])
def test_other_languages(real: Server, language: str) -> None:
    folder = pathlib.Path(os.environ["LANGFLOW_NODE_DIR"])
    if language == "rust":
        command = [str(ROOT / "target/debug/examples/real_langflow")]
    else:
        copy = folder / "real-langflow.mjs"
        copy.write_text((ROOT / "tests/real/programs/langflow.mjs").read_text())
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
        "user": "admin",
        "flow": "wire echo",
        "file": "of a program",
        "workflow": "Hello!",
        "end": "end",
        "unsupported": "unsupported",
    }
