import re


def matches(text: str, operator: str, other: str, case_sensitive: bool) -> bool:
    """Whether a text compares to another as an If-Else says."""
    if not case_sensitive and operator != "regex":
        text, other = text.lower(), other.lower()
    if operator == "regex":
        try:
            return bool(re.match(other, text))
        except re.error:
            return False
    try:
        return {
            "equals": lambda: text == other,
            "not equals": lambda: text != other,
            "contains": lambda: other in text,
            "starts with": lambda: text.startswith(other),
            "ends with": lambda: text.endswith(other),
            "less than": lambda: float(text) < float(other),
            "less than or equal": lambda: float(text) <= float(other),
            "greater than": lambda: float(text) > float(other),
            "greater than or equal": lambda: float(text) >= float(other),
        }[operator]()
    except ValueError:
        return False
