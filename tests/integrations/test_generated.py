"""What the exporter writes for callers: it is well typed, and it calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from langflow_api import export

KIT = Path(__file__).resolve().parents[1] / "export/kit"
FLOWS = sorted(
    path for group in ("flows", "more", "older") for path in (KIT / group).glob("*.json")
)


def test_tweaks_and_calls_of_every_flow_are_well_typed(tmp_path: Path) -> None:
    assert len(FLOWS) > 40
    for number, path in enumerate(FLOWS):
        types, call = tmp_path / f"types_{number}.py", tmp_path / f"call_{number}.py"
        types.write_text(export.tweak_types(path, "python"), encoding="utf-8")
        call.write_text(export.snippet(path, "python"), encoding="utf-8")
    use = tmp_path / "use.py"
    use.write_text(
        "from langflow_api import Client\n"
        "from typed import HelloFlowTweaks\n\n"
        "tweaks = HelloFlowTweaks()\n"
        'tweaks.open_ai["temperature"] = 0.5\n'
        'Client().run_flow("hello-flow", "Hello!", tweaks=tweaks.to_dict())\n',
        encoding="utf-8",
    )
    hello = Path(__file__).resolve().parents[2] / "server-mock/seeds/hello-flow.json"
    (tmp_path / "typed.py").write_text(export.tweak_types(hello, "python"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, sorted(tmp_path.glob("*.py")))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # A setting that there is not, or of another kind, is a mistake that a type checker sees.
    use.write_text(use.read_text().replace("= 0.5", '= "hot"').replace("temperature", "temper"))
    wrong = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "use.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert "temper" in wrong.stdout


def test_the_call_is_one(environment: dict[str, str], tmp_path: Path) -> None:
    hello = Path(__file__).resolve().parents[2] / "server-mock/seeds/hello-flow.json"
    for language, command in (("python", [sys.executable, "-c"]), ("curl", ["sh", "-c"])):
        text = export.snippet(
            hello, language, flow_id="hello-flow", base_url=environment["LANGFLOW_URL"]
        )
        done = subprocess.run(
            [*command, text],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)["result"]["output"] if language == "curl" else done.stdout
        assert "assistant" in said
