"""A model for the real server: chat completions of OpenAI on this machine, without a model.

It answers with what it was asked; where it may calculate, it asks for 2+3 and answers with what
that yields.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CALCULATES = "evaluate_expression"
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The message that the model says."""
    messages, tools = asked["messages"], asked.get("tools")
    if messages[-1]["role"] == "tool":
        return {"role": "assistant", "content": f"The tool says {text(messages[-1])}"}
    names = [tool["function"]["name"] for tool in tools or []]
    if CALCULATES in names:
        function = {"name": CALCULATES, "arguments": '{"expression": "2+3"}'}
        call = {"index": 0, "id": "call_1", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": f"You said {text(messages[-1])}"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing of it."""

    def send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        models = {"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]}
        self.send("application/json", json.dumps(models).encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = answer(asked)
        reason = "tool_calls" if said.get("tool_calls") else "stop"
        common = {"id": "chatcmpl-1", "created": 0, "model": "gpt-4o-mini"}
        if not asked.get("stream"):
            choice = {"index": 0, "message": said, "finish_reason": reason}
            whole = {**common, "object": "chat.completion", "choices": [choice], "usage": USAGE}
            self.send("application/json", json.dumps(whole).encode())
            return
        content = said.get("content")
        pieces = [said] if content is None else [{"content": word} for word in split(content)]
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": piece, "finish_reason": None}]} for piece in pieces
        ]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        chunks.append({"choices": [], "usage": USAGE})
        frames = [{**common, "object": "chat.completion.chunk", **chunk} for chunk in chunks]
        lines = [f"data: {json.dumps(frame)}\n\n" for frame in frames]
        self.send("text/event-stream", ("".join(lines) + "data: [DONE]\n\n").encode())


def split(content: str) -> list[str]:
    return [f"{word} " for word in content.split(" ")[:-1]] + [content.split(" ")[-1]]


@contextmanager
def serve() -> Iterator[str]:
    """The address of a model that runs until the block is left."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
