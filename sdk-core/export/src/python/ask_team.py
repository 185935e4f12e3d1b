from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage


def ask_team(agent, text: str, past: list[BaseMessage]) -> str:
    """Let an agent answer; what the agents that it calls say is part of the answer."""
    messages = [*past, HumanMessage(text or "Continue the conversation.")]
    answered = agent.invoke({"messages": messages})["messages"][len(messages) :]
    said = []
    for message in answered:
        if isinstance(message, AIMessage):
            said.append(message.text)
        elif isinstance(message, ToolMessage) and isinstance(message.artifact, str):
            said.append(message.artifact)
    return "".join(said)
