from collections.abc import Iterator

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage


def ask_stream(agent, text: str, past: list[BaseMessage]) -> Iterator[str]:
    """Yield what an agent says while it says it."""
    messages = [*past, HumanMessage(text or "Continue the conversation.")]
    old = {id(message) for message in messages}
    for message, _ in agent.stream({"messages": messages}, stream_mode="messages"):
        if isinstance(message, AIMessage) and id(message) not in old:
            yield message.text
