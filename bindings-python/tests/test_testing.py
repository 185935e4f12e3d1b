"""What a test can do with the mock server."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import langflow_api
import pytest
from langflow_api.testing import MockServer


def test_time_moves_and_says_what_fell_due(langflow_mock: MockServer) -> None:
    client = langflow_mock.client()
    first = client.run_flow("memory-chat", "My name is Ada")
    fired = langflow_mock.advance("31m")
    assert [it["type"] for it in fired] == ["session_expired"]
    assert fired[0]["session_id"] == first.session_id
    langflow_mock.freeze("2026-01-01T00:00Z")
    client.run_flow("echo", "Hi")
    assert langflow_mock.requests()[-1]["at"] == "2026-01-01T00:00:00Z"
    with pytest.raises(ValueError, match="advance: has to be seconds"):
        langflow_mock.advance("soon")


def test_what_came_is_counted_and_ordered(langflow_mock: MockServer) -> None:
    client = langflow_mock.client()
    client.run_flow("echo", "Hi")
    client.run_flow("hello-flow", "Hello")
    langflow_mock.verify(operation="runFlow", count=2)
    langflow_mock.verify(order=[{"flow_id": "echo"}, {"flow_id": "hello-flow"}])
    langflow_mock.verify(operation="listFlows", max=0)
    langflow_mock.wait(operation="runFlow", count=2)
    assert [it["flow_id"] for it in langflow_mock.requests(operation="runFlow")] == [
        "echo",
        "hello-flow",
    ]
    with pytest.raises(AssertionError, match="2 came, exactly 1 should"):
        langflow_mock.verify(operation="runFlow", count=1)
    with pytest.raises(AssertionError, match=r"POST .*/flows/echo/run -> 200"):
        langflow_mock.verify(operation="cancelRun")
    with pytest.raises(AssertionError, match="0 of 1 came"):
        langflow_mock.wait(operation="cancelRun", timeout=0.05)
    with pytest.raises(AssertionError, match="After 1 of 2"):
        langflow_mock.verify(order=[{"flow_id": "hello-flow"}, {"flow_id": "echo"}])


def test_faults_strike_and_are_used_up(langflow_mock: MockServer) -> None:
    client = langflow_mock.client(max_retries=0)
    langflow_mock.fault("status", status=500, match={"operation": "runFlow"})
    other = langflow_mock.fault({"kind": "latency", "ms": 1, "scope": "rule"})
    assert [it["kind"] for it in langflow_mock.faults()] == ["status", "latency"]
    with pytest.raises(langflow_api.RunFailed):
        client.run_flow("echo", "Hi")
    assert [it["id"] for it in langflow_mock.faults()] == [other]
    langflow_mock.disarm(other)
    assert langflow_mock.faults() == []
    with pytest.raises(ValueError, match="kind"):
        langflow_mock.fault("rate_limitted")


def test_a_model_says_what_is_scripted(langflow_mock: MockServer) -> None:
    langflow_mock.script("As you wish.", match={"message_contains": "wish"}, times=1)
    client = langflow_mock.client()
    assert client.run_flow("hello-flow", "I wish").output == "As you wish."


def test_the_verdict_names_what_a_client_did(langflow_mock: MockServer) -> None:
    assert langflow_mock.verdict()["ok"]
    client = langflow_mock.client(max_retries=0)
    for _ in range(3):
        langflow_mock.fault("status", status=503)
        with pytest.raises(langflow_api.LangflowError):
            client.run_flow("echo", "Hi")
    codes = {it["code"] for it in langflow_mock.verdict()["findings"]}
    assert codes
    assert langflow_mock.verdict(ignore=codes)["ok"]
    assert min(codes) in langflow_mock.report()
    langflow_mock.assert_resilient(ignore=codes)
    with pytest.raises(AssertionError, match=min(codes)):
        langflow_mock.assert_resilient()


def test_only_a_strict_verdict_counts_who_gives_up(langflow_mock: MockServer) -> None:
    langflow_mock.fault("rate_limited", retry_after=2)
    with pytest.raises(langflow_api.LangflowError):
        langflow_mock.client(max_retries=0).run_flow("echo", "Hi")
    langflow_mock.advance("3s")
    langflow_mock.assert_resilient()
    with pytest.raises(AssertionError, match="gave_up"):
        langflow_mock.assert_resilient(strict=True)


def test_deliveries_are_seen_with_their_attempts(langflow_mock: MockServer) -> None:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=receiver.serve_forever, daemon=True).start()
    client = langflow_mock.client()
    client.webhooks.create(
        flow_id="echo",
        url=f"http://127.0.0.1:{receiver.server_port}/hook",
        events=["flow_started", "flow_completed"],
    )
    client.run_flow("echo", "Hi")
    # Whatever is under way has arrived once the clock has been moved.
    langflow_mock.advance(1)
    receiver.shutdown()
    receiver.server_close()
    events = {it["event"] for it in langflow_mock.deliveries(status="delivered")}
    assert events == {"flow_started", "flow_completed"}
    (completed,) = langflow_mock.deliveries(event="flow_completed")
    assert completed["payload"]["result"] == {"output": "Hi"}
    assert completed["attempts"][0]["status_code"] == 204


def test_a_reset_begins_anew(langflow_mock: MockServer) -> None:
    client = langflow_mock.client()
    client.flows.delete(flow_id="echo")
    langflow_mock.fault("drip", bytes_per_second=100)
    langflow_mock.reset(keep=["faults"])
    assert langflow_mock.requests() == []
    assert len(langflow_mock.faults()) == 1
    langflow_mock.reset("faults")
    assert langflow_mock.faults() == []
    assert client.flows.get(flow_id="echo").name == "Echo"


def test_a_server_begins_with_flows_keys_and_tenants_of_the_user(tmp_path: Path) -> None:
    with MockServer() as ours:
        flow = ours.client().flows.export(flow_id="echo").to_dict()
    flow["id"] = "mine"
    (tmp_path / "mine.json").write_text(json.dumps(flow))
    seed = tmp_path / "seed.json"
    keys = [{"name": "ci", "secret": "a-known-key", "permissions": ["execute"], "max_uses": 1}]
    seed.write_text(json.dumps({"flows": ["mine.json"], "keys": keys}))
    with MockServer(seed_file=seed, tenants=["anna"]) as server:
        assert server.keys["ci"] == "a-known-key"
        assert server.ready["tenants"] == {"anna": f"{server.url}/__t/anna"}
        client = server.client(base_url=server.ready["tenants"]["anna"], api_key="a-known-key")
        assert client.run_flow("mine", "Hi").output == "Hi"
        with pytest.raises(langflow_api.LangflowError, match="expired"):
            client.run_flow("mine", "Hi")
    seed.write_text(json.dumps({"keys": [{"name": "ci", "max_uses": 0}]}))
    with pytest.raises(RuntimeError, match=r"keys\[0\]\.max_uses"):
        MockServer(seed_file=seed)


def test_deliveries_go_by_a_schedule_of_ones_own_and_not_over_tls() -> None:
    with MockServer(webhook_schedule=[0, 1, 300]) as server:
        client = server.client()
        # This package carries a mock without TLS, and says so.
        url = "https://127.0.0.1:9/hook"
        client.webhooks.create(flow_id="echo", url=url, events=["flow_completed"])
        url = "http://127.0.0.1:9/hook"
        client.webhooks.create(flow_id="echo", url=url, events=["flow_completed"])
        client.run_flow("echo", "Hi")
        server.advance("6m")
        plain, secure = sorted(server.deliveries(), key=lambda it: len(it["attempts"]))[::-1]
        assert [len(it["attempts"]) for it in (plain, secure)] == [3, 1]
        assert plain["status"] == secure["status"] == "failed"
        assert "langflow-mock" in secure["attempts"][0]["error"]
    with pytest.raises(RuntimeError, match="webhook_schedule"):
        MockServer(webhook_schedule="soon")
