from langchain_core.messages import BaseMessage


def recent(
    history: list[BaseMessage], limit: int, own: BaseMessage | None = None
) -> list[BaseMessage]:
    """The last messages of a session, without the one that is being answered."""
    return [message for message in history[-limit:] if message is not own]
