"""Many runs, metrics, alerts, and clients with other options."""

from __future__ import annotations

import asyncio
import json
import pickle
import queue
import threading
import time
from typing import Any

import pytest
from langflow_api import Alert, AsyncClient, Client, InvalidInput, NotFound, RunBatch, ServerError
from langflow_api.testing import MockServer
from support import RUN, Connection, RawServer, header_of, runs_only


def test_many_runs(mock: MockServer) -> None:
    seen: list[tuple[int, int]] = []
    inputs = [f"text {number}" for number in range(20)]
    batch = mock.client().run_many(
        "echo", inputs, concurrency=4, progress=lambda done, total: seen.append((done, total))
    )
    assert isinstance(batch, RunBatch)
    assert [item.text for item in batch] == inputs
    assert batch.errors == {}
    batch.raise_for_errors()
    assert seen == [(number, 20) for number in range(1, 21)]
    assert repr(batch) == "RunBatch(20 runs, 0 failed)"
    assert batch.to_dict()[3]["output"] == "text 3"
    assert pickle.loads(pickle.dumps(batch)) == batch


def test_one_that_fails_stops_no_other(mock: MockServer) -> None:
    batch = mock.client().run_many(
        "echo", ["a", {"input_value": "b", "flow_id": "no-such-flow"}, {"input_value": "c"}]
    )
    assert [item.ok for item in batch] == [True, False, True]
    assert isinstance(batch.errors[1], NotFound)
    assert batch.results[1] is None
    assert "1 failed" in batch._repr_html_()
    assert "not_found" in batch._repr_html_()
    with pytest.raises(NotFound):
        batch.raise_for_errors()
    with pytest.raises(NotFound):
        _ = batch[1].text
    assert pickle.loads(pickle.dumps(batch)) == batch


def test_rows_of_many(mock: MockServer) -> None:
    pytest.importorskip("pandas")
    frame = mock.client().run_many("echo", ["a", "b"]).to_pandas()
    assert list(frame["output"]) == ["a", "b"]
    assert list(frame["input_value"]) == ["a", "b"]


def test_many_in_a_coroutine(mock: MockServer) -> None:
    async def main() -> None:
        async with mock.async_client() as client:
            batch = await client.run_many("echo", ["a", "b", "c"])
            assert [item.text for item in batch] == ["a", "b", "c"]
            ordered = [
                item.index async for item in client.iter_many("echo", list("abc"), ordered=True)
            ]
            assert ordered == [0, 1, 2]

    asyncio.run(main())


def test_concurrency_is_bounded_and_leaving_stops_the_rest(raw: RawServer) -> None:
    running = 0
    most = 0
    lock = threading.Lock()

    def script(connection: Connection, _: bytes) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.05)
        with lock:
            running -= 1
        connection.answer(RUN)

    raw.script = script
    for number, _ in enumerate(Client(raw.url, "k").iter_many("f", ["x"] * 30, concurrency=3)):
        if number == 5:
            break
    assert most <= 3
    threading.Event().wait(0.3)
    assert len(raw.requests) <= 12


def test_arguments_of_many(raw: RawServer) -> None:
    raw.script = runs_only
    client = Client(raw.url, "k")
    client.run_many("f", ["a"], tweaks={"A": {"k": 1}}, headers={"x-job": "7"})
    assert header_of(raw.requests[-1], "x-job") == "7"
    assert b'"tweaks":{"A":{"k":1}}' in raw.requests[-1]
    with pytest.raises(InvalidInput):
        client.run_many("f", ["a"], concurrency=0)
    assert len(client.run_many("f", [])) == 0


def test_texts_of_many_go_in_as_they_are(raw: RawServer) -> None:
    raw.script = runs_only
    client = Client(raw.url, "k")
    texts = ["a", 'ü "\n" 🙂', ""]
    batch = client.run_many("f", texts, timeout=9, concurrency=1)
    assert [item.input_value for item in batch] == texts
    sent = [
        json.loads(request.partition(b"\r\n\r\n")[2])["input_value"] for request in raw.requests
    ]
    assert sent == texts
    # What is wrong with all is the error of each, and what cannot be sent is refused at once.
    refused = client.run_many("f", ["a", "b"], timeout=-1)
    assert [item.error.code for item in refused if item.error] == ["invalid_input"] * 2
    refused = client.run_many("f", ["a", "b"], tweaks={"A": "no"})  # type: ignore[dict-item]
    assert [item.error.field for item in refused if isinstance(item.error, InvalidInput)] == [
        "tweaks.A"
    ] * 2
    for inputs in (["a", "\ud800"], [{"input_value": "\ud800"}]):
        with pytest.raises(InvalidInput) as caught:
            client.run_many("f", inputs)
        assert caught.value.field == "requests"
    with pytest.raises(InvalidInput) as caught:
        client.run_many("f", ["a"], tweaks={"A": {"k": float("nan")}})
    assert caught.value.field == "requests"
    assert len(raw.requests) == 3


