"""Figures as text, as a page and as a plot."""

import pathlib
import platform
import statistics
from typing import Any

from cases import Case

Figures = dict[str, list[dict[str, float]]]
Verdicts = list[tuple[str, list[float], bool]]


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


def write(folder: pathlib.Path, tables: list[tuple[Case, Figures, Verdicts]]) -> None:
    """docs/benchmarks.md and docs/benchmarks.svg."""
    folder.mkdir(exist_ok=True)
    lines = [
        "# Benchmarks",
        "",
        "Written by `cargo xtask bench --write`; see `tests/bench/bench.py` for the method. CPU",
        "time of the client's process for a call or token, medians over the rounds; ratios are",
        "taken within a round.",
        f"Measured on {platform.machine()}, two cores, Python {platform.python_version()}.",
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
    (folder / "benchmarks.md").write_text("\n".join(lines) + "\n")
    plot(folder / "benchmarks.svg", tables)


def plot(path: pathlib.Path, tables: list[tuple[Case, Figures, Verdicts]]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(tables), 1, figsize=(8, 2.6 * len(tables)), squeeze=False)
    for (case, figures, _), (axis,) in zip(tables, axes):
        names = list(figures)
        cpu: list[Any] = [
            statistics.median(one["cpu"] * 1e6 for one in figures[name]) for name in names
        ]
        own = {"client", "langflow-api", "langflow-api-async", "langflow-client"}
        colours = ["#2a6fdb" if name in own else "#b8bec8" for name in names]
        axis.barh(names[::-1], cpu[::-1], color=colours[::-1])
        axis.set_xscale("log")
        axis.set_title(f"{case.name}: CPU µs a {case.unit} (log scale)", fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
