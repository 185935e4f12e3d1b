"""Figures as text, as a page and as a plot."""

import html
import math
import os
import pathlib
import platform
import statistics

from cases import Case
from scale import Fact

Figures = dict[str, list[dict[str, float]]]
Verdicts = list[tuple[str, list[float], bool]]
Table = tuple[Case, Figures, Verdicts]


def rows(case: Case, figures: Figures) -> list[list[str]]:
    limit = [one["cpu"] for one in figures[case.who[0]]]
    table = []
    for who, rounds in figures.items():
        cpu = [one["cpu"] * 1e6 for one in rounds]
        ratio = [one["cpu"] / base for one, base in zip(rounds, limit)]
        table.append(
            [
                who,
                f"{statistics.median(cpu):.2f}",
                f"{statistics.median(one['wall'] for one in rounds) * 1e6:.2f}",
                f"{statistics.median(ratio):.2f}",
                f"{min(ratio):.2f} to {max(ratio):.2f}",
            ]
        )
    return table


def head(case: Case) -> list[str]:
    return ["who", f"CPU us/{case.unit}", "wall us", f"x {case.who[0]}", "range"]


def text(case: Case, figures: Figures, verdicts: Verdicts) -> str:
    table = [head(case), *rows(case, figures)]
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    lines = [f"\n{case.name}"]
    for row in table:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])),
        ]
        lines.append("  " + "  ".join(cells))
    for goal, found, met in verdicts:
        lines.append(f"  {'met   ' if met else 'MISSED'} {goal}: {statistics.median(found):.3f}x")
    return "\n".join(lines)


def fact(one: Fact) -> str:
    mark = "       " if one.goal in ("none", "a peer") else "met    " if one.met else "MISSED "
    return f"  {mark}{one.name} (goal: {one.goal}): {one.shown}"


METHOD = """# Benchmarks

The client and its peers in one run on one server that gives fixed answers. Written by
`cargo xtask bench --write`, which ends with 1 where a goal is missed; what was done for the
figures, and why goals are missed, stands in [performance.md](performance.md).

**How it is measured.** Every contender is a process of its own and does the job once before it
counts. Then they take turns, in an order that turns around with each round (A B, B A, ...). The
figure is the CPU time of the contender's process, all its threads and the system's part included,
for a call or a token; wall time stands beside it. A ratio is taken within a round, so that what
else the machine does falls on both sides; its median and range over the rounds are shown. `hyper`
and `reqwest` are bare loops in Rust around those libraries, built with the flags of what ships:
they are the limit. `client` is the Rust crate, `langflow-api` the Python package,
`langflow-client` the JavaScript package on its native addon. The source is in `tests/bench`.
"""


def write(folder: pathlib.Path, tables: list[Table], facts: list[Fact]) -> None:
    """docs/benchmarks.md and docs/benchmarks.svg."""
    folder.mkdir(exist_ok=True)
    rounds = max((len(one) for _, figures, _ in tables for one in figures.values()), default=0)
    load, processors = os.getloadavg()[1], os.cpu_count() or 1
    beside = (
        "others ran beside it, so that times are long; the ratios are what to trust"
        if load > processors + 1
        else "nothing else of weight ran beside it"
    )
    lines = [
        METHOD,
        f"**This run**: {rounds} rounds, {platform.system()} on {platform.machine()},"
        f" {processors} processors, Python {platform.python_version()}. The load was"
        f" {load:.1f}: {beside}.",
        "",
        "![CPU time by contender](benchmarks.svg)",
    ]
    for case, figures, verdicts in tables:
        lines += [
            "",
            f"## {case.name[0].upper()}{case.name[1:]}",
            "",
            "| " + " | ".join(head(case)) + " |",
        ]
        lines += ["|---|" + "---:|" * (len(head(case)) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in rows(case, figures)]
        if verdicts:
            lines += ["", "| goal | measured | |", "|---|---:|---|"]
            lines += [
                f"| {goal} | {statistics.median(found):.3f}x | {'met' if met else '**missed**'} |"
                for goal, found, met in verdicts
            ]
    if facts:
        lines += [
            "",
            "## Size, start and pages",
            "",
            "| what | goal | measured | |",
            "|---|---|---|---|",
        ]
    for one in facts:
        met = "" if one.goal in ("none", "a peer") else "met" if one.met else "**missed**"
        lines.append(f"| {one.name} | {one.goal} | {one.shown} | {met} |")
    (folder / "benchmarks.md").write_text("\n".join(lines) + "\n")
    (folder / "benchmarks.svg").write_text(plot(tables))


OWN = {"client", "langflow-api", "langflow-api-async", "langflow-client"}


def plot(tables: list[Table]) -> str:
    """Bars of the medians, on a logarithmic scale; ours are blue."""
    parts, y = [], 0
    for case, figures, _ in tables:
        cpu = {who: statistics.median(one["cpu"] for one in all_) for who, all_ in figures.items()}
        low = min(cpu.values()) / 2
        scale = 380 / math.log(max(cpu.values()) / low)
        y += 24
        title = html.escape(f"{case.name}: CPU \u00b5s a {case.unit} (log scale)")
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{title}</text>')
        for who, value in cpu.items():
            y += 18
            width = math.log(value / low) * scale
            colour = "#2a6fdb" if who in OWN else "#b8bec8"
            parts.append(f'<text x="134" y="{y}" text-anchor="end">{who}</text>')
            parts.append(
                f'<rect x="140" y="{y - 10}" width="{width:.0f}" height="12" fill="{colour}"/>'
            )
            parts.append(f'<text x="{144 + width:.0f}" y="{y}">{value * 1e6:.3g}</text>')
        y += 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="{y + 8}" '
        f'font-family="sans-serif" font-size="12" fill="#333">\n'
        + f'<rect width="600" height="{y + 8}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
