"""Exports every starter flow and asks the judge whether the program does what the flow did.

python tests/export/score.py --kit PATH [--out TABLE.md] [--exporter COMMAND] [PATTERN ...]

PATH is the folder of the judge (also $EXPORT_KIT): equiv.py, stub.py, driver.py, flows/ and
recorded/. It is copied, since it writes beside itself. The programs run in the Python of
$EQUIV_PYTHON, or of venv/ in that folder. Flows that ask for the day are judged on the day of
their recording: that Python needs the package `libfaketime` then. Flows that embed documents
need the token tables of the package litellm in $LANGFLOW_ENV.
"""

import argparse
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

EXPORTER = "cargo run --quiet -p langflow-export --example to_python --"
# What cannot run anywhere but in a live database: right when refused by name.
REFUSED = {"Hybrid Search RAG": "AstraDB"}
FAKE = (
    "import libfaketime, pathlib;"
    "print(*pathlib.Path(libfaketime.__path__[0]).rglob('libfaketime.so.1'))"
)


def recorded_day(kit: Path) -> str:
    """The day on which the recordings were made, as the flows were told."""
    for path in sorted((kit / "recorded").glob("*.json")):
        found = re.search(r"Today's date: (\d{4}-\d\d-\d\d)", path.read_text(encoding="utf-8"))
        if found:
            return found[1]
    return ""


def environment(kit: Path) -> dict[str, str]:
    """What the judge is run with; where its day is not today, with a clock that says so."""
    python = os.environ.get("EQUIV_PYTHON", str(kit / "venv/bin/python"))
    env = {**os.environ, "EQUIV_PYTHON": python}
    day = recorded_day(kit)
    if not day or day == datetime.now(tz=UTC).date().isoformat():
        return env
    found = subprocess.run([python, "-c", FAKE], capture_output=True, text=True, check=False)
    library = found.stdout.split()
    if not library:
        print(
            f"no libfaketime in {python}: flows that ask for the day will differ", file=sys.stderr
        )
        return env
    wrapper = kit / "python-on-the-day"
    clock = {
        "LD_PRELOAD": library[0],
        "FAKETIME": f"@{day} 12:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in clock.items())
    wrapper.write_text(f'#!/bin/sh\n{settings} exec {shlex.quote(python)} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    # The stub makes its certificates at its start; they have to be valid on that day as well.
    early = {**clock, "FAKETIME": f"@{day} 00:00:01"}
    return {**env, "EQUIV_PYTHON": str(wrapper), **early}


def stub_is_free() -> bool:
    """Whether nothing listens where the stub has to be, whose address is in the recordings."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 7972)) != 0


def judge(kit: Path, flow: Path, program: Path, env: dict[str, str]) -> str:
    """The empty string where the program is equivalent, or else why it is not."""
    command = [sys.executable, str(kit / "equiv.py"), str(flow), str(program)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=600, check=False
    )
    if done.returncode == 0:
        return ""
    wanted = r"(requests: D|   - |EXPORT F|LANGFLOW F|command line: F|imports|\d+ SECRET)"
    lines = [line.strip() for line in done.stdout.splitlines() if re.match(wanted, line)]
    return " ".join(lines)[:300] or done.stderr.strip()[-300:] or "different"


def score(kit: Path, exporter: list[str], patterns: list[str]) -> list[tuple[str, str, str]]:
    """Flow, whether it was exported, and whether it is equivalent."""
    rows = []
    env = environment(kit)
    out = kit / "out"
    out.mkdir(exist_ok=True)
    for flow in sorted((kit / "flows").glob("*.json")):
        if patterns and not any(pattern.lower() in flow.stem.lower() for pattern in patterns):
            continue
        program = out / (re.sub(r"\W+", "_", flow.stem).lower() + ".py")
        done = subprocess.run([*exporter, str(flow)], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = " ".join(done.stderr.split())
            right = re.search(REFUSED.get(flow.stem, "(?!)"), reason)
            rows.append((flow.stem, "refused" if right else "no", reason))
        else:
            program.write_text(done.stdout, encoding="utf-8")
            why = judge(kit, flow, program, env)
            rows.append((flow.stem, "yes", why or "equal"))
        print(*rows[-1], sep=" | ", flush=True)
    subprocess.run(
        [sys.executable, str(kit / "equiv.py"), "--stop"], capture_output=True, check=False
    )
    return rows


def table(rows: list[tuple[str, str, str]]) -> str:
    """The rows in Markdown, with the sum above."""
    equal = sum(why == "equal" for _, _, why in rows)
    refused = sum(exported == "refused" for _, exported, _ in rows)
    lines = [
        f"{equal} of {len(rows)} flows are equal; {refused} refused, as they have to be.",
        "",
        "| flow | exported | equivalent, or the reason |",
        "|---|---|---|",
    ]
    lines += [f"| {flow} | {exported} | {why.replace('|', '/')} |" for flow, exported, why in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Scores, writes the table, and fails where a flow is neither equal nor rightly refused."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("patterns", nargs="*", help="parts of the names of flows; all without")
    parser.add_argument(
        "--kit", default=os.environ.get("EXPORT_KIT"), help="the folder of the judge"
    )
    parser.add_argument(
        "--exporter", default=EXPORTER, help="prints the program of the flow it is given"
    )
    parser.add_argument("--out", help="where the table goes")
    args = parser.parse_args()
    if not args.kit:
        parser.error("--kit or $EXPORT_KIT has to name the folder of the judge")
    if not stub_is_free():
        parser.error("port 7972 is taken; end what listens there, such as the stub of another run")
    with tempfile.TemporaryDirectory() as folder:
        kit = Path(folder) / "kit"
        skipped = shutil.ignore_patterns("venv", "out", "ca", "lfhome", "*.log", "*.pid")
        shutil.copytree(args.kit, kit, ignore=skipped)
        own = Path(args.kit).resolve() / "venv/bin/python"
        os.environ.setdefault("EQUIV_PYTHON", str(own))
        for path in [kit, *kit.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        rows = score(kit, shlex.split(args.exporter), args.patterns)
    text = table(rows)
    print(text)
    if args.out:
        Path(args.out).write_text(text, encoding="utf-8")
    return (
        0
        if rows and all(why == "equal" or exported == "refused" for _, exported, why in rows)
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
