"""Exports flows and asks the judge in kit/ whether each program does what its flow did.

python tests/export/score.py --python PYTHON [--exporter COMMAND] [--write] [PATTERN ...]

PYTHON is that of a clean environment with what the programs need (kit/README.md), ruff, and
the token tables of the package litellm. Without patterns the table in docs/export.md has to say
what came out; --write writes it. Two programs run at a time.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import controls
import header

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TABLE = ROOT / "docs/export.md"
EXPORTER = "cargo run --quiet -p langflow-mock -- export python"
SETS = {
    "flows": "Starter flows of Langflow 1.13",
    "more": "Flows with what no starter has",
    "older": "Starter flows of Langflow 1.1 to 1.8",
}
# Right when refused by name: what cannot run anywhere but in a live database.
REFUSED = {"Hybrid Search RAG": "AstraDB"}
# Right when different, if the program itself says where: components of an older Langflow.
ANNOUNCED = {"1.8 Simple Agent": "other version"}
# Judged in all their forms, not only as `run()`.
FORMS = (
    "Basic Prompting",
    "Agent at its Limit",
    "If-Else",
    "Tables as Text",
    "Agent as Tool",
    "Edited Component",
)
ENTRIES = ("run", "arun", "stream", "astream")
WANTED = (
    r"(requests: D|   - |EXPORT F|LANGFLOW F|command line: F|final text.*DIFF|imports|\d+ SECRET)"
)


class Row(NamedTuple):
    """One line of the table."""

    group: str
    flow: str
    exported: str
    verdict: str

    @property
    def good(self) -> bool:
        """Whether this is how it has to be."""
        return self.exported == "refused" or self.verdict.startswith(("equal", "announced"))


class Judge:
    """The judge in a folder of its own, since it writes beside itself."""

    def __init__(self, kit: Path, python: str, exporter: list[str]) -> None:
        self.kit, self.python, self.exporter = kit, python, exporter
        found = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        )
        site = Path(found.stdout.strip())
        tokens = site / "litellm/litellm_core_utils/tokenizers"
        if not tokens.is_dir():
            raise SystemExit(
                f"no token tables in {tokens}: install litellm there, without what it needs"
            )
        self.env = {
            **os.environ,
            "EQUIV_PYTHON": python,
            "LANGFLOW_ENV": str(site.parent.parent.parent),
        }
        (kit / "out").mkdir(exist_ok=True)

    def export(self, flow: Path, *options: str) -> tuple[Path | None, str]:
        """The program of a flow, or why there is none."""
        name = re.sub(r"\W+", "_", f"{flow.parent.name}_{flow.stem}{''.join(options)}").lower()
        program = self.kit / "out" / f"{name}.py"
        done = subprocess.run(
            [*self.exporter, str(flow), *options], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return None, " ".join(done.stderr.split())
        program.write_text(done.stdout, encoding="utf-8")
        return program, ""

    def differs(self, flow: Path, program: Path, entry: str = "run") -> str:
        """The empty string where the program is equivalent, or else why it is not."""
        command = [sys.executable, str(self.kit / "equiv.py"), str(flow), str(program)]
        day = self.day(flow)
        # The day of the recording can be given to a module, not to a program of its own.
        if entry != "run" or day:
            command.append("--no-cli")
        tag = re.sub(r"\W+", "", f"{program.stem}{entry}")
        env = {**self.env, "EQUIV_TAG": tag, "EQUIV_ENTRY": entry, "EQUIV_DAY": day}
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=600, check=False
        )
        if done.returncode == 0:
            return ""
        lines = [line.strip() for line in done.stdout.splitlines() if re.match(WANTED, line)]
        return " ".join(lines)[:400] or done.stderr.strip()[-400:] or "different"

    def day(self, flow: Path) -> str:
        """The day on which a flow was recorded, if the flow asked for it."""
        name = re.sub(r"[^A-Za-z0-9]+", "_", flow.stem)
        for path in (self.kit / "recorded").glob(f"{name}-*.json"):
            found = re.search(r"Today's date: (\d{4}-\d\d-\d\d)", path.read_text(encoding="utf-8"))
            if found:
                return found[1]
        return ""

    def row(self, flow: Path) -> Row:
        """Exports and judges one flow."""
        group, name = flow.parent.name, flow.stem
        program, reason = self.export(flow)
        if program is None:
            right = re.search(REFUSED.get(name, "(?!)"), reason)
            return Row(group, name, "refused" if right else "no", reason)
        wrong = header.complaint(program.read_text(encoding="utf-8"))
        if wrong:
            return Row(group, name, "yes", wrong)
        why = self.differs(flow, program)
        if why and name in ANNOUNCED:
            said = ANNOUNCED[name] in program.read_text(encoding="utf-8")
            return Row(group, name, "yes", "announced in its header" if said else why)
        if not why and name in FORMS:
            full, reason = self.export(flow, "--stream", "--async")
            if full is None:
                return Row(group, name, "yes", f"with --stream --async: {reason}")
            for entry in ENTRIES:
                form = self.differs(flow, full, entry)
                # Of several outputs a stream is the texts in a row, which the recording has apart.
                if form and not (name == "If-Else" and entry.endswith("stream")):
                    return Row(group, name, "yes", f"{entry}(): {form}")
        return Row(group, name, "yes", why or "equal")

    def lint(self) -> str:
        """What ruff has to say of all programs."""
        said = ""
        for what in (["check"], ["format", "--check"]):
            command = [self.python, "-m", "ruff", *what, "--no-cache", "--isolated", "-q"]
            done = subprocess.run(
                [*command, str(self.kit / "out")], capture_output=True, text=True, check=False
            )
            said += done.stdout + done.stderr if done.returncode else ""
        return said


def stub_is_free() -> bool:
    """Whether nothing listens where the stub has to be, whose address is in the recordings."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 7972)) != 0


