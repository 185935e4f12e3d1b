from langchain_core.messages import AIMessage, BaseMessage


def history_text(past: list[BaseMessage]) -> str:
    """Messages as lines of a text, each with who said it."""
    return "\n".join(
        f"{'AI' if isinstance(message, AIMessage) else 'User'}: {message.text}"
        for message in past
    )
