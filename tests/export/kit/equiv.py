#!/usr/bin/env python3
"""equiv.py FLOW.json EXPORTED.py [--input TEXT ...] [-v]      compare a flow on the real Langflow with its Python export
   equiv.py --record FLOW.json [...]                         only run the Langflow side and store it under recorded/
   equiv.py --stop                                           stop the stub and the Langflow that this script started

Both sides talk to the same stub (stub.py); what they ask the model is recorded and compared:
messages, model, temperature, stop, max tokens, tools, tool_choice, response_format, and the final texts.
Exit status: 0 equal, 1 different, 2 the Langflow side failed, 3 the exported side failed.
A recorded Langflow run (recorded/<sha of flow+inputs>.json) is reused unless --fresh is given.
Not compared: stream/stream_options (the answer is the same), order of independent branches, order of tools,
tool-call ids, clock times, "title" keys / empty or repeated descriptions / $defs names of schemas, embedding requests
(counted only).  EXPORTED.py must define run(input_value, session_id=...) -> str | {name: str} and print the text(s) when
run as a program with the input as its first argument."""

import argparse, difflib, glob, hashlib, json, os, re, signal, subprocess, sys, time, urllib.error, urllib.request, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
LF_ENV = os.environ.get("LANGFLOW_ENV", os.path.expanduser("~/.cache/langflow-real/env"))
SP, LP = (
    int(os.environ.get("EQUIV_STUB_PORT", "7972")),
    int(os.environ.get("EQUIV_LF_PORT", "7971")),
)
STUB, LF = f"http://127.0.0.1:{SP}", f"http://127.0.0.1:{LP}"
PY = os.environ.get("EQUIV_PYTHON", f"{HERE}/venv/bin/python")
TURNS = ['Tell me about the alpha project {braces} & "quotes"', "And what did I just say?"]
sys.path.insert(0, HERE)
from stub import stable, flat  # noqa: E402


