"""Best practices: row 13. What the page advises, the client or the server does.

Usage figures are an operation that a server may refuse, and then with a typed error.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from langflow_api import (
    Client,
    InsecureUrl,
    PermissionDenied,
    RunFailed,
    ServerError,
    TimedOut,
    Unauthenticated,
)

from docpage import lines
from mockserver import Mock

# Which tests stand for which advice.
ADVICE = {
    "Use descriptive flow names": ["names_and_inputs"],
    "Document expected inputs": ["names_and_inputs"],
    "Handle errors gracefully": ["errors_say_what_to_do"],
    "Set appropriate timeouts": ["a_timeout_holds"],
    "Rotate API keys regularly": ["a_key_is_rotated_without_a_gap"],
    "Use minimum required permissions": ["a_key_for_running_only"],
    "Don’t expose keys in client code": ["the_key_is_never_shown"],
    "Use HTTPS always": ["plain_http_is_refused"],
    "Cache where possible": ["an_answer_is_kept_for_its_key"],
    "Set reasonable timeouts": ["a_timeout_holds"],
    "Monitor token usage": ["tokens_are_counted"],
    "Use streaming for long responses": ["the_first_word_comes_before_the_last"],
    "Log all API calls": ["every_call_has_an_id"],
    "Track error rates": ["runs_are_listed_with_their_state_and_time", "usage"],
    "Monitor latency": ["runs_are_listed_with_their_state_and_time", "usage"],
    "Alert on anomalies": ["an_error_can_be_told_to_others"],
}


@pytest.fixture
def client(mock: Mock) -> Client:
    return Client(base_url=mock.url, api_key=mock.api_key)


def test_13_every_advice_has_its_test() -> None:
    advice = [line.removeprefix("- ") for line in lines("best practices") if line.startswith("- ")]
    assert advice == list(ADVICE)
    for names in ADVICE.values():
        assert all(callable(globals().get(f"test_13_{name}")) for name in names), names


def test_13_names_and_inputs(mock: Mock) -> None:
    for flow in mock.get("/flows")["items"]:
        assert " " in flow["name"] or flow["name"].isalpha()
        assert "Input: " in flow["description"], flow


def test_13_errors_say_what_to_do(client: Client) -> None:
    with pytest.raises(RunFailed) as raised:
        client.run_flow("failing-flow", "Hello")
    assert raised.value.may_have_executed
    assert raised.value.message
    assert raised.value.hint


def test_13_a_timeout_holds(start: Callable[..., Mock]) -> None:
    slow = start("--token-delay-ms", "500")
    client = Client(base_url=slow.url, api_key=slow.api_key, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(TimedOut):
        client.run_flow("hello-flow", "Hello, how are you?")
    assert time.monotonic() - began < 2


def test_13_a_key_is_rotated_without_a_gap(mock: Mock, client: Client) -> None:
    made = client.api_keys.create(name="rotated", permissions=["execute"])
    rotated = client.api_keys.rotate(made.api_key.id, grace_period=60)
    assert rotated.key != made.key
    for key in (made.key, rotated.key):
        assert Client(base_url=mock.url, api_key=key).run_flow("echo", "Hello").output == "Hello"
    client.api_keys.revoke(made.api_key.id)
    with pytest.raises(Unauthenticated):
        Client(base_url=mock.url, api_key=rotated.key).run_flow("echo", "Hello")


def test_13_a_key_for_running_only(mock: Mock) -> None:
    client = Client(base_url=mock.url, api_key=mock.keys["execute"])
    assert client.run_flow("echo", "Hello").output == "Hello"
    with pytest.raises(PermissionDenied) as raised:
        client.flows.get("echo")
    assert "read" in raised.value.message


def test_13_the_key_is_never_shown(mock: Mock) -> None:
    client = Client(base_url=mock.url, api_key=mock.keys["read"])
    with pytest.raises(PermissionDenied) as raised:
        client.run_flow("echo", "Hello")
    shown = f"{client!r} {client} {raised.value!r} {raised.value} {vars(raised.value)}"
    assert mock.keys["read"] not in shown


def test_13_plain_http_is_refused() -> None:
    with pytest.raises(InsecureUrl) as raised:
        Client(base_url="http://workspace.example", api_key="a-key")
    assert not raised.value.may_have_executed
    assert "https" in f"{raised.value.message} {raised.value.hint}"
    assert "https://workspace.example" in repr(Client(base_url="workspace.example", api_key="k"))


def test_13_tokens_are_counted(client: Client) -> None:
    short = client.run_flow("hello-flow", "Hello").metadata.tokens_used
    long = client.run_flow("hello-flow", "Hello, " + "and hello again, " * 50).metadata.tokens_used
    assert short
    assert long
    assert short < long


def test_13_the_first_word_comes_before_the_last(start: Callable[..., Mock]) -> None:
    slow = start("--token-delay-ms", "50")
    client = Client(base_url=slow.url, api_key=slow.api_key)
    began = time.monotonic()
    times, words = [], ""
    with client.stream_flow("hello-flow", "Hello, how are you?") as stream:
        for event in stream:
            if event.type == "token":
                times.append(time.monotonic() - began)
                words += event.text
            if event.type == "end":
                assert event.result.output == words
    assert len(times) == len(words.split()) == 7
    assert times[-1] - times[0] > 0.2


def test_13_every_call_has_an_id(mock: Mock, client: Client) -> None:
    assert client.run_flow("echo", "Hello").request_id
    for path, key in (("/health", None), ("/flows", "lf_wrong"), ("/nowhere", None)):
        assert mock.call("GET", path, key=key).headers["x-request-id"], path


def test_13_runs_are_listed_with_their_state_and_time(mock: Mock, client: Client) -> None:
    with pytest.raises(RunFailed):
        client.run_flow("failing-flow", "Hello")
    failed = mock.get("/runs?flow_id=failing-flow&status=failed")
    assert failed["total"] >= 1
    assert all(run["error"]["code"] for run in failed["items"])
    assert client.run_flow("echo", "Hello").metadata.duration
    completed = mock.get("/runs?flow_id=echo&status=completed")
    assert all(run["metadata"]["duration"] > 0 for run in completed["items"])


def test_13_an_answer_is_kept_for_its_key(client: Client) -> None:
    first, again = (
        client.run_flow("hello-flow", "Hello", idempotency_key="one-question") for _ in range(2)
    )
    assert again.raw == first.raw
    other = client.run_flow("hello-flow", "Hello", idempotency_key="another-question")
    assert other.raw["run_id"] != first.raw["run_id"]
    # And in the client, where that is asked for.
    keeping = client.with_options(cache_ttl=60)
    assert [keeping.run_flow("hello-flow", "Hello").cached for _ in range(2)] == [False, True]
    assert not client.run_flow("hello-flow", "Hello").cached


def test_13_usage(mock: Mock, client: Client) -> None:
    client.run_flow("echo", "Hello")
    if mock.call("GET", "/usage").status == 501:
        with pytest.raises(ServerError) as raised:
            client.monitoring.get_usage()
        assert (raised.value.server_code, raised.value.attempts) == ("not_implemented", 1)
        return
    usage = client.monitoring.get_usage()
    assert usage.total.runs > 0
    assert usage.total.latency.max


def test_13_an_error_can_be_told_to_others(start: Callable[..., Mock]) -> None:
    mock = start()
    chosen = {"webhook_url": "https://alerts.example/hook", "webhook_events": ["flow_error"]}
    assert mock.call("PATCH", "/flows/echo/settings", chosen).status == 200
    assert chosen.items() <= mock.get("/flows/echo/settings").items()
