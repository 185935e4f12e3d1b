"""The Python package built from source, and next to the server's own package."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings-python"
WHEEL = Path(os.environ.get("WHEEL") or "no-wheel").resolve()
# A Python that has the server's package, and only that.
BESIDE = os.environ.get("BESIDE_PYTHON") or sys.executable


def run(*command: object, folder: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LANGFLOW_")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source package, unpacked: nothing of the repository is within reach."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "maturin", "sdist", "--out", folder, folder=PACKAGE)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            # Now, not the day that archives are dated with: cargo compares times.
            member.mtime = archive.stat().st_mtime
            opened.extract(member, folder, filter="data")
    [unpacked] = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def test_the_source_package_has_what_it_needs(source: Path) -> None:
    for name in ("LICENSE-MIT", "LICENSE-APACHE", "Cargo.lock", "PKG-INFO", "python/langflow.py"):
        assert (source / name).is_file(), name
    contract = (source / "server-mock/contract/workspace.yaml").read_bytes()
    assert contract == (ROOT / "openapi/workspace.yaml").read_bytes()


def test_the_source_package_builds(source: Path, tmp_path: Path) -> None:
    """As pip builds it, but without its optimisation, and with crates that are compiled already."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run(
        *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", tmp_path / "built", source),
        folder=tmp_path,
        PATH=tools,
        CARGO_TARGET_DIR=str(ROOT / "target"),
        MATURIN_PEP517_ARGS="--profile dev",
    )
    [wheel] = (tmp_path / "built").glob("*.whl")
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    run(python, "-m", "pip", "install", "-q", "--no-index", wheel, folder=tmp_path)
    program = (
        "from langflow import Client\n"
        "from langflow_api.testing import MockServer\n"
        "with MockServer() as server:\n"
        "    client = Client(server.url, server.api_key)\n"
        "    print(client.run_flow('echo', 'from source').text)\n"
    )
    assert run(python, "-c", program, folder=tmp_path) == "from source\n"


def test_the_tag_is_one_that_pip_installs(tmp_path: Path) -> None:
    """manylinux: built against a C library that is named, not against this machine's."""
    assert "-cp39-abi3-manylinux_" in WHEEL.name, WHEEL.name


@pytest.fixture(scope="module")
def server() -> Path:
    """The folder of the server's package."""
    code = "import langflow; print(langflow.__path__[0])"
    return Path(run(BESIDE, "-c", code, folder=ROOT).strip().splitlines()[-1])


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".py", ".json") and "__pycache__" not in path.parts
    }


def test_next_to_the_real_server(server: Path, tmp_path: Path) -> None:
    """Both in one environment: each import is whose it was, and no file of theirs changes."""
    site = server.parent
    before = digest(server)
    assert len(before) > 100
    target = tmp_path / "ours"
    run(
        *(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"),
        *("--target", target, WHEEL),
        folder=tmp_path,
    )
    ours = {path.name for path in target.iterdir()}
    theirs = {path.name for path in site.iterdir()}
    clash = {name for name in ours & theirs if name not in ("__pycache__", "bin")}
    assert clash == set(), "nothing that is installed has the name of something of theirs"
    uv = os.environ["UV"]
    install = (uv, "pip", "install", "-q", "--python", BESIDE, "--no-deps", "--reinstall", WHEEL)
    run(*install, folder=tmp_path)
    try:
        program = (
            "import langflow, langflow.api, langflow_api\n"
            "from langflow_api import Client\n"
            "from langflow_api.testing import MockServer\n"
            "assert 'langflow_api' not in langflow.__file__\n"
            "with MockServer() as server:\n"
            "    print(server.client().run_flow('echo', 'beside').text)\n"
            "print(langflow.__file__)\n"
        )
        printed = run(BESIDE, "-c", program, folder=tmp_path).splitlines()
        assert printed[-2:] == ["beside", str(server / "__init__.py")]
        assert digest(server) == before
    finally:
        run(uv, "pip", "uninstall", "-q", "--python", BESIDE, "langflow-api", folder=tmp_path)
    assert digest(server) == before
    again = run(BESIDE, "-c", "import langflow; print(langflow.__file__)", folder=tmp_path)
    assert again.splitlines()[-1] == str(server / "__init__.py")


def test_types_next_to_the_real_server(server: Path, tmp_path: Path) -> None:
    """`langflow-stubs` is partial: it types our module file and leaves the server's package be."""
    uv = os.environ["UV"]
    install = (uv, "pip", "install", "-q", "--python", BESIDE, "--no-deps", "--reinstall", WHEEL)
    run(*install, folder=tmp_path)
    # That the server's modules are found is what counts, not what is in them.
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\n[mypy-langflow.api.*]\nfollow_imports = skip\n")
    program = tmp_path / "program.py"
    program.write_text(
        "from langflow import Client\n"
        "from langflow.api import router\n"
        "reveal_type(Client('x').run_flow('f', 'x'))\n"
        "reveal_type(Client('x').run_flow('f', 'x', stream=True))\n"
        "Client(base_url=5)\n",
        encoding="utf-8",
    )
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mypy", "--python-executable", BESIDE),
                *("--config-file", str(settings), "--cache-dir", str(tmp_path / "cache")),
                str(program),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        run(uv, "pip", "uninstall", "-q", "--python", BESIDE, "langflow-api", folder=tmp_path)
    assert 'Revealed type is "langflow_api._result.RunResult"' in done.stdout, done.stdout
    assert 'Revealed type is "langflow_api._stream.Stream"' in done.stdout, done.stdout
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert [line for line in errors if '"base_url"' in line], done.stdout
    assert len(errors) == 1, done.stdout