def http(method, url, body=None, timeout=300, raw=None, headers=None):
    data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
    r = urllib.request.Request(
        url,
        method=method,
        data=data,
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    op = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with op.open(r, timeout=timeout) as f:
            return f.status, json.loads(f.read() or b"null")
    except urllib.error.HTTPError as e:
        t = e.read().decode(errors="replace")
        try:
            return e.code, json.loads(t)
        except ValueError:
            return e.code, t


def alive(url):
    try:
        return http("GET", url, timeout=3)[0] == 200
    except OSError:
        return False


def ensure_stub():
    if not alive(STUB + "/__ping"):
        p = subprocess.Popen(
            [sys.executable, f"{HERE}/stub.py"],
            stdout=open(f"{HERE}/stub.log", "w"),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        open(f"{HERE}/stub.pid", "w").write(str(p.pid))
        for _ in range(50):
            time.sleep(0.2)
            if alive(STUB + "/__ping"):
                return
        raise SystemExit("stub did not start, see stub.log")


def ensure_langflow():
    if not alive(LF + "/health"):
        import shutil

        shutil.copytree(
            f"{HERE}/files", f"{HERE}/lfhome/files", dirs_exist_ok=True
        )  # a flow's "files/x.txt" is read from the config dir
        subprocess.run(["bash", f"{HERE}/start_langflow.sh"], check=True)
        for _ in range(120):
            time.sleep(2)
            if alive(LF + "/health"):
                break
        else:
            raise SystemExit("Langflow did not start, see lf.log")
    st, kb = http("GET", LF + "/api/v1/knowledge_bases/equiv_kb")
    if st != 200:
        http(
            "POST",
            LF + "/api/v1/knowledge_bases",
            {
                "name": "equiv_kb",
                "embedding_provider": "OpenAI",
                "embedding_model": "text-embedding-3-small",
            },
        )
        for f in sorted(os.listdir(f"{HERE}/files/kb/equiv_kb")):
            b = uuid.uuid4().hex
            part = lambda n, v, fn="": (
                f'--{b}\r\nContent-Disposition: form-data; name="{n}"'
                + (f'; filename="{fn}"\r\nContent-Type: text/plain' if fn else "")
                + f"\r\n\r\n{v}\r\n"
            )
            body = (
                part("files", open(f"{HERE}/files/kb/equiv_kb/{f}").read(), f)
                + part("chunk_size", 1000)
                + part("chunk_overlap", 200)
                + f"--{b}--\r\n"
            )
            http(
                "POST",
                LF + "/api/v1/knowledge_bases/equiv_kb/ingest",
                raw=body.encode(),
                headers={"Content-Type": f"multipart/form-data; boundary={b}"},
            )
        for _ in range(60):
            time.sleep(1)
            st, kb = http("GET", LF + "/api/v1/knowledge_bases/equiv_kb")
            if kb.get("chunks", 0) >= 9:
                break


# ------------------------------------------------------------------ the two sides
def run_langflow(flow, turns, files=None):
    ensure_langflow()
    st, f = http(
        "POST",
        LF + "/api/v1/flows/",
        {"name": f"equiv {uuid.uuid4().hex[:8]}", "data": flow["data"]},
    )
    if st >= 300:
        return {"error": f"upload {st}: {f}", "outputs": [], "log": []}
    fid, sid, outs, err = f["id"], "equiv-" + uuid.uuid4().hex[:8], [], None
    if any(n["data"].get("type") == "MemoryBase" for n in flow["data"]["nodes"]):
        http(
            "POST",
            LF + "/api/v1/memories",
            {
                "name": "equiv_mb",
                "flow_id": fid,
                "embedding_model": "text-embedding-3-small",
                "embedding_provider": "OpenAI",
                "threshold": 1000,
            },
        )
    local = {
        p
        for n in flow["data"]["nodes"]
        if n["data"].get("type") == "File"
        for p in n["data"]["node"]["template"]["path"].get("file_path") or []
    }
    if local:  # upload the files and point the flow at the server's names for them
        text = json.dumps(flow["data"])
        for p in local:
            b = uuid.uuid4().hex
            body = (
                (
                    f'--{b}\r\nContent-Disposition: form-data; name="file"; filename="{os.path.basename(p)}"\r\nContent-Type: text/plain\r\n\r\n'
                ).encode()
                + open(f"{HERE}/{p}", "rb").read()
                + f"\r\n--{b}--\r\n".encode()
            )
            st, r = http(
                "POST",
                f"{LF}/api/v1/files/upload/{fid}",
                raw=body,
                headers={"Content-Type": f"multipart/form-data; boundary={b}"},
            )
            if st >= 300:
                return {"error": f"file upload {st}: {r}", "outputs": [], "log": []}
            text = text.replace(json.dumps(p), json.dumps(r["file_path"]))
        st, r = http("PATCH", f"{LF}/api/v1/flows/{fid}", {"data": json.loads(text)})
    http("GET", STUB + "/__reset?tag=lf")
    chat_inputs = [n["id"] for n in flow["data"]["nodes"] if n["data"].get("type") == "ChatInput"]
    for t in turns:
        body = {"input_value": t, "input_type": "chat", "output_type": "chat", "session_id": sid}
        if files and chat_inputs:
            body["tweaks"] = {chat_inputs[0]: {"files": files}}
        st, r = http("POST", f"{LF}/api/v1/run/{fid}?stream=false", body)
        if st != 200:
            err = f"HTTP {st}: {str(r)[:1500]}"
            break
        o = {}
        for oo in r["outputs"]:
            for c in oo["outputs"]:
                if c and (c.get("results") or {}).get("message"):
                    o[c["component_id"]] = c["results"]["message"].get("text", "")
        outs.append(o)
    log = http("GET", STUB + "/__log?tag=lf")[1]
    for m in (
        (http("GET", LF + "/api/v1/memories")[1] or {}).get("items", [])
        if any(n["data"].get("type") == "MemoryBase" for n in flow["data"]["nodes"])
        else []
    ):
        http("DELETE", LF + "/api/v1/memories/" + m["id"])
    http("DELETE", f"{LF}/api/v1/flows/{fid}")
    return {"error": err, "outputs": outs, "log": log}


TAG = os.environ.get("EQUIV_TAG", "py")  # several judges may run at the same time


def export_env(tag=TAG):
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "LC_ALL", "TZ")}
    px = f"http://127.0.0.1:{SP + 1}"
    return {
        **keep,
        "OPENAI_API_KEY": f"sk-stub-{tag}",
        "ANTHROPIC_API_KEY": f"sk-stub-{tag}",
        "OPENAI_BASE_URL": STUB + "/v1",
        "OPENAI_API_BASE": STUB + "/v1",
        "HTTP_PROXY": px,
        "HTTPS_PROXY": px,
        "http_proxy": px,
        "https_proxy": px,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "SSL_CERT_FILE": f"{HERE}/ca/ca.pem",
        "REQUESTS_CA_BUNDLE": f"{HERE}/ca/ca.pem",
        "COLUMNS": "80",
        "LANGSMITH_TRACING": "false",
        "TIKTOKEN_CACHE_DIR": (
            glob.glob(
                os.path.join(
                    LF_ENV, "lib/python3*/site-packages/litellm/litellm_core_utils/tokenizers"
                )
            )
            or [""]
        )[0],
        "KNOWLEDGE_BASE_DIR": f"{HERE}/files/kb",
        "ASSEMBLYAI_API_KEY": "stub",
        "ASSEMBLYAI_TRANSCRIBER_API_KEY": "stub",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{k: v for k, v in os.environ.items() if k in ("EQUIV_ENTRY", "EQUIV_DAY") and v},
    }


