"""Files and global variables of a run on a real open-source server."""

import json
import os
import pathlib
import subprocess

import pytest
from langflow_api import Client, InvalidInput, RunFailed, Unsupported

from conftest import Server


@pytest.fixture
def client(real: Server) -> Client:
    return Client(base_url=real.url, api_key=real.api_key)


def test_a_file_component_reads_what_is_sent(
    real: Server, client: Client, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "notes 1.txt"
    file.write_text("what the file says")
    result = client.run_flow(real.flows["file"], "x", files=[file])
    assert result.text == "what the file says"
    with client.stream_flow("wire-file", "x", files=[str(file)]) as stream:
        assert stream.get_final_result().text == "what the file says"


def test_a_chat_input_is_told_of_what_is_sent(
    real: Server, client: Client, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    result = client.run_flow(real.flows["echo"], "look", files=[file])
    messages = client.langflow.messages.list(session_id=result.session_id or "", sender="User")
    [kept] = json.loads(messages[0].files)
    assert kept.endswith("picture.png")
    with pytest.raises(InvalidInput, match="no component that takes files"):
        client.run_flow(real.flows["text"], "look", files=[file])


def test_what_a_run_uploads_is_deleted_after_it(
    real: Server, client: Client, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "deleted-after.txt"
    file.write_text("what the file says")
    picture = tmp_path / "deleted-after.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    flow, echo = real.flows["file"], real.flows["echo"]

    def there() -> list[str]:
        mine = [it.path for it in client.langflow.files.list()]
        return [name for name in [*mine, *of_flow()] if "deleted-after" in name]

    def of_flow() -> list[str]:
        return client.langflow.flow_files.list(echo).files

    result = client.run_flow(flow, "x", files=[file], delete_files=True)
    assert (result.text, there()) == ("what the file says", [])
    with client.stream_flow(flow, "x", files=[file], delete_files=True) as stream:
        assert stream.get_final_result().text == "what the file says"
    assert there() == []
    client.run_flow(echo, "look", files=[picture], delete_files=True)
    assert there() == []
    client.run_flow(flow, "x", files=[file])
    assert len(there()) == 1
    for kept in client.langflow.files.list():
        if "deleted-after" in kept.path:
            client.langflow.files.delete(kept.id)


def test_variables_of_a_run(real: Server, client: Client) -> None:
    flow = real.flows["sender"]
    for value in ("Ada", "Grace"):
        result = client.run_flow(flow, "Hello!", variables={"wiresender": value})
        said = client.langflow.messages.list(session_id=result.session_id or "", sender="Machine")
        assert said[0].sender_name == value
    with client.stream_flow(flow, "Hello!", variables={"WIRESENDER": "Ada"}) as stream:
        assert stream.get_final_result().text == "Hello!"
    with pytest.raises(RunFailed):
        client.run_flow(flow, "Hello!")
    with pytest.raises(Unsupported, match="background"):
        client.run_flow(flow, "Hello!", variables={"WIRESENDER": "Ada"}, background=True)


def test_node(real: Server, tmp_path: pathlib.Path) -> None:
    (tmp_path / "notes.txt").write_text("for JavaScript")
    folder = pathlib.Path(os.environ["LANGFLOW_NODE_DIR"])
    program = folder / "real-inputs.mjs"
    program.write_text(
        "import { LangflowClient } from 'langflow-client';\n"
        "const [flowId, path] = process.argv.slice(2);\n"
        "const client = new LangflowClient();\n"
        "const run = await client.runFlow({ flowId, inputValue: 'x', files: [path] });\n"
        "console.log(run.output);\n"
    )
    done = subprocess.run(
        ["node", str(program), real.flows["file"], str(tmp_path / "notes.txt")],
        capture_output=True,
        text=True,
        timeout=60,
        env=real.environment(),
        check=False,
        cwd=folder,
    )
    assert (done.stdout.strip(), done.stderr) == ("for JavaScript", "")
