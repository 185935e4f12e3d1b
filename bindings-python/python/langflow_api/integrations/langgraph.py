"""A flow as a node of LangGraph; needs ``langgraph``.

graph.add_node("support", flow_node(client, "your-flow-id"))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage

from .langchain import input_text

if TYPE_CHECKING:
    from langflow_api import AsyncClient, Client, RunResult

__all__ = ["async_flow_node", "flow_node"]

State = Mapping[str, Any]


def flow_node(
    client: Client,
    flow_id: str,
    *,
    tweaks: Mapping[str, Mapping[str, Any]] | None = None,
    key: str = "messages",
) -> Callable[[State], dict[str, list[BaseMessage]]]:
    """A node that answers the last message of the state.

    The flow remembers the conversation by itself: its answer carries the id of the flow's session
    in ``response_metadata``, and the next answer of this node within the same state goes on
    with it. So a checkpointer that keeps the messages keeps the session too.

    Args:
        client: The client.
        flow_id: The flow.
        tweaks: Settings of components for every run.
        key: Where the state has its messages.
    """

    def node(state: State) -> dict[str, list[BaseMessage]]:
        messages: Sequence[BaseMessage] = state[key]
        result = client.run_flow(
            flow_id, input_text(messages), tweaks=tweaks, session_id=_session(messages, flow_id)
        )
        return {key: [_answer(result, flow_id)]}

    return node


def async_flow_node(
    client: AsyncClient,
    flow_id: str,
    *,
    tweaks: Mapping[str, Mapping[str, Any]] | None = None,
    key: str = "messages",
) -> Callable[[State], Awaitable[dict[str, list[BaseMessage]]]]:
    """The same for graphs that are run with ``ainvoke`` and ``astream``."""

    async def node(state: State) -> dict[str, list[BaseMessage]]:
        messages: Sequence[BaseMessage] = state[key]
        result = await client.run_flow(
            flow_id, input_text(messages), tweaks=tweaks, session_id=_session(messages, flow_id)
        )
        return {key: [_answer(result, flow_id)]}

    return node


def _session(messages: Sequence[BaseMessage], flow_id: str) -> str | None:
    for message in reversed(messages):
        noted = message.response_metadata.get("langflow")
        if isinstance(noted, dict) and noted.get("flow_id") == flow_id:
            session_id = noted.get("session_id")
            return session_id if isinstance(session_id, str) else None
    return None


def _answer(result: RunResult, flow_id: str) -> BaseMessage:
    noted = {"flow_id": flow_id, "session_id": result.session_id, "request_id": result.request_id}
    return AIMessage(result.text, response_metadata={"langflow": noted})