def run_export(path, turns, timeout=180):
    ensure_stub()
    http("GET", STUB + f"/__reset?tag={TAG}")
    job = json.dumps({"turns": turns, "session_id": "equiv"})
    try:
        p = subprocess.run(
            [PY, f"{HERE}/driver.py", os.path.abspath(path), job],
            env=export_env(),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            cwd=HERE,
        )
        m = re.search(r"^@@RESULT (.*)$", p.stdout, re.M)
        r = json.loads(m.group(1)) if m else {"outputs": [], "error": f"exit {p.returncode}"}
        tail = p.stderr[-1500:]
    except subprocess.TimeoutExpired:
        r, tail = {"outputs": [], "error": "timeout"}, ""
    r["log"] = http("GET", STUB + f"/__log?tag={TAG}")[1]
    r["stderr"] = tail if r.get("error") else ""
    return r


def run_cli(path, turn, want):
    p = subprocess.run(
        [PY, os.path.abspath(path), turn],
        env=export_env(TAG + "-cli"),
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
        cwd=HERE,
    )
    miss = [w for w in want if stable(w).strip() not in stable(p.stdout)]
    return (
        "ok"
        if p.returncode == 0 and not miss
        else f"FAILED (exit {p.returncode}, {len(miss)} of {len(want)} texts missing) {p.stderr[-300:]}"
    )


# ------------------------------------------------------------------ comparing
def untitle(x, in_props=False):
    if isinstance(x, dict):
        return {
            k: untitle(v, k == "properties")
            for k, v in x.items()
            if in_props
            or not (k == "title" and isinstance(v, str) or k == "description" and v == "")
        }
    return [untitle(v) for v in x] if isinstance(x, list) else x


def inline(x, defs=None, depth=0):
    """Replace $ref by what it points to, so the names under $defs do not matter."""
    if isinstance(x, dict):
        defs = {**(defs or {}), **x.get("$defs", {})}
        if "$ref" in x and depth < 20:
            return inline(defs.get(x["$ref"].split("/")[-1], {}), defs, depth + 1)
        return {k: inline(v, defs, depth) for k, v in x.items() if k != "$defs"}
    return [inline(v, defs, depth) for v in x] if isinstance(x, list) else x


def norm(body):
    ids, msgs = {}, []
    for m in body.get("messages", []):
        role = "system" if m.get("role") == "developer" else m.get("role")
        d = {"role": role, "content": stable(flat(m.get("content")))}
        if m.get("tool_calls"):
            for c in m["tool_calls"]:
                ids.setdefault(c["id"], f"call{len(ids)}")
            d["tool_calls"] = [
                [
                    ids[c["id"]],
                    c["function"]["name"],
                    json.loads(c["function"]["arguments"] or "{}"),
                ]
                for c in m["tool_calls"]
            ]
        if m.get("tool_call_id"):
            d["tool_call_id"] = ids.get(m["tool_call_id"], "?")
        msgs.append(d)
    out = {"model": body.get("model"), "messages": msgs}
    mt = body.get("max_completion_tokens", body.get("max_tokens"))
    if mt is not None:
        out["max_tokens"] = mt
    for k in (
        "temperature",
        "top_p",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "parallel_tool_calls",
        "response_format",
        "tool_choice",
    ):
        if body.get(k) is not None:
            out[k] = untitle(inline(body[k]))
    if out.get("tool_choice") == "auto":
        del out["tool_choice"]
    if body.get("tools"):
        out["tools"] = sorted(
            (untitle(inline(t.get("function", t))) for t in body["tools"]),
            key=lambda t: t.get("name", ""),
        )
        for t in out["tools"]:  # the same text repeated inside the schema says nothing new
            if t.get("parameters", {}).get("description") == t.get("description"):
                t["parameters"].pop("description", None)
    return out


