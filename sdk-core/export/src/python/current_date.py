from datetime import datetime
from zoneinfo import ZoneInfo


def current_date(timezone: str) -> str:
    """The date and time in a timezone, or why there is none."""
    try:
        now = datetime.now(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
    except (KeyError, OSError, TypeError, ValueError) as error:
        return f"Error: {error}"
    return f"Current date and time in {timezone}: {now}"
