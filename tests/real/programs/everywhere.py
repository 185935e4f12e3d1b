"""What a program does on every kind of server. The first argument is the echo flow's id; where the
server is and what it takes stands in the environment."""

import json
import sys

from langflow_api import Client, LangflowError

flow_id = sys.argv[1]
client = Client()
run = client.run_flow(flow_id, "a")
with client.stream_flow(flow_id, "b") as stream:
    streamed = "".join(stream.text_stream)
session = client.session(flow_id)
first, second = session.run("c"), session.run("d")
try:
    job_id = client.run_flow(flow_id, "e", background=True).id
    job = client.job(job_id).wait().output
except LangflowError as error:
    job = error.code
print(
    json.dumps(
        {
            "run": run.output,
            "stream": streamed,
            "session": [first.output, second.output],
            "same": first.session_id is not None and first.session_id == second.session_id,
            "job": job,
        }
    )
)