def short(s, n=150):
    s = s if isinstance(s, str) else json.dumps(s, ensure_ascii=False)
    return s if len(s) <= n else s[: n - 12] + f" …[{len(s)}]"


def show(tag, n, r):
    print(
        f"  {tag}#{n} model={r['model']} "
        + " ".join(
            f"{k}={short(v, 60)}" for k, v in r.items() if k not in ("model", "messages", "tools")
        )
        + (" tools=" + ",".join(t["name"] for t in r["tools"]) if r.get("tools") else "")
    )
    for m in r["messages"]:
        print(
            f"      {m['role']:<9} {short(m['content'])!r}"
            + (f" -> {short(m['tool_calls'])}" if m.get("tool_calls") else "")
        )


def diff_req(a, b):
    d = []
    for k in sorted(set(a) | set(b)):
        if a.get(k) == b.get(k):
            continue
        if k == "messages":
            for i in range(max(len(a[k]), len(b[k]))):
                x = a[k][i] if i < len(a[k]) else None
                y = b[k][i] if i < len(b[k]) else None
                if x != y:
                    if (
                        x
                        and y
                        and x["role"] == y["role"]
                        and x.get("tool_calls") == y.get("tool_calls")
                    ):
                        sm = difflib.SequenceMatcher(
                            None, x["content"], y["content"], autojunk=False
                        )
                        j = next((o for o in sm.get_opcodes() if o[0] != "equal"), None)
                        at = j[1] if j else 0
                        d.append(
                            f"message {i} ({x['role']}) differs at char {at}: langflow {x['content'][max(0, at - 30) : at + 70]!r} export {y['content'][max(0, at - 30) : at + 70]!r}"
                        )
                    else:
                        d.append(f"message {i}: langflow {short(x)} export {short(y)}")
        elif k == "tools":
            ta, tb = ({t["name"]: t for t in r.get("tools", [])} for r in (a, b))
            for n in sorted(set(ta) | set(tb)):
                if ta.get(n) != tb.get(n):
                    d.append(
                        f"tool {n}: langflow {short(ta.get(n), 400)} export {short(tb.get(n), 400)}"
                    )
        else:
            d.append(f"{k}: langflow {short(a.get(k))} export {short(b.get(k))}")
    return d


