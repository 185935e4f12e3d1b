"""The header of a program: what `uv run` and others read before they run it (PEP 723)."""

import re

import tomllib

# The pattern of the specification.
BLOCK = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"
REQUIREMENT = (
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z, ]+\])?([<>=!~]=?[0-9][^,;]*(,[<>=!~]=?[0-9][^,;]*)*)?"
)


def metadata(program: str) -> dict:
    """The block `script` of a program, as the specification reads it."""
    blocks = [it for it in re.finditer(BLOCK, program) if it["type"] == "script"]
    if len(blocks) != 1:
        raise ValueError(f"{len(blocks)} script blocks in the header")
    lines = blocks[0]["content"].splitlines(keepends=True)
    return tomllib.loads("".join(line[2:] if line.startswith("# ") else line[1:] for line in lines))


def complaint(program: str) -> str:
    """What is wrong with the header; nothing if it is right."""
    try:
        found = metadata(program)
    except (ValueError, tomllib.TOMLDecodeError) as error:
        return f"header: {error}"
    if not re.fullmatch(r">=3\.\d+", found.get("requires-python", "")):
        return "header: no Python version"
    for one in found.get("dependencies", []):
        if not re.fullmatch(REQUIREMENT, one):
            return f"header: {one!r} is no requirement"
        if not re.search(r"[<>=~]", one):
            return f"header: {one!r} is not pinned"
    return ""
