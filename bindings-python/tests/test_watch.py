"""What others may know of a call: logs and traces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from langflow_api import Client, NotFound
from langflow_api.testing import MockServer
from support import Connection, RawServer, header_of, python


def test_the_log(mock: MockServer, caplog: pytest.LogCaptureFixture) -> None:
    client = mock.client()
    with caplog.at_level(logging.DEBUG, "langflow_api"):
        client.run_flow("echo", "secret words")
        client.flows.get("echo")
        with pytest.raises(NotFound):
            client.flows.get("no-such-flow")
        client.stream_flow("echo", "secret words").get_final_result()
    text = caplog.text
    assert "run_flow ended after" in text
    assert "getFlow ended after" in text
    assert "status=200" in text
    assert "getFlow failed with not_found" in text
    assert "stream_flow ended after" in text
    assert mock.api_key not in text
    assert "secret words" not in text


def test_a_retry_is_worth_a_line(raw: RawServer, caplog: pytest.LogCaptureFixture) -> None:
    def script(connection: Connection, _: bytes) -> None:
        if len(raw.requests) == 1:
            connection.answer({}, "503 Service Unavailable", more="retry-after: 0\r\n")
        else:
            connection.answer({"id": "f", "name": "F"})

    raw.script = script
    with caplog.at_level(logging.INFO, "langflow_api"):
        Client(raw.url, "k").flows.get("f")
    assert "attempts=2" in caplog.text
    assert len(caplog.records) == 1


def test_a_quick_look(mock: MockServer) -> None:
    code = """
        import os, sys
        os.environ["LANGFLOW_LOG"] = sys.argv[3]
        from langflow_api import Client
        Client(sys.argv[1], sys.argv[2]).run_flow("echo", "Hi")
        Client(sys.argv[1], sys.argv[2])
        """
    done = python(code, mock.url, mock.api_key, "debug")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("run_flow ended") == 1
    assert mock.api_key not in done.stderr
    done = python(code, mock.url, mock.api_key, "loud")
    assert "LANGFLOW_LOG=loud: known are" in done.stderr


def test_silence_by_default(mock: MockServer) -> None:
    done = python(
        """
        import sys
        from langflow_api import Client
        Client(sys.argv[1], sys.argv[2]).run_flow("echo", "Hi")
        assert "logging" not in sys.modules
        """,
        mock.url,
        mock.api_key,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def exporter() -> Any:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    return memory


@pytest.fixture
def spans(exporter: Any) -> Iterator[Any]:
    exporter.clear()
    yield lambda: list(exporter.get_finished_spans())
    exporter.clear()


def test_spans(raw: RawServer, spans: Any) -> None:
    from opentelemetry import trace

    client = Client(raw.url, "k")
    with trace.get_tracer("program").start_as_current_span("outer") as outer:
        client.run_flow("f", "hi")
    inner = spans()[0]
    assert inner.name == "langflow run_flow"
    assert inner.kind is trace.SpanKind.CLIENT
    assert inner.attributes["langflow.flow_id"] == "f"
    assert inner.attributes["langflow.session_id"] == "s-1"
    assert inner.attributes["langflow.tokens_used"] == 3
    assert inner.parent.span_id == outer.get_span_context().span_id
    sent = header_of(raw.requests[0], "traceparent")
    assert sent is not None
    version, trace_id, span_id, _ = sent.split("-")
    assert version == "00"
    assert int(trace_id, 16) == outer.get_span_context().trace_id
    assert len(span_id) == 16


def test_the_span_of_an_error(raw: RawServer, spans: Any) -> None:
    raw.script = lambda connection, _: connection.answer(
        {"title": "x"}, "404 Not Found", "application/problem+json"
    )
    with pytest.raises(NotFound):
        Client(raw.url, "sk-hidden").flows.get("f")
    span = spans()[0]
    assert span.attributes["error.type"] == "not_found"
    assert span.attributes["http.response.status_code"] == 404
    assert span.status.status_code.name == "ERROR"
    assert "sk-hidden" not in span.to_json()


def test_the_span_of_a_stream(mock: MockServer, spans: Any) -> None:
    client = mock.client()
    stream = client.stream_flow("hello-flow", "Hi")
    next(stream)
    assert spans() == []
    stream.get_final_result()
    assert spans()[0].name == "langflow stream_flow"
    assert spans()[0].attributes["langflow.tokens_used"] > 0
    left = client.stream_flow("hello-flow", "Hi")
    next(left)
    del left
    assert len(spans()) == 2

    async def main() -> None:
        async with mock.async_client() as coroutines:
            await coroutines.run_flow("echo", "Hi")
            async with coroutines.stream_flow("echo", "Hi") as stream:
                await stream.get_final_result()

    asyncio.run(main())
    assert len(spans()) == 4
