"""Projects of a real open-source server as folders."""

import asyncio
import json
import pathlib
import subprocess
import sys

import pytest
from langflow_api import AsyncClient, Client, InvalidInput, NotFound

from conftest import Server

SECRET = "sk-of-a-component"


def graph() -> dict[str, object]:
    template = {
        "api_key": {"password": True, "load_from_db": False, "value": SECRET},
        "model": {"value": "m"},
    }
    node = {"id": "A-1", "data": {"id": "A-1", "type": "A", "node": {"template": template}}}
    return {"nodes": [node], "edges": []}


@pytest.fixture
def client(real: Server) -> Client:
    return Client(base_url=real.url, api_key=real.api_key)


def actions(report: dict[str, object]) -> dict[str, str]:
    flows = report["flows"]
    assert isinstance(flows, list)
    return {flow["name"]: flow["action"] for flow in flows}


def test_a_project_goes_out_and_in(real: Server, client: Client, tmp_path: pathlib.Path) -> None:
    langflow = client.langflow
    project = langflow.projects.create(name="as a folder", description="d")
    try:
        one, two = (
            langflow.flows.create(name=name, data=graph(), folder_id=project.id)
            for name in ("a/../b: one", "two")
        )
        out = client.pull_project("as a folder", tmp_path)
        assert actions(out) == {one.name: "written", "two": "written"}
        files = sorted(path.name for path in tmp_path.iterdir())
        assert files == ["a----b- one.json", "project.json", "two.json"]
        text = (tmp_path / "two.json").read_text()
        assert SECRET not in text
        assert json.loads(text)["endpoint_name"] == two.endpoint_name
        assert list(json.loads(text)) == sorted(json.loads(text))
        assert set(actions(client.pull_project(project.id, tmp_path)).values()) == {"unchanged"}
        assert set(actions(client.push_project(tmp_path)).values()) == {"unchanged"}

        changed = json.loads(text) | {"description": "changed"}
        (tmp_path / "two.json").write_text(json.dumps(changed))
        assert actions(client.push_project(tmp_path)) == {one.name: "unchanged", "two": "updated"}
        now = langflow.flows.get(two.id)
        assert now.description == "changed"
        assert now.data is not None
        assert now.data["nodes"][0]["data"]["node"]["template"]["api_key"]["value"] == SECRET

        langflow.flows.delete(one.id)
        assert actions(client.push_project(tmp_path))[one.name] == "created"
        assert langflow.flows.get(one.id).name == one.name
        (tmp_path / "two.json").unlink()
        assert actions(client.push_project(tmp_path))["two"] == "only_on_server"
        langflow.flows.delete(two.id)
        command = [sys.executable, "-m", "langflow_api", "projects", "pull", project.id]
        done = subprocess.run(
            [*command, "-o", str(tmp_path), "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            env=real.environment(),
            check=False,
        )
        assert json.loads(done.stdout)["project_id"] == project.id, done.stderr
    finally:
        langflow.projects.delete(project.id)


def test_what_is_no_project(real: Server, client: Client, tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotFound, match="nothing of that name"):
        client.pull_project("nothing of that name", tmp_path)
    with pytest.raises(InvalidInput, match=r"project\.json"):
        client.push_project(tmp_path)

    async def main() -> None:
        async with AsyncClient(base_url=real.url, api_key=real.api_key) as caller:
            await caller.pull_project("nothing of that name", tmp_path)

    with pytest.raises(NotFound):
        asyncio.run(main())


def test_flow_files_go_in_by_the_portable_import(client: Client) -> None:
    flow = {"name": "imported", "data": graph()}
    [made] = client.flows.import_(json.dumps(flow).encode(), on_conflict="new_id").flows
    try:
        exported = client.flows.export(made.id)
        assert SECRET not in json.dumps(exported.to_dict())
        file = json.dumps(exported.to_dict() | {"name": "again"}).encode()
        [again] = client.flows.import_(file, on_conflict="replace").flows
        assert (again.id, again.name) == (made.id, "again")
        kept = client.langflow.flows.get(made.id).data
        assert kept is not None
        assert kept["nodes"][0]["data"]["node"]["template"]["api_key"]["value"] == SECRET
    finally:
        client.flows.delete(made.id)
