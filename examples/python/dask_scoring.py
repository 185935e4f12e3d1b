"""Scores many texts on a Dask cluster; the client travels to the workers by itself.

Needs `pip install "dask[distributed]"`, and LANGFLOW_URL and LANGFLOW_API_KEY for the workers:
    python dask_scoring.py FLOW_ID
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from langflow_api import Client, LangflowError

TEXTS = [f"text {number}" for number in range(40)]


def score(client: Client, flow_id: str, texts: list[str]) -> list[dict[str, object]]:
    """One part of the work: a row a text, with the error instead of the score if there is one."""
    rows: list[dict[str, object]] = []
    for text in texts:
        row: dict[str, object] = {"text": text, "process": os.getpid()}
        try:
            row["score"] = client.run_flow(flow_id, text).text
        except LangflowError as error:
            row["error"] = error.code
        rows.append(row)
    return rows


def parts(texts: list[str], size: int) -> Iterator[list[str]]:
    """The texts in lists of that size."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def main(flow_id: str) -> None:
    """Starts a cluster on this machine and prints what came of it."""
    from distributed import Client as Dask
    from distributed import LocalCluster

    client = Client()
    cluster: Any = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")  # type: ignore[no-untyped-call]
    with cluster, Dask(cluster) as dask:  # type: ignore[no-untyped-call]
        done = [dask.submit(score, client, flow_id, part) for part in parts(TEXTS, 10)]
        gathered: Any = dask.gather(done)
    rows = [row for part in gathered for row in part]
    processes = {row["process"] for row in rows}
    print(f"{len(rows)} texts by {len(processes)} processes")
    for row in rows:
        print(f"{row['text']} -> {row.get('score', row.get('error'))}")


if __name__ == "__main__":
    main(sys.argv[1])
