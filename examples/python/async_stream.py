"""Follows two runs at the same time.

python async_stream.py FLOW_ID
"""

import asyncio
import sys

from langflow_api import AsyncClient


async def follow(client: AsyncClient, flow_id: str, question: str) -> str:
    """The text of a run, piece by piece."""
    text = ""
    async with client.stream_flow(flow_id, question) as stream:
        async for piece in stream.text_stream:
            text += piece
    return text


async def main(flow_id: str) -> None:
    """Asks both questions and prints both answers."""
    async with AsyncClient() as client:
        answers = await asyncio.gather(
            follow(client, flow_id, "Hello!"),
            follow(client, flow_id, "Goodbye!"),
        )
    for answer in answers:
        print(answer)


asyncio.run(main(sys.argv[1]))
