from langchain_core.messages import AIMessage, BaseMessage, HumanMessage


async def ask_async(agent, text: str, past: list[BaseMessage]) -> str:
    """Let an agent answer and join everything that it said on the way."""
    messages = [*past, HumanMessage(text or "Continue the conversation.")]
    state = await agent.ainvoke({"messages": messages})
    answered = state["messages"][len(messages) :]
    return "".join(
        message.text for message in answered if isinstance(message, AIMessage)
    )
