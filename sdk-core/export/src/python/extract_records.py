from pydantic import BaseModel


def extract_records(llm, model: type[BaseModel], prompt: str, text: str) -> list[dict]:
    """The records that a model finds in a text, by one forced call."""
    messages = [("human", text)]
    if prompt:
        messages.insert(0, ("system", prompt))
    caller = llm.bind_tools([model], tool_choice="OutputModel")
    calls = caller.invoke(messages).tool_calls
    if not calls:
        raise ValueError("No structured output returned")
    return model.model_validate(calls[0]["args"]).model_dump()["objects"]
