"""Runs and streams on a real server, in every language; only the URL says that it is one."""

import asyncio
import os
import pathlib
import subprocess

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    InvalidInput,
    NotFound,
    RunFailed,
    Unauthenticated,
    Unprocessable,
)

from conftest import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def client(real: Server) -> Client:
    return Client(base_url=real.url, api_key=real.api_key)


def test_one_output_of_several_is_chosen(real: Server, client: Client) -> None:
    flow = real.flows["two_outputs"]
    result = client.run_flow(flow, "Hello!", output_ids=["ChatOutput-ddddd"])
    assert (result.output, result.reason, len(result.outputs)) == ("Hello!", "single", 2)
    with client.stream_flow(flow, "Hello!", output_ids=["ChatOutput-bbbbb"]) as stream:
        assert "".join(stream.text_stream) == "Hello!"
        assert stream.get_final_result().text == "Hello!"
    with pytest.raises(InvalidInput, match="ChatOutput-ddddd") as refused:
        client.run_flow(flow, "Hello!", output_ids=["ChatOutput-zzzzz"])
    assert refused.value.field == "output_ids"
    # The server itself refuses what this client does, and chooses alike.
    ours = client.langflow.workflows.run(
        flow_id=flow, input_value="Hello!", output_ids=["ChatOutput-ddddd"]
    )
    assert ours.to_dict()["output"]["source"] == "ChatOutput-ddddd"
    with pytest.raises(Unprocessable, match="output_ids"):
        client.langflow.workflows.run(flow_id=flow, output_ids=["ChatOutput-zzzzz"])


def test_the_output_is_what_the_flow_ends_in(real: Server, client: Client) -> None:
    result = client.run_flow(real.flows["echo"], "Hello!")
    assert (result.output, result.reason, result.server) == ("Hello!", "single", "langflow")
    assert client.run_flow(real.flows["text"], "Hello!").text == "Hello!"
    several = client.run_flow(real.flows["two_outputs"], "Hello!")
    assert (several.output, several.reason) == (None, "multiple")
    assert [output.value for output in several.outputs.values()] == ["Hello!", "Hello!"]
    assert client.run_flow(real.flows["data_terminal"], "Hello!").reason == "none"


def test_an_agent_answers_once_its_tool_has(real: Server, client: Client) -> None:
    flow = real.flows["agent"]
    said = 'The tool says {"result": "5"}'
    assert client.run_flow(flow, "How much is 2+3?").text == said
    with client.stream_flow(flow, "How much is 2+3?") as stream:
        events = list(stream)
    assert events[-1].type == "end"
    assert events[-1].result.text == said
    assert "".join(event.text for event in events if event.type == "token") == said
    job = client.run_flow(flow, "How much is 2+3?", background=True)
    assert job.wait(60).text == said
    assert list(job.events())[-1].result.text == said
    done = client.langflow.workflows.run(flow_id=flow, input_value="How much is 2+3?")
    assert done.output is not None
    assert done.output.text == said
    responses = Client(base_url=real.url, api_key=real.api_key, api="responses")
    assert responses.run_flow(flow, "How much is 2+3?").text == said
    with responses.stream_flow(flow, "How much is 2+3?") as stream:
        assert "".join(stream.text_stream) == said


def test_newlines_stand_as_they_were(real: Server, client: Client) -> None:
    text = 'a\n\nb\u2028c "d" \\ €'
    assert client.run_flow(real.flows["echo"], text).text == text
    with client.stream_flow(real.flows["echo"], text) as stream:
        assert "".join(stream.text_stream) == text


def test_tokens_come_before_the_end(real: Server, client: Client) -> None:
    with client.stream_flow(real.flows["fake_llm"], "Hello!") as stream:
        events = list(stream)
    tokens = [event.text for event in events if event.type == "token"]
    assert "".join(tokens) == "one two three"
    assert len(tokens) >= 3
    assert events[-1].type == "end"
    assert events[-1].result.output == "one two three"


def test_a_component_that_fails_is_an_error_whole_and_streamed(
    real: Server, client: Client
) -> None:
    with pytest.raises(RunFailed, match="wire boom: Hello!") as whole:
        client.run_flow(real.flows["boom"], "Hello!")
    assert (whole.value.status, whole.value.may_have_executed) == (500, True)
    assert whole.value.attempts == 1
    with pytest.raises(RunFailed, match="wire boom: Hello!"):
        client.stream_flow(real.flows["boom"], "Hello!").get_final_result()


def test_a_run_without_a_session_has_one_of_its_own(real: Server, client: Client) -> None:
    first, second = (client.run_flow(real.flows["echo"], "Hello!") for _ in range(2))
    assert first.session_id
    assert first.session_id not in (second.session_id, real.flows["echo"])
    again = client.run_flow(real.flows["echo"], "Hello!", session_id=first.session_id)
    assert again.session_id == first.session_id


def test_what_is_refused_says_so(real: Server, client: Client) -> None:
    with pytest.raises(NotFound, match="nope"):
        client.run_flow("nope", "Hello!")
    for key in ("sk-wrong", None):
        with pytest.raises(Unauthenticated, match="API key"):
            Client(base_url=real.url, api_key=key, api="langflow").run_flow("nope", "Hello!")


def test_coroutines(real: Server) -> None:
    async def main() -> list[object]:
        async with AsyncClient(base_url=real.url, api_key=real.api_key) as client:
            runs = [client.run_flow(real.flows["echo"], str(number)) for number in range(5)]
            return [result.output for result in await asyncio.gather(*runs)]

    assert asyncio.run(main()) == ["0", "1", "2", "3", "4"]


def program(real: Server, command: list[str], flow: str) -> str:
    done = subprocess.run(
        [*command, real.flows[flow]],
        capture_output=True,
        text=True,
        timeout=60,
        env=real.environment(),
        check=False,
        cwd=os.environ["LANGFLOW_NODE_DIR"],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", ["rust", "node"])
def test_the_documented_program(real: Server, language: str) -> None:
    if language == "rust":
        examples = ROOT / "target/debug/examples"
        whole, streamed = [str(examples / "quickstart")], [str(examples / "stream")]
    else:
        folder = pathlib.Path(os.environ["LANGFLOW_NODE_DIR"])
        commands = []
        for name in ("quickstart.mjs", "stream.mjs"):
            copy = folder / f"real-{name}"
            copy.write_text((ROOT / "examples/node" / name).read_text())
            commands.append(["node", str(copy)])
        whole, streamed = commands
    assert program(real, whole, "echo").strip() == "Hello!"
    assert "one two three" in program(real, streamed, "fake_llm")
