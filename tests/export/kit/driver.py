"""driver.py EXPORTED.py '{"turns": [...], "session_id": "s"}'  -> prints one JSON line @@RESULT {...}
Imports the exported script as a module (so its __main__ block does not run) and calls its entry function once per turn."""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import traceback
from datetime import UTC


def text_of(x):
    for a in ("text", "content"):
        if not isinstance(x, (str, dict, list)) and isinstance(getattr(x, a, None), str):
            return getattr(x, a)
    return x if isinstance(x, str) else json.dumps(x, ensure_ascii=False, default=str)


def as_dict(r):
    if isinstance(r, dict):
        return {str(k): text_of(v) for k, v in r.items()}
    if isinstance(r, (list, tuple)):
        return {str(i): text_of(v) for i, v in enumerate(r)}
    return {"output": text_of(r)}


def on_the_day(mod):
    """Gives a program that asks for the day that of $EQUIV_DAY, on which its flow was recorded."""
    day, real = os.environ.get("EQUIV_DAY"), getattr(mod, "datetime", None)
    if not day or not isinstance(real, type):
        return
    shift = real.fromisoformat(day).date() - real.now(UTC).date()

    class Shifted(real):
        @classmethod
        def now(cls, tz=None):
            return real.now(tz) + shift

    mod.datetime = Shifted


def main(path, job):
    spec = importlib.util.spec_from_file_location("exported_flow", path)
    mod = importlib.util.module_from_spec(spec)
    sys.modules["exported_flow"] = mod
    spec.loader.exec_module(mod)
    on_the_day(mod)
    entry = os.environ.get("EQUIV_ENTRY")
    fn = (
        getattr(mod, entry)
        if entry
        else next(
            (
                getattr(mod, n)
                for n in ("run", "run_flow", "arun", "invoke", "flow")
                if callable(getattr(mod, n, None))
            ),
            None,
        )
    )
    if fn is None:
        raise SystemExit("no entry function run(...) in " + path)
    ps = inspect.signature(fn).parameters
    out = []

    async def go():
        for t in job["turns"]:
            kw = {}
            if "session_id" in ps:
                kw["session_id"] = job["session_id"]
            takes_text = [
                p
                for p in ps.values()
                if p.name != "session_id"
                and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
            ]
            has_text = bool(takes_text) and (
                takes_text[0].name
                in (
                    "input_value",
                    "input",
                    "text",
                    "message",
                    "user_input",
                    "chat_input",
                    "question",
                )
                or takes_text[0].default is inspect._empty
                or len(takes_text) >= 1
                and takes_text[0].annotation in (str, "str")
                and not takes_text[0].name.startswith(("file", "path"))
            )
            r = fn(t, **kw) if has_text else fn(**kw)
            if inspect.isgenerator(r):
                r = "".join(r)
            elif inspect.isasyncgen(r):
                r = "".join([part async for part in r])
            if inspect.isawaitable(r):
                r = await r
            out.append(as_dict(r))

    try:
        asyncio.run(go()) if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(
            fn
        ) else drive(go())
        err = None
    except BaseException as e:  # noqa: BLE001 - report anything
        err = f"{type(e).__name__}: {e}"
        traceback.print_exc()
    print("@@RESULT " + json.dumps({"outputs": out, "error": err}), flush=True)


def drive(coro):
    """Run a coroutine that never really awaits (sync entry functions may start their own event loop)."""
    try:
        coro.send(None)
    except StopIteration:
        return


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
