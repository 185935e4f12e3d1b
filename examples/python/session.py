"""A flow that remembers: the second run belongs to the session of the first.

python session.py FLOW_ID
"""

import sys

from langflow_api import Client

client = Client()
first = client.run_flow(sys.argv[1], "My name is Alice")
print(first.output)
second = client.run_flow(sys.argv[1], "What is my name?", session_id=first.session_id)
print(second.output)
