import json

from pydantic import BaseModel


def schema_prompt(prompt: str, instructions: str, model: type[BaseModel]) -> str:
    """Instructions that ask for nothing but JSON of a schema."""
    parts = [prompt] if prompt else []
    if instructions:
        parts.append(f"Format instructions: {instructions}")
    schema = json.dumps(model.model_json_schema(), indent=2)
    parts.append(
        "You must respond ONLY with a JSON object matching this schema. "
        "Do not include explanations, markdown, or any text outside the JSON.\n"
        f"Schema:\n{schema}"
    )
    return "\n\n".join(parts)
