"""The documented five lines.

Needs LANGFLOW_URL and LANGFLOW_API_KEY in the environment, and the id of a flow:
    python quickstart.py FLOW_ID
"""

import os
import sys

from langflow import Client

client = Client(
    base_url=os.environ["LANGFLOW_URL"],
    api_key=os.environ["LANGFLOW_API_KEY"],
)
result = client.run_flow(flow_id=sys.argv[1], input_value="Hello!")
print(result.output)
