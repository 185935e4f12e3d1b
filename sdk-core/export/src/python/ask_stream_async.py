from collections.abc import AsyncIterator

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage


async def ask_stream_async(
    agent, text: str, past: list[BaseMessage]
) -> AsyncIterator[str]:
    """Yield what an agent says while it says it."""
    messages = [*past, HumanMessage(text or "Continue the conversation.")]
    old = {id(message) for message in messages}
    state = {"messages": messages}
    async for message, _ in agent.astream(state, stream_mode="messages"):
        if isinstance(message, AIMessage) and id(message) not in old:
            yield message.text
