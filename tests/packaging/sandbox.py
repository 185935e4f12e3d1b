"""A place with Python and Node and nothing else: where the built packages have to work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# Sizes are held for what is shipped; a debug build is only measured.
RELEASE = os.environ.get("RELEASE") == "1"

# What a program may find on its path here. `sh` and `env` are what npm itself needs.
TOOLS = ("node", "npm", "sh", "env")
# npm takes its settings, and the registry, from these.
KEPT = ("HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def package(variable: str) -> Path:
    """The package under test."""
    file = Path(os.environ[variable]).resolve()
    assert file.is_file(), f"{variable} names no file: {file}"
    return file


class Sandbox:
    """An empty folder, and a path without a Rust toolchain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tools = folder / "tools"
        tools.mkdir(parents=True)
        for name in TOOLS:
            found = shutil.which(name)
            assert found, f"these tests need {name}"
            (tools / name).symlink_to(found)
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        npm = {name: value for name, value in os.environ.items() if name.startswith("npm_config_")}
        self.environment = {**kept, **npm, "PATH": str(tools)}
        for name in ("cargo", "rustc"):
            assert shutil.which(name, path=str(tools)) is None

    def run(self, *command: str | Path, **environment: str) -> str:
        """What a command prints; fails with all of its output where it fails."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


class PythonSandbox(Sandbox):
    """A virtual environment, and the wheels that are installed into it without any index."""

    def __init__(self, folder: Path, pip_of: PythonSandbox | None = None) -> None:
        super().__init__(folder)
        # Half of the time goes into installing pip, which one environment can do for another.
        without = ("--without-pip",) if pip_of else ()
        self.run(sys.executable, "-m", "venv", *without, folder / "venv")
        self.python = folder / "venv" / "bin" / "python"
        self._pip_of = pip_of or self

    def pip(self, *arguments: str | Path) -> str:
        options = ("--disable-pip-version-check", "--no-input", "--python", self.python)
        return self.run(self._pip_of.python, "-I", "-m", "pip", *options, *arguments)

    def install(self, wheel: Path) -> None:
        self.pip("install", "--no-index", wheel)

    def program(self, text: str, **environment: str) -> str:
        """What a program prints."""
        return self.run(self.python, self.write("program.py", text), **environment)

    @property
    def site_packages(self) -> Path:
        [folder] = (self.folder / "venv" / "lib").glob("python*/site-packages")
        return folder


class NodeSandbox(Sandbox):
    """An npm project that has nothing but the tarball."""

    def __init__(self, folder: Path, tarball: Path) -> None:
        super().__init__(folder)
        self.run("npm", "init", "-y")
        self.npm("install", tarball)

    def npm(self, *arguments: str | Path) -> str:
        return self.run("npm", *arguments, "--no-audit", "--no-fund", "--loglevel=error")

    def node(self, name: str) -> str:
        return self.run("node", name)