def test_a_bar(mock: MockServer, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    mock.client().run_many("echo", ["a", "b"], progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "2/2" in shown.err


def test_a_bar_without_any_library(
    mock: MockServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import sys

    for name in ("tqdm", "tqdm.auto", "rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    mock.client().run_many("echo", ["a", "b"], progress=True)
    assert capfd.readouterr() == ("", "")


def test_metrics() -> None:
    with MockServer(token_delay=0.05) as mock:
        figures(mock.client())


def figures(client: Client) -> None:
    client.run_flow("hello-flow", "Hello!")
    with pytest.raises(NotFound):
        client.flows.get("no-such-flow")
    left = client.stream_flow("hello-flow", "Hello!")
    next(left)
    left.close()
    metrics = client.metrics()
    # A stream that was left is neither a success nor a failure.
    assert (metrics.calls, metrics.in_flight) == (2, 0)
    assert metrics.failed == 1
    assert metrics.errors == {"not_found": 1}
    assert metrics.abandoned == 1
    assert metrics.tokens > 0
    assert metrics.latency.count == 2
    assert 0 < metrics.latency.p50 <= metrics.latency.max * 2
    assert client.with_options(timeout=3).metrics() == metrics
    client.close()
    assert client.metrics() == metrics


def test_alerts(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer(
        {"title": "x"}, "500 Internal Server Error", "application/problem+json"
    )
    client = Client(raw.url, "k", max_retries=0)
    raised: queue.Queue[Alert] = queue.Queue()
    with client.on_alert(raised.put, error_rate=0.5, min_calls=2):
        for _ in range(2):
            with pytest.raises(ServerError):
                client.run_flow("f", "x")
        alert = raised.get(timeout=5)
    assert (alert.kind, alert.value, alert.threshold) == ("error_rate", 1.0, 0.5)
    with pytest.raises(InvalidInput):
        client.on_alert(raised.put, error_rate=7)


def test_other_options(raw: RawServer) -> None:
    client = Client(raw.url, "first", headers={"x-team": "a"})
    other = client.with_options(api_key="second", headers={"x-more": "b"}, max_retries=0)
    client.run_flow("f", "x")
    other.run_flow("f", "x")
    assert header_of(raw.requests[0], "authorization") == "Bearer first"
    assert header_of(raw.requests[0], "x-more") is None
    assert header_of(raw.requests[1], "authorization") == "Bearer second"
    assert header_of(raw.requests[1], "x-team") == "a"
    assert header_of(raw.requests[1], "x-more") == "b"
    assert len(raw.connections) == 1, "the connection is shared"
    again: Any = pickle.loads(pickle.dumps(other))
    again.run_flow("f", "x")
    assert header_of(raw.requests[2], "authorization") == "Bearer second"
    assert header_of(raw.requests[2], "x-more") == "b"
    with pytest.raises(InvalidInput):
        client.with_options(sesion_id="typo")


def test_calls_in_a_row_share_a_connection(raw: RawServer) -> None:
    """A connection is back before the call that used it returns, whoever else drives some."""

    async def main() -> None:
        async with AsyncClient(raw.url, "k") as client:
            await client.run_flow("f", "x")

    asyncio.run(main())
    before = len(raw.connections)
    client = Client(raw.url, "k")
    for _ in range(500):
        client.run_flow("f", "x")
        client.with_options(timeout=9).run_flow("f", "x")
    assert len(raw.requests) == 1001
    assert len(raw.connections) == before + 1


def test_limits_of_the_client(raw: RawServer) -> None:
    client = Client(raw.url, "k", requests_per_second=4)
    begun = time.monotonic()
    client.run_many("f", ["x"] * 6, concurrency=6)
    # As many as a second may have go at once, the others one after the other.
    assert time.monotonic() - begun > 0.4
    with pytest.raises(InvalidInput) as caught:
        Client(raw.url, "k", max_concurrent=0)
    assert caught.value.field == "max_concurrent"


def test_a_proxy(raw: RawServer) -> None:
    client = Client("http://langflow.example", "k", proxy=raw.url, allow_http=True)
    assert client.run_flow("f", "x").output == "Hello!"
    assert raw.requests[0].startswith(b"POST http://langflow.example/langflow/api/v1/flows/f/run ")
