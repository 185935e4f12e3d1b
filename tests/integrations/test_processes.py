"""One client in the processes of others: gunicorn, Celery, Dask."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "python"


@contextmanager
def program(
    arguments: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, which is ended with it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=HERE,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_gunicorn_with_preload(environment: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    arguments = ["-m", "gunicorn", "--preload", "-w", "2", "-b", f"127.0.0.1:{port}"]
    arguments += ["-k", "uvicorn_worker.UvicornWorker", "gunicorn_app:app"]
    environment = {**environment, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    log = tmp_path / "log"
    with program(arguments, environment, log) as server:
        workers: set[str] = set()
        deadline = time.monotonic() + 30
        while len(workers) < 2 and time.monotonic() < deadline:
            assert server.poll() is None, log.read_text()
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/?hello", timeout=10)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, log.read_text()
            text, worker, master = answer.text.split()
            assert text == "hello"
            assert worker != master
            workers.add(worker)
        assert len(workers) == 2, log.read_text()


def test_celery_with_prefork(environment: dict[str, str], tmp_path: Path) -> None:
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    environment = {
        **environment,
        "CELERY_FOLDER": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
    }
    log = tmp_path / "log"
    worker = ["-m", "celery", "-A", "celery_app", "worker", "--pool", "prefork", "-c", "2"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "info"]
    ask = """
        import celery_app, os
        asked = [celery_app.score.delay(f"text {n}") for n in range(8)]
        answers = [one.get(timeout=30) for one in asked]
        assert [one["text"] for one in answers] == [f"text {n}" for n in range(8)], answers
        assert os.getpid() not in {one["pid"] for one in answers}
        print("scored")
        """
    with program(worker, environment, log):
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(line.strip() for line in ask.splitlines())],
            cwd=HERE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stdout.strip() == "scored", done.stderr + log.read_text()


def test_the_example_with_dask(environment: dict[str, str], tmp_path: Path) -> None:
    environment = {**environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "dask_scoring.py"), "echo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "40 texts by 2 processes" in done.stdout
    assert "text 7 -> text 7" in done.stdout


@pytest.mark.parametrize("backend", ["asyncio", "asyncio+uvloop", "trio"])
def test_anyio(environment: dict[str, str], backend: str) -> None:
    code = """
        import socket, sys, anyio
        from langflow_api import AsyncClient, Client

        async def main():
            if sys.argv[1] == "trio":
                # What is said where it cannot work, and what does work there.
                try:
                    await AsyncClient().run_flow("echo", "Hi")
                except RuntimeError as error:
                    assert "asyncio" in str(error) and "to_thread" in str(error), error
                client = Client()
                result = await anyio.to_thread.run_sync(client.run_flow, "echo", "Hi")
                print(result.text)
                return
            async with AsyncClient() as client:
                with anyio.move_on_after(10):
                    print((await client.run_flow("echo", "Hi")).text)
                async with anyio.create_task_group() as group:
                    for _ in range(3):
                        group.start_soon(client.run_flow, "echo", "Hi")
            with socket.create_server(("127.0.0.1", 0)) as silent:
                port = silent.getsockname()[1]
                async with AsyncClient(f"http://127.0.0.1:{port}") as client:
                    with anyio.move_on_after(0.2) as scope:
                        await client.run_flow("echo", "Hi")
                assert scope.cancelled_caught

        name, _, loop = sys.argv[1].partition("+")
        anyio.run(main, backend=name, backend_options={"use_uvloop": True} if loop else {})
        """
    import textwrap

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), backend],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "Hi\n"), done.stderr
