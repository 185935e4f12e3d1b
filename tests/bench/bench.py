"""Our client and its peers, side by side in one run on one server with fixed answers.

    python tests/bench/bench.py [--rounds 9] [--only TEXT] [--write]

Contenders take turns (A B A B), each in a process of its own. The figure is CPU time a call or
token of the client's process; wall time stands beside it. A ratio is taken within a round, so that
what else the machine does falls on both sides; its median and range over the rounds are printed.
`--write` puts the tables and a plot into docs/. Ends with 1 where a goal is missed. Needs what
`cargo xtask bench` prepares: release builds of our packages, and the peers in an environment of
their own.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
from typing import Any

import report
import scale
from cases import CASES, Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/bench"
BIN = pathlib.Path(os.environ.get("BENCH_BIN", ROOT / "target/release/bench"))
NODE = pathlib.Path(os.environ.get("BENCH_NODE_DIR", ROOT / "target/xtask/bench-node"))
RUST = ("hyper", "reqwest", "client")
PYTHON = (
    "langflow-api",
    "langflow-api-async",
    "langflow-sdk",
    "httpx",
    "httpx-async",
    "requests",
    "aiohttp",
)


class Worker:
    """A contender's process."""

    def __init__(self, who: str, url: str) -> None:
        self.who = who
        if who in RUST:
            command = [str(BIN), "worker", who, url]
        elif who in PYTHON:
            command = [sys.executable, str(HERE / "workers/worker.py"), who, url]
        else:
            # Node resolves packages from where the file stands.
            copy = NODE / "worker.mjs"
            copy.write_text((HERE / "workers/worker.mjs").read_text())
            command = ["node", str(copy), who, url]
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=NODE if who not in RUST + PYTHON else None,
        )

    def perform(self, job: dict[str, Any]) -> dict[str, float]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.who} ended in the middle of a job")
        took = json.loads(line)
        return {"cpu": took["cpu"] / took["units"], "wall": took["wall"] / took["units"]}

    def memory(self) -> float:
        """MiB that the process has in memory; Linux only."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)


def measure(case: Case, url: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    """The figures of every contender, a list by rounds."""
    workers = [Worker(who, url) for who in case.who]
    try:
        # Once before it counts: code is compiled, connections are there.
        for worker in workers:
            worker.perform(case.job)
        figures: dict[str, list[dict[str, float]]] = {worker.who: [] for worker in workers}
        for turn in range(rounds):
            # The order turns around, so that nobody always follows the same one.
            for worker in workers if turn % 2 == 0 else reversed(workers):
                figures[worker.who].append(worker.perform(case.job))
        return figures
    finally:
        for worker in workers:
            worker.close()


def ratios(
    figures: dict[str, list[dict[str, float]]], who: str, than: str, metric: str
) -> list[float]:
    """Of one round to the other's of the same round."""
    return [mine[metric] / theirs[metric] for mine, theirs in zip(figures[who], figures[than])]


def main() -> int:
    parser = argparse.ArgumentParser(description="Benchmarks; see the head of the file.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md and its plot"
    )
    arguments = parser.parse_args()
    scale.allow_files()
    served = NODE / "node_modules/langflow-client/dist"
    command = [str(BIN), "serve", "--root", str(served)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    url = f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
    missed, tables = [], []
    try:
        for case in CASES:
            if arguments.only not in case.name:
                continue
            figures = measure(case, url, min(arguments.rounds, case.rounds))
            verdicts = []
            for goal in case.goals:
                found = ratios(figures, goal.who, goal.than, goal.metric)
                met = statistics.median(found) <= goal.factor
                verdicts.append((str(goal), found, met))
                if not met:
                    missed.append(f"{case.name}: {goal}, measured {statistics.median(found):.3f}x")
            tables.append((case, figures, verdicts))
            print(report.text(case, figures, verdicts), flush=True)
        facts = []
        for fact in scale.facts(Worker, url, arguments.only):
            facts.append(fact)
            print(report.fact(fact), flush=True)
            if not fact.met:
                missed.append(f"{fact.name}: {fact.goal}, measured {fact.shown}")
    finally:
        server.kill()
    if arguments.write:
        report.write(ROOT / "docs", tables, facts)
    print(f"\n{len(missed)} goals missed" + "".join(f"\n- {line}" for line in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
