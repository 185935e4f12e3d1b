from datetime import UTC, datetime


def fill_prompt(prompt: str, model_name: str) -> str:
    """Fill in the placeholders that instructions of an agent may use."""
    today = datetime.now(tz=UTC).date().isoformat()
    prompt = prompt.replace("{current_date}", today)
    prompt = prompt.replace("{model_name}", model_name)
    return prompt.replace("{optional_user_context}", "")
