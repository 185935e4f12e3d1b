"""The application of the Celery test: a client that is used before the workers are forked."""

from __future__ import annotations

import os

from celery import Celery
from langflow_api import Client

FOLDER = os.environ["CELERY_FOLDER"]

app = Celery("scoring", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.update(
    broker_transport_options={
        "data_folder_in": f"{FOLDER}/queue",
        "data_folder_out": f"{FOLDER}/queue",
        "control_folder": f"{FOLDER}/control",
    },
    worker_prefetch_multiplier=1,
)

client = Client()
BEFORE = client.run_flow("echo", "before the fork").text


@app.task
def score(text: str) -> dict[str, object]:
    """Runs the flow with the client that the parent has used."""
    return {"text": client.run_flow("echo", text).text, "pid": os.getpid()}
