"""Results as people meet them: printed, in a notebook, as data, in pickles."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from langflow_api import Client, Page, RunResult
from langflow_api.models import FlowSummary
from langflow_api.testing import MockServer
from support import Connection, RawServer

RESULT: dict[str, Any] = {
    "output": "<b>Hi</b>",
    "text": "<b>Hi</b>",
    "reason": "single",
    "outputs": {"output": {"component_id": "Chat-1", "value": "<b>Hi</b>"}},
    "session_id": "s-1",
    "metadata": {"duration": 0.25, "tokens_used": 3, "model": "later"},
    "attempts": 1,
    "raw": {},
}


def test_a_result_in_a_notebook() -> None:
    result = RunResult(RESULT)
    shown = result._repr_html_()
    assert "&lt;b&gt;Hi&lt;/b&gt;" in shown
    assert "<b>" not in shown
    assert "session s-1, 0.25 s, 3 tokens" in shown
    assert result._repr_markdown_() == "<b>Hi</b>\n\n*session s-1, 0.25 s, 3 tokens*"


def test_a_result_without_a_single_output_in_a_notebook() -> None:
    outputs = {"A-1": {"display_name": "First", "value": "a"}, "B-2": {"value": {"k": 1}}}
    result = RunResult({**RESULT, "output": None, "reason": "multiple", "outputs": outputs})
    assert "<caption>outputs: multiple</caption>" in result._repr_html_()
    assert "- **B-2**: {'k': 1}" in result._repr_markdown_()
    value = RunResult({**RESULT, "output": {"k": 1}, "reason": "non_string"})
    assert "```json" in value._repr_markdown_()
    assert "<pre>" in value._repr_html_()


def test_a_result_as_data() -> None:
    result = RunResult(RESULT)
    assert result.model_dump() == result.to_dict() == RESULT
    assert json.loads(result.model_dump_json()) == RESULT
    assert result.model_dump_json(indent=2).startswith("{\n  ")
    assert len(dir(result)) == len(set(dir(result)))
    assert result.metadata.extra == {"model": "later"}
    result.model_dump()["output"] = "changed"
    assert result.output == "<b>Hi</b>"
    assert pickle.loads(pickle.dumps(result)) == result
    assert RunResult({**RESULT, "output": "other"}) != result


@pytest.mark.parametrize("flow", ["hello-flow", "two-outputs"])
def test_a_result_that_the_engine_holds_is_as_one_of_data(mock: MockServer, flow: str) -> None:
    client = mock.client()
    made = client.run_flow(flow, "Hi"), client.run_many(flow, ["Hi"])[0].result
    for held in made:
        assert held is not None
        # Before anything else is asked for.
        output = held.output
        data = RunResult(held.to_dict())
        assert (output, held, repr(held)) == (data.output, data, repr(data))
        assert held.outputs == data.outputs
        assert pickle.loads(pickle.dumps(held)) == data
        unread = pickle.loads(pickle.dumps(client.run_flow(flow, "Hi")))
        assert unread["output"] == unread.output == output


def test_rows(mock: MockServer) -> None:
    pandas = pytest.importorskip("pandas")
    result = mock.client().run_flow("two-outputs", "Hi")
    frame = result.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 2
    assert list(frame["output"]) == list(result.outputs)
    rows = [{"city": "Rome", "n": 1}, {"city": "Oslo", "n": 2}]
    table = RunResult({**RESULT, "output": rows, "reason": "non_string"}).to_pandas()
    assert table["n"].sum() == 3
    flows = mock.client().flows.list(size=2)
    frame = flows.to_pandas()
    assert len(frame) == flows.total > 2
    assert "hello-flow" in set(frame["id"])


def test_rows_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        RunResult(RESULT).to_pandas()


def test_pages(mock: MockServer) -> None:
    page = mock.client().flows.list(size=2)
    again: Page[FlowSummary] = pickle.loads(pickle.dumps(page))
    assert again == page
    assert [flow.id for flow in again] == [flow.id for flow in page]
    assert again.model_dump() == page.to_dict()
    assert page.next_page() != page
    shown = page._repr_html_()
    assert f"page 1 of {page.pages}" in shown
    assert f'<td style="text-align:left">{page.items[0].id}</td>' in shown
    assert "<th>id</th>" in shown


def test_models_in_a_notebook(mock: MockServer) -> None:
    shown = mock.client().flows.get("echo")._repr_html_()
    assert "<caption>Flow</caption>" in shown
    assert "echo" in shown


def test_a_pickled_client(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raw.url, "sk-passed-on", headers={"x-team": "a"}).with_options(timeout=5)
    again: Client = pickle.loads(pickle.dumps(client))
    assert again.run_flow("f", "hi").output == "Hello!"
    assert b"Bearer sk-passed-on" in raw.requests[0]
    assert b"x-team: a" in raw.requests[0].lower()
    assert repr(again) == repr(client)
    assert "timeout=5" in repr(again)
    # A key that came from the environment stays there.
    monkeypatch.setenv("LANGFLOW_API_KEY", "sk-from-the-environment")
    data = pickle.dumps(Client(raw.url))
    assert b"sk-from" not in data
    monkeypatch.setenv("LANGFLOW_API_KEY", "sk-of-the-worker")
    pickle.loads(data).run_flow("f", "hi")
    assert b"Bearer sk-of-the-worker" in raw.requests[1]


def test_integers_of_any_size_keep_their_digits(raw: RawServer) -> None:
    """Of an answer and of an event; sent, such a number is refused (it would have to be text)."""
    large, small = 2**64 + 1, -(2**70) - 1
    answer: dict[str, Any] = {
        "result": {"output": {"id": large, "all": [small, 2**64 - 1]}},
        "session_id": "s",
    }

    def script(connection: Connection, request: bytes) -> None:
        if b"text/event-stream" in request:
            connection.events()
            connection.event("end", {**answer, "text": str(large)})
        else:
            connection.answer(answer)

    raw.script = script
    with Client(base_url=raw.url, api_key="k") as client:
        result = client.run_flow("f", "x")
        assert result.output == answer["result"]["output"]
        assert result.raw == answer
        with client.stream_flow("f", "x") as stream:
            assert stream.get_final_result().raw["text"] == str(large)
            assert stream.get_final_result().output == answer["result"]["output"]
