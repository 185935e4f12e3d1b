from pydantic import BaseModel


def structured_answer(
    llm, model: type[BaseModel], prompt: str, text: str
) -> list[dict]:
    """The records that a model answers with."""
    messages = [("human", text)]
    if prompt:
        messages.insert(0, ("system", prompt))
    answer = llm.with_structured_output(model).invoke(messages)
    return answer.model_dump()["objects"]