def table(rows: list[Row]) -> str:
    """The rows in Markdown, a table a set, with the sums above."""
    lines = []
    for group, title in SETS.items():
        own = [row for row in rows if row.group == group]
        equal = sum(row.verdict == "equal" for row in own)
        lines += [f"### {title}", "", f"{equal} of {len(own)} are equal.", ""]
        lines += ["| flow | exported | equivalent, or the reason |", "|---|---|---|"]
        for row in own:
            reason = row.verdict.replace("|", "/").replace(
                "the flow cannot be exported as Python: - ", ""
            )
            lines.append(f"| {row.flow} | {row.exported} | {reason} |")
        lines.append("")
    return "\n".join(lines)


def fresh(text: str, *, write: bool) -> bool:
    """Whether the documentation says what came out; or writes it there."""
    page = TABLE.read_text(encoding="utf-8")
    start, end = "<!-- score -->\n", "<!-- end of score -->\n"
    head, rest = page.split(start)
    _, tail = rest.split(end)
    wanted = f"{head}{start}\n{text}{end}{tail}"
    if write:
        TABLE.write_text(wanted, encoding="utf-8")
    return write or page == wanted


def flows(patterns: list[str], kit: Path) -> Iterator[Path]:
    """The flows whose names have one of the patterns in them."""
    for group in SETS:
        for flow in sorted((kit / group).glob("*.json")):
            if not patterns or any(it.lower() in flow.stem.lower() for it in patterns):
                yield flow


def main() -> int:
    """Scores, and fails where a flow is neither equal nor rightly refused."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("patterns", nargs="*", help="parts of the names of flows; all without")
    parser.add_argument("--python", required=True, help="runs the programs")
    parser.add_argument("--exporter", default=EXPORTER, help="prints the program of a flow")
    parser.add_argument("--write", action="store_true", help="write the table into the docs")
    args = parser.parse_args()
    if not stub_is_free():
        parser.error("port 7972 is taken; end what listens there, such as the stub of another run")
    with tempfile.TemporaryDirectory() as folder:
        kit = Path(folder) / "kit"
        shutil.copytree(HERE / "kit", kit, ignore=shutil.ignore_patterns("__pycache__"))
        judge = Judge(kit, str(Path(args.python).absolute()), shlex.split(args.exporter))
        wanted = list(flows(args.patterns, kit))
        # The stub starts with the first flow; the others find it.
        rows = []
        try:
            with ThreadPoolExecutor(2) as pool:
                for row in map(judge.row, wanted[:1]):
                    rows.append(row)
                    print(*row, sep=" | ", flush=True)
                for row in pool.map(judge.row, wanted[1:]):
                    rows.append(row)
                    print(*row, sep=" | ", flush=True)
            failed = [f"{row.flow}: {row.verdict}" for row in rows if not row.good]
            said = judge.lint()
            failed += [said] if said else []
            if not args.patterns:
                failed += controls.failures(judge)
        finally:
            stop = [sys.executable, str(kit / "equiv.py"), "--stop"]
            subprocess.run(stop, capture_output=True, check=False)
    if not args.patterns and not fresh(table(rows), write=args.write):
        failed.append(f"{TABLE.name} is stale: run this with --write")
    for line in failed:
        print("FAILED", line)
    print(f"{len(rows)} flows, {len(failed)} failures")
    return 0 if rows and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