def compare(lf, py, verbose=False):
    A = [norm(r["body"]) for r in lf["log"] if r["kind"] == "chat"]
    B = [norm(r["body"]) for r in py["log"] if r["kind"] == "chat"]
    print(
        f"langflow: {len(A)} chat requests, {sum(r['kind'] == 'embeddings' for r in lf['log'])} embedding requests;  export: {len(B)} chat, {sum(r['kind'] == 'embeddings' for r in py['log'])} embedding"
    )
    key = lambda r: json.dumps(r, sort_keys=True, ensure_ascii=False)
    same_order = [key(a) for a in A] == [key(b) for b in B]
    same_set = sorted(map(key, A)) == sorted(map(key, B))
    diffs = []
    for i, a in enumerate(A):
        if verbose or i < 3:
            show("langflow", i, a)
    if not same_set:
        left = list(B)
        for a in A[:]:
            for b in left:
                if key(a) == key(b):
                    left.remove(b)
                    break
            else:
                cand = max(
                    left,
                    key=lambda b: (
                        difflib.SequenceMatcher(
                            None, short(b["messages"], 4000), short(a["messages"], 4000)
                        ).quick_ratio()
                        + (A.index(a) == B.index(b))
                    ),
                    default=None,
                )
                if cand is None:
                    diffs.append(f"request missing in export: {short(a['messages'][-1])}")
                else:
                    left.remove(cand)
                    diffs += [f"request {A.index(a)}: {x}" for x in diff_req(a, cand)]
        diffs += [f"extra request in export: {short(b['messages'][-1])}" for b in left]
    print(
        "requests: "
        + (
            "equal"
            if same_order
            else "equal as a set (independent branches in another order)"
            if same_set
            else f"DIFFERENT ({len(diffs)} differences)"
        )
    )
    for x in diffs[: 12 if not verbose else 200]:
        print("   -", x)
    ok = same_set
    for i in range(max(len(lf["outputs"]), len(py["outputs"]))):
        a = sorted(
            stable(v).strip() for v in (lf["outputs"][i] if i < len(lf["outputs"]) else {}).values()
        )
        b = sorted(
            stable(v).strip() for v in (py["outputs"][i] if i < len(py["outputs"]) else {}).values()
        )
        print(
            f"final text, turn {i + 1}: "
            + (
                "equal " + short(a)
                if a == b
                else f"DIFFERENT\n   - langflow {short(a, 600)}\n   - export   {short(b, 600)}"
            )
        )
        ok &= a == b
    return ok


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("flow", nargs="?")
    ap.add_argument("exported", nargs="?")
    ap.add_argument("--input", action="append")
    ap.add_argument("--record", action="store_true")
    ap.add_argument("--fresh", action="store_true")
    ap.add_argument("--stop", action="store_true")
    ap.add_argument("-v", "--verbose", action="store_true")
    ap.add_argument("--no-cli", action="store_true")
    a = ap.parse_args()
    if a.stop:
        for n in ("lf.pid", "stub.pid"):
            try:
                os.killpg(int(open(f"{HERE}/{n}").read()), signal.SIGTERM)
                print("stopped", n)
            except (OSError, ValueError) as e:
                print(n, e)
        return 0
    flow = json.load(open(a.flow))
    turns = a.input or TURNS
    ensure_stub()
    h = hashlib.sha256(
        (json.dumps(flow["data"], sort_keys=True) + json.dumps(turns)).encode()
    ).hexdigest()[:16]
    os.makedirs(f"{HERE}/recorded", exist_ok=True)
    rec = f"{HERE}/recorded/{re.sub(r'[^A-Za-z0-9]+', '_', os.path.basename(a.flow)[:-5])}-{h}.json"
    if os.path.exists(rec) and not a.fresh and not a.record:
        lf = json.load(open(rec))
        print(f"langflow side: recorded run {os.path.basename(rec)}")
    else:
        t0 = time.time()
        lf = run_langflow(flow, turns)
        lf["turns"] = turns
        json.dump(lf, open(rec, "w"), indent=1, ensure_ascii=False)
        print(f"langflow side: ran in {time.time() - t0:.1f} s -> recorded/{os.path.basename(rec)}")
    if lf["error"]:
        print("LANGFLOW FAILED:", lf["error"])
        print("different" if a.exported else "")
        return 2
    if a.record or not a.exported:
        for i, r in enumerate([norm(r["body"]) for r in lf["log"] if r["kind"] == "chat"]):
            if a.verbose or i < 2:
                show("langflow", i, r)
        print(len(lf["log"]), "requests; outputs:", short(lf["outputs"], 400))
        return 0
    src = open(a.exported).read()
    bad = re.findall(r"^\s*(?:from|import)\s+(langflow|lfx)\b", src, re.M)
    py = run_export(a.exported, turns)
    if py["error"]:
        print("EXPORT FAILED:", py["error"], "\n", py.get("stderr", ""))
    ok = compare(lf, py, a.verbose) and not py["error"]
    if not a.no_cli:
        cli = run_cli(
            a.exported, turns[0], list(lf["outputs"][0].values()) if lf["outputs"] else []
        )
        print("command line:", cli)
        ok &= cli == "ok"
    if bad:
        print("imports Langflow:", bad)
        ok = False
    secrets = [
        f["value"]
        for n in flow["data"]["nodes"]
        for f in n["data"].get("node", {}).get("template", {}).values()
        if isinstance(f, dict)
        and f.get("password")
        and isinstance(f.get("value"), str)
        and len(f["value"]) > 7
        and not f.get("load_from_db")
    ]
    leaked = [s for s in secrets if s in src]
    if leaked:
        print(f"{len(leaked)} SECRET VALUES of the flow are written into the export")
        ok = False
    print("equal" if ok else "different")
    return 0 if ok else 3 if py["error"] else 1


if __name__ == "__main__":
    sys.exit(main())
