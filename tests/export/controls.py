"""Programs that are wrong on purpose: a judge that takes one for right is no judge."""

from __future__ import annotations

from pathlib import Path

# Flow, what is wrong, what stands in its program, and what is put there instead.
CONTROLS = [
    ("flows/Basic Prompting", "another temperature", "temperature=0.1", "temperature=0.2"),
    (
        "flows/Basic Prompting",
        "langflow imported",
        "import argparse\n",
        "import argparse\ntry:\n    import langflow\nexcept ImportError:\n    pass\n",
    ),
    (
        "flows/Basic Prompting",
        "a key written",
        "import argparse\n",
        'import argparse\n\nKEY = "sk-stub-lf"\n',
    ),
    ("flows/Basic Prompting", "another prompt", "GenAI expert", "genAI expert"),
    ("more/Agent at its Limit", "another limit", "run_limit=2", "run_limit=3"),
    ("more/Agent at its Limit", "no history", "history.append(AIMessage", "str(AIMessage"),
    ("more/Renamed Tools", "another tool text", "Adds ", "adds "),
    (
        "more/Agent as Tool",
        "the session of the caller unread",
        "recent(current_history.get(), 2)",
        "[]",
    ),
]


def failures(judge) -> list[str]:
    """The controls that the judge did not see through."""
    found = []
    for name, what, there, wrong in CONTROLS:
        flow = judge.kit / f"{name}.json"
        program, reason = judge.export(flow)
        if program is None:
            found.append(f"control {what}: {reason}")
            continue
        text = program.read_text(encoding="utf-8")
        if there not in text:
            found.append(f"control {what}: {there!r} is not in the program of {name}")
            continue
        other = Path(judge.kit) / "control.py"
        other.write_text(text.replace(there, wrong), encoding="utf-8")
        if not judge.differs(flow, other):
            found.append(f"control {what}: the judge says equal")
        else:
            print("control", what, "is seen", sep=" | ", flush=True)
    return found
