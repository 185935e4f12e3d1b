"""Runs in the background on a real server: v2 workflows."""

import asyncio
import uuid

import pytest
from langflow_api import AsyncClient, Cancelled, Client, RunFailed, TotalTimeout, Unprocessable

from conftest import Server


@pytest.fixture
def client(real: Server) -> Client:
    return Client(base_url=real.url, api_key=real.api_key)


def test_a_job_is_found_again_by_its_id(real: Server, client: Client) -> None:
    job = client.run_flow(real.flows["echo"], "Hello!", background=True)
    other = Client(base_url=real.url, api_key=real.api_key, api="langflow")
    result = other.job(job.id).wait(60)
    assert (result.output, result.reason) == ("Hello!", "single")
    assert job.info().status == "completed"
    assert job.cancel() is False


def test_a_text_input_and_a_name_are_served_too(real: Server, client: Client) -> None:
    assert client.run_flow(real.flows["text"], "Hello!", background=True).wait(60).text == "Hello!"
    assert client.run_flow("wire-echo", "Hello!", background=True).wait(60).text == "Hello!"


def test_a_text_that_the_server_cuts_is_whole(real: Server, client: Client) -> None:
    long = "z" * 7000
    assert client.run_flow(real.flows["echo"], long, background=True).wait(60).text == long


def test_a_failure_is_said_and_not_asked_for_again(real: Server, client: Client) -> None:
    job = client.run_flow(real.flows["boom"], "Hello!", background=True)
    with pytest.raises(RunFailed, match="wire boom: Hello!") as failed:
        job.wait(60)
    assert failed.value.attempts == 1
    assert failed.value.may_have_executed
    info = job.info()
    assert info.status == "failed"
    assert isinstance(info.error, RunFailed)


def test_a_job_outlives_a_wait_and_can_be_stopped(real: Server, client: Client) -> None:
    job = client.run_flow(real.flows["slow"], "30", background=True)
    with pytest.raises(TotalTimeout):
        job.wait(1)
    assert job.cancel() is True
    # 1.13 says of some that are stopped that they failed.
    with pytest.raises((Cancelled, RunFailed), match=r"cancelled|has failed execution"):
        job.wait(60)


def test_a_person_is_asked_and_answers(real: Server, client: Client) -> None:
    job = client.run_flow(real.flows["hitl"], "ok?", background=True)
    assert job.wait(60).reason == "suspended"
    request = job.info().human_request
    assert request is not None
    assert [option["action_id"] for option in request["options"]] == ["approve", "reject"]
    with pytest.raises(Unprocessable):
        job.resume("maybe")
    job.resume("approve")
    assert job.wait(60).output == "ok?"


def test_the_same_key_is_one_job(real: Server, client: Client) -> None:
    key = str(uuid.uuid4())
    jobs = [
        client.run_flow(real.flows["echo"], "1", background=True, idempotency_key=key)
        for _ in range(2)
    ]
    assert jobs[0].id == jobs[1].id


def test_coroutines_follow_the_tokens(real: Server) -> None:
    async def main() -> tuple[str, object]:
        async with AsyncClient(base_url=real.url, api_key=real.api_key) as client:
            job = await client.run_flow(real.flows["fake_llm"], "Hello!", background=True)
            said = [event.text async for event in job.events() if event.type == "token"]
            return "".join(said), (await job.wait(60)).output

    assert asyncio.run(main()) == ("one two three", "one two three")
