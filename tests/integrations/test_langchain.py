"""A flow in chains and graphs of the real LangChain and LangGraph."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langflow_api.integrations.langchain import FlowRunnable, input_text
from langflow_api.integrations.langgraph import async_flow_node, flow_node
from langflow_api.testing import MockServer
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages


def test_a_flow_in_a_chain(mock: MockServer) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "unused"), ("human", "Say {word}")])
    chain = prompt | FlowRunnable(mock.client(), "echo") | StrOutputParser()
    assert chain.invoke({"word": "hello"}) == "Say hello"
    assert chain.batch([{"word": "a"}, {"word": "b"}]) == ["Say a", "Say b"]
    flow = FlowRunnable(mock.client(), "hello-flow")
    pieces = list(flow.stream("Hello, how are you?"))
    assert len(pieces) > 2
    assert "".join(pieces) == flow.invoke("Hello, how are you?")


def test_a_flow_in_a_chain_of_coroutines(mock: MockServer) -> None:
    async def main() -> None:
        async with mock.async_client() as client:
            flow = FlowRunnable(mock.client(), "hello-flow", async_client=client)
            pieces = [piece async for piece in flow.astream("Hello!")]
            assert len(pieces) > 2
            assert "".join(pieces) == await flow.ainvoke("Hello!")
            kinds = {event["event"] async for event in flow.astream_events("Hello!", version="v2")}
            assert {"on_chain_start", "on_chain_stream", "on_chain_end"} <= kinds
        threaded = FlowRunnable(mock.client(), "echo")
        assert await threaded.ainvoke("Hi") == "Hi"
        assert [piece async for piece in threaded.astream("Hi")] == ["Hi"]

    asyncio.run(main())


def test_a_session_by_configuration(mock: MockServer) -> None:
    client = mock.client()
    session_id = client.run_flow("memory-chat", "My name is Alice").session_id
    flow = FlowRunnable(client, "memory-chat")
    own: Any = {"configurable": {"session_id": session_id}}
    assert "Alice" in flow.invoke("What is my name?", own)
    assert "Alice" not in flow.invoke("What is my name?")


def test_inputs() -> None:
    assert input_text([HumanMessage("a"), HumanMessage([{"type": "text", "text": "b"}])]) == "b"
    assert input_text({"input": HumanMessage("c")}) == "c"
    for wrong in ({"other": 1}, [], 5):
        with pytest.raises(TypeError):
            input_text(wrong)  # type: ignore[arg-type]


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def graph(node: Any) -> Any:
    builder = StateGraph(State)
    builder.add_node("flow", node)
    builder.add_edge(START, "flow")
    builder.add_edge("flow", END)
    return builder.compile(checkpointer=MemorySaver())


def test_a_node_remembers(mock: MockServer) -> None:
    chat = graph(flow_node(mock.client(), "memory-chat"))
    alice, bob = ({"configurable": {"thread_id": name}} for name in ("alice", "bob"))
    chat.invoke({"messages": [HumanMessage("My name is Alice")]}, alice)
    chat.invoke({"messages": [HumanMessage("My name is Bob")]}, bob)
    asked = chat.invoke({"messages": [HumanMessage("What is my name?")]}, alice)
    assert "Alice" in asked["messages"][-1].content
    assert len(asked["messages"]) == 4


def test_a_node_of_coroutines(mock: MockServer) -> None:
    async def main() -> None:
        async with mock.async_client() as client:
            chat = graph(async_flow_node(client, "memory-chat"))
            one: Any = {"configurable": {"thread_id": "1"}}
            await chat.ainvoke({"messages": [HumanMessage("My name is Alice")]}, one)
            asked = await chat.ainvoke({"messages": [HumanMessage("What is my name?")]}, one)
            assert "Alice" in asked["messages"][-1].content

    asyncio.run(main())
