"""The roles of docstrings, which other tools read, are plain code on these pages."""

import re


def on_page_content(html: str, **_: object) -> str:
    """Takes the roles away."""
    return re.sub(r":(?:meth|class|data|attr|mod|func):(?=<code>)", "", html)
