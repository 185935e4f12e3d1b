"""What a program does on every kind of server. The arguments are the id of a flow that answers
with its input, that of one that answers with its file, and the file; where the server is and what
it takes stands in the environment."""

import json
import sys

from langflow_api import Client, LangflowError

flow_id, reader, path = sys.argv[1:]
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
try:
    file = client.run_flow(reader, "f", files=[path]).output
except LangflowError as error:
    file = error.code
print(
    json.dumps(
        {
            "run": run.output,
            "stream": streamed,
            "session": [first.output, second.output],
            "same": first.session_id is not None and first.session_id == second.session_id,
            "job": job,
            "file": file,
        }
    )
)
