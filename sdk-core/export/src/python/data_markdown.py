import json
import re


def data_markdown(data: dict) -> str:
    """An object as a block of JSON."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str)
    text = re.sub(r"^\s*$", "", f"```json\n{text}\n```", flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text)
