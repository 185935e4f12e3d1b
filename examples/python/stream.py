"""Prints an answer while it is written.

python stream.py FLOW_ID
"""

import sys

from langflow_api import Client, LangflowError

with Client() as client:
    try:
        with client.stream_flow(sys.argv[1], "Hello, how are you?") as stream:
            for event in stream:
                if event.type == "token":
                    print(event.text, end="", flush=True)
                elif event.type == "end":
                    print(f"\n({event.result.metadata.tokens_used} tokens)")
    except LangflowError as error:
        sys.exit(f"{error}")
