"""The documentation page, and the pieces of it that are code.

The page is the text as it was published: where a code block ends, the next heading follows on the
same line. A block is therefore named by the texts around it and cut out; no test retypes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE / "page.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Piece:
    """A piece of the page: what stands between two texts that stay outside."""

    row: int
    after: str
    until: str

    @property
    def text(self) -> str:
        assert PAGE.count(self.after) == 1, f"{self.after!r} is not one place of the page"
        start = PAGE.index(self.after) + len(self.after)
        return PAGE[start : PAGE.index(self.until, start)].rstrip("\n")


BLOCKS = {
    "endpoint": Piece(1, "API endpoint:\n", "Making API Calls"),
    "basic request": Piece(1, "Basic request:\n", "With parameters:"),
    "request with parameters": Piece(1, "With parameters:\n", "Response Format"),
    "answer": Piece(2, "Response Format\n", "API Authentication"),
    "request with a key": Piece(3, "Using the key:\n", "Token Permissions"),
    "override": Piece(5, "Override component settings:\n", "Common Tweaks"),
    "change model": Piece(5, "Change model:\n", "Adjust temperature:"),
    "adjust temperature": Piece(5, "Adjust temperature:\n", "Change retrieval count:"),
    "change retrieval count": Piece(5, "Change retrieval count:\n", "Session Management"),
    "stateless": Piece(6, "Each request is independent:\n", "Stateful Sessions"),
    "stateful": Piece(6, "Maintain conversation state:\n", "Session Lifecycle"),
    "webhook payload": Piece(8, "Webhook Payload\n", "Webhook Events"),
    "python": Piece(9, "Client Libraries\nPython\n", "JavaScript/TypeScript\n"),
    "javascript": Piece(10, "JavaScript/TypeScript\n", "Exporting Flows"),
    "generated code": Piece(12, "Example generated code:\n", "Best Practices"),
}

LISTS = {
    "permissions": Piece(4, "Configure what each key can do:\n", "Tweaks and Runtime"),
    "session lifecycle": Piece(7, "Session Lifecycle\n", "Webhooks\n"),
    "webhook events": Piece(8, "| Event | Trigger |\n|---|---|\n", "Client Libraries"),
    "best practices": Piece(13, "Best Practices\n", "\0"),
}


def block(name: str) -> str:
    """A code block, as it stands on the page."""
    return BLOCKS[name].text


def lines(name: str) -> list[str]:
    """The lines of a list or table of the page."""
    piece = LISTS[name]
    text = PAGE.split(piece.after)[1] if piece.until == "\0" else piece.text
    return text.splitlines()


def fill(text: str, places: dict[str, str]) -> str:
    """A block with its placeholders filled in. Each has to be there, so that none is forgotten."""
    for place, value in places.items():
        assert place in text, f"the page has no placeholder {place!r} here:\n{text}"
        text = text.replace(place, value)
    return text
