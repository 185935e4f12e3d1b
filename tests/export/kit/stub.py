#!/usr/bin/env python3
"""Loopback stand-in for the outside world, used by equiv.py (stdlib only).

 * http://127.0.0.1:PORT/v1/...      OpenAI-compatible: chat/completions (plain + SSE), embeddings, models
 * http://127.0.0.1:PORT/page/N, /feed.xml, /redirect/N     fixed web pages
 * http://127.0.0.1:PORT/__log?tag=T       recorded requests of one tag (JSON);  /__reset?tag=T clears
 * 127.0.0.1:PORT+1                  forward proxy (HTTP + CONNECT/TLS with a throw-away CA) that
                                     answers *every* outside host with fixed pages (duckduckgo, google news,
                                     arxiv, ...), so nothing leaves the machine and both sides read the same.

Answers are pure functions of the request (never of arrival order or time), so two
programs that send the same requests get the same answers, and any difference upstream
shows up in every answer downstream.  The tag comes from the API key: "sk-stub-<tag>"
(or from the last path element of base_url: /t/<tag>/v1).
"""

import hashlib, http.server, json, os, re, socketserver, ssl, struct, subprocess, threading, urllib.parse

PORT = int(os.environ.get("EQUIV_STUB_PORT", "7972"))
HERE = os.path.dirname(os.path.abspath(__file__))
LOG, LOCK = {}, threading.Lock()
BASE = f"http://127.0.0.1:{PORT}"

# ---------------------------------------------------------------- what the model "says"
SCRIPT = {  # tool name (lower case, suffixes allowed) -> successive argument sets
    "fetch_content": [
        {"urls": [f"{BASE}/page/1"]},
        {"urls": [f"{BASE}/page/2", f"{BASE}/redirect/3"]},
        {"urls": ["http://127.0.0.1:9/nothing"]},
    ],
    "fetch_content_as_message": [{"urls": [f"{BASE}/page/1"]}],
    "perform_search": [
        {"query": "rust language", "search_mode": "Web"},
        {"query": "rust language", "search_mode": "News"},
        {"query": f"{BASE}/feed.xml", "search_mode": "RSS"},
        {"query": "  "},
    ],
    "evaluate_expression": [
        {"expression": "4*4*(33/22)+12-20"},
        {"expression": "1/0"},
        {"expression": "two+2"},
    ],
    "get_current_date": [{"timezone": "UTC"}, {"timezone": "Nowhere/Bad"}],
    "retrieve_memory": [{"search_query": "what is my name"}],
    "retrieve_data": [{"search_query": "alpha"}],
    "run_sql_query": [
        {"query": "SELECT name, price FROM plans ORDER BY price"},
        {"query": "SELECT * FROM nope"},
    ],
}
VOLATILE = [  # removed before hashing answers (and again by equiv.py before comparing)
    (
        re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d+)?( ?(UTC|Z|[+-]\d\d:?\d\d))?"),
        "<TIME>",
    ),
    (re.compile(r"0x[0-9a-f]{6,}"), "<ADDR>"),
    (re.compile(r"sqlalche\.me/e/\d+/"), "sqlalche.me/e/<V>/"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<UUID>"),
]


def stable(s):
    for rx, to in VOLATILE:
        s = rx.sub(to, s)
    return s


def flat(content):
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    out = []
    for p in content:
        if isinstance(p, str):
            out.append(p)
        elif p.get("type") == "text":
            out.append(p.get("text", ""))
        else:
            out.append(json.dumps(p, sort_keys=True))
    return "\n".join(out)


def digest(body):
    """Hash of what matters for the meaning of the request."""
    m = []
    for x in body.get("messages", []):
        calls = [
            (c["function"]["name"], sorted(json.loads(c["function"]["arguments"] or "{}").items()))
            for c in x.get("tool_calls") or []
        ]
        m.append([x.get("role"), flat(x.get("content")), calls])
    key = json.dumps(
        [
            body.get("model"),
            body.get("temperature"),
            body.get("stop"),
            m,
            sorted(t["function"]["name"] for t in body.get("tools") or [] if "function" in t),
        ],
        sort_keys=True,
    )
    return hashlib.sha256(stable(key).encode()).hexdigest()


def fake(schema, defs, name, h, depth=0):
    """Deterministic instance of a JSON schema."""
    if "$ref" in schema:
        return fake(defs.get(schema["$ref"].split("/")[-1], {}), defs, name, h, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][int(h[:4], 16) % len(schema["enum"])]
    for k in ("anyOf", "oneOf", "allOf"):
        if k in schema:
            opts = [o for o in schema[k] if o.get("type") != "null"] or [{"type": "null"}]
            return fake(opts[0], defs, name, h, depth + 1)
    t = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(t, list):
        t = next((x for x in t if x != "null"), "null")
    if t == "object":
        return {
            k: fake(v, defs, k, hashlib.sha256((h + k).encode()).hexdigest(), depth + 1)
            for k, v in schema.get("properties", {}).items()
        }
    if t == "array":
        n = (
            schema["minItems"] + int(h[1], 16) % 2
            if schema.get("minItems")
            else 2
            if depth < 3
            else 1
        )
        return [
            fake(
                schema.get("items", {}),
                defs,
                name,
                hashlib.sha256(f"{h}{i}".encode()).hexdigest(),
                depth + 1,
            )
            for i in range(n)
        ]
    if t == "integer":
        return int(h[:3], 16)
    if t == "number":
        return int(h[:3], 16) / 10
    if t == "boolean":
        return int(h[0], 16) % 2 == 0
    if t == "null":
        return None
    return f"{name}-{h[:6]}"


def answer(body):
    """-> ('text', str) | ('calls', [(name, args)])"""
    msgs, tools, h = body.get("messages", []), body.get("tools") or [], digest(body)
    byname = {t["function"]["name"]: t["function"] for t in tools if "function" in t}
    rf = body.get("response_format") or {}
    if rf.get("type") == "json_schema":
        s = rf["json_schema"].get("schema", {})
        return "text", json.dumps(fake(s, s.get("$defs", {}), "x", h))
    if rf.get("type") == "json_object":
        return "text", json.dumps({"answer": h[:8]})
    tc = body.get("tool_choice")
    forced = (
        tc["function"]["name"]
        if isinstance(tc, dict) and "function" in tc
        else (next(iter(byname)) if tc in ("required", "any") and byname else None)
    )
    if forced in byname:
        s = byname[forced].get("parameters", {})
        return "calls", [(forced, fake(s, s.get("$defs", {}), "x", h))]
    sysmsg = next(
        (flat(m.get("content")) for m in msgs if m.get("role") in ("system", "developer")), ""
    )
    last_user = max([i for i, m in enumerate(msgs) if m.get("role") == "user"], default=-1)
    called = [
        c["function"]["name"] for m in msgs[last_user + 1 :] for c in m.get("tool_calls") or []
    ]
    for name, fn in sorted(byname.items()):  # not the order on the wire
        base = next(
            (k for k in SCRIPT if name.lower() == k or name.lower().startswith(k + "_")), None
        )
        props = fn.get("parameters", {}).get("properties", {})
        if base:
            plan = [{k: v for k, v in a.items() if k in props} for a in SCRIPT[base]]
        else:
            plan = [
                fake(
                    fn.get("parameters", {}),
                    fn.get("parameters", {}).get("$defs", {}),
                    "x",
                    hashlib.sha256(name.encode()).hexdigest(),
                )
            ]
        done = called.count(name)
        if done < len(plan):
            return "calls", [(name, plan[done])]
    m = re.search(
        r"respond ONLY with a JSON object matching this schema.*?Schema:\n(\{.*\})", sysmsg, re.S
    )
    if m:
        try:
            s, _ = json.JSONDecoder().raw_decode(m.group(1))
            return "text", json.dumps(fake(s, s.get("$defs", {}), "x", h))
        except ValueError:
            pass
    ask = flat(msgs[last_user].get("content")) if last_user >= 0 else ""
    return (
        "text",
        f"STUB {h[:12]}: {len(msgs)} messages, {len(called)} tool calls. You asked: {stable(ask)[:60]!r}",
    )


def embed(text):
    v, words = [0.0] * 64, re.findall(r"[a-z0-9]+", str(text).lower())
    for w in words or ["?"]:
        d = hashlib.sha256(w.encode()).digest()
        v[d[0] % 64] += 1.0
        v[d[1] % 64] += 0.5
    n = sum(x * x for x in v) ** 0.5
    return [x / n for x in v]


# ---------------------------------------------------------------- the outside web
def page(n, host="127.0.0.1"):
    return (
        f"<!doctype html><html><head><title>Page {n} of {host}</title><style>p{{color:red}}</style></head>"
        f"<body><h1>Page {n}</h1><p>Rust is a language that empowers everyone, page {n} of {host}.</p>\n"
        f"<ul><li>alpha {n}</li><li>beta {n}</li></ul><a href='/page/{int(n) + 10}'>next</a></body></html>"
    )


FEED = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>News</title>"
    + "".join(
        f"<item><title>Item {i} &amp; more</title><link>http://news.stub.test/{i}</link>"
        f"<pubDate>Mon, 0{i} Jun 2025 10:00:00 GMT</pubDate><description>&lt;b&gt;Bold&lt;/b&gt; news number {i}</description></item>"
        for i in range(1, 8)
    )
    + "</channel></rss>"
)
DDG = (
    "<html><body>"
    + "".join(
        f"<div class='result'><a class='result__a' href='//duckduckgo.com/l/?uddg=https%3A%2F%2Fsite{i}.stub.test%2Fdoc%2F{i}&rut=x'>Result {i}</a>"
        f"<a class='result__snippet'>Snippet number {i}</a></div>"
        for i in range(1, 8)
    )
    + "</body></html>"
)
ARXIV = (
    "<?xml version='1.0' encoding='UTF-8'?><feed xmlns='http://www.w3.org/2005/Atom' xmlns:arxiv='http://arxiv.org/schemas/atom'>"
    + "".join(
        f"<entry><id>http://arxiv.org/abs/2501.0000{i}v1</id><updated>2025-01-0{i}T00:00:00Z</updated><published>2025-01-0{i}T00:00:00Z</published>"
        f"<title>Paper {i} on loops</title><summary>Abstract of paper {i}.</summary><author><name>Author {i}</name></author>"
        f"<arxiv:comment>c{i}</arxiv:comment><arxiv:primary_category term='cs.LG'/><category term='cs.LG'/>"
        f"<link href='http://arxiv.org/abs/2501.0000{i}v1' rel='alternate' type='text/html'/>"
        f"<link title='pdf' href='http://arxiv.org/pdf/2501.0000{i}v1' rel='related' type='application/pdf'/></entry>"
        for i in range(1, 4)
    )
    + "</feed>"
)


def web(host, path):
    """-> status, content type, body, extra headers"""
    if "duckduckgo" in host:
        return 200, "text/html; charset=utf-8", DDG, {}
    if "news.google" in host or path.startswith("/feed.xml"):
        return 200, "application/rss+xml", FEED, {}
    if "assemblyai" in host:
        return (
            200,
            "application/json",
            json.dumps(
                {
                    "id": "t1",
                    "status": "completed",
                    "text": "Anna will send the alpha plan by Friday. {Bob} agrees.",
                }
            ),
            {},
        )
    if "arxiv" in host:
        return 200, "application/atom+xml", ARXIV, {}
    m = re.match(r"/redirect/(\d+)", path)
    if m:
        return 302, "text/plain", "", {"Location": f"/page/{m.group(1)}"}
    m = re.search(r"(\d+)", path)
    return 200, "text/html; charset=utf-8", page(m.group(1) if m else 0, host), {}


# ---------------------------------------------------------------- servers
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "stub", ""

    def log_message(self, *a):
        pass

    def date_time_string(self, timestamp=None):
        return "Mon, 01 Jan 2024 00:00:00 GMT"

    def send(self, status, ctype, data, extra=None):
        data = data if isinstance(data, bytes) else data.encode()
        self.send_response(status)
        self.send_header("Content-Type", ctype)
        self.send_header("Content-Length", str(len(data)))
        for k, v in (extra or {}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)

    def js(self, obj, status=200):
        self.send(status, "application/json", json.dumps(obj))

    def do_GET(self):
        u = urllib.parse.urlparse(self.path)
        q = dict(urllib.parse.parse_qsl(u.query))
        if u.path == "/__log":
            with LOCK:
                return self.js(LOG.get(q.get("tag", "default"), []))
        if u.path == "/__reset":
            with LOCK:
                LOG.pop(q.get("tag", "default"), None)
            return self.js({"ok": True})
        if u.path == "/__ping":
            return self.js({"ok": True, "pid": os.getpid()})
        if u.path.endswith("/models"):
            return self.js(
                {
                    "object": "list",
                    "data": [
                        {"id": m, "object": "model"}
                        for m in ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
                    ],
                }
            )
        host = u.hostname or self.headers.get("Host", "").split(":")[0]
        self.send(*web(host, u.path + ("?" + u.query if u.query else "")))

    do_HEAD = do_GET

    def anthropic(self, body):
        """The Messages API, answered through the same answer() after translating the request."""
        msgs = [{"role": "system", "content": flat(body["system"])}] if body.get("system") else []
        for m in body.get("messages", []):
            parts = (
                m["content"]
                if isinstance(m["content"], list)
                else [{"type": "text", "text": m["content"]}]
            )
            for p in [p for p in parts if p["type"] == "tool_result"]:
                msgs.append(
                    {
                        "role": "tool",
                        "content": flat(p.get("content")),
                        "tool_call_id": p["tool_use_id"],
                    }
                )
            rest = [p for p in parts if p["type"] not in ("tool_use", "tool_result")]
            calls = [
                {
                    "id": p["id"],
                    "type": "function",
                    "function": {"name": p["name"], "arguments": json.dumps(p["input"])},
                }
                for p in parts
                if p["type"] == "tool_use"
            ]
            if rest or calls:
                msgs.append(
                    {
                        "role": m["role"],
                        "content": flat(rest),
                        **({"tool_calls": calls} if calls else {}),
                    }
                )
        tools = [
            {
                "type": "function",
                "function": {
                    "name": t["name"],
                    "description": t.get("description"),
                    "parameters": t.get("input_schema", {}),
                },
            }
            for t in body.get("tools") or []
        ]
        tc = body.get("tool_choice") or {}
        oa = {
            "model": body.get("model"),
            "messages": msgs,
            "temperature": body.get("temperature"),
            "stop": body.get("stop_sequences"),
            "max_tokens": body.get("max_tokens"),
        }
        if tools:
            oa["tools"] = tools
        if tc.get("type") == "tool":
            oa["tool_choice"] = {"type": "function", "function": {"name": tc["name"]}}
        return {k: v for k, v in oa.items() if v is not None}

    def send_anthropic(self, body, how, what, h):
        blocks = (
            [
                {"type": "tool_use", "id": f"toolu_{h[:12]}_{i}", "name": n, "input": a}
                for i, (n, a) in enumerate(what)
            ]
            if how == "calls"
            else [{"type": "text", "text": what}]
        )
        msg = {
            "id": "msg_" + h[:16],
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }
        stop = "tool_use" if how == "calls" else "end_turn"
        if not body.get("stream"):
            return self.js({**msg, "content": blocks, "stop_reason": stop})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

        def ev(kind, **d):
            self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **d})}\n\n".encode())

        ev("message_start", message={**msg, "content": [], "stop_reason": None})
        for i, b in enumerate(blocks):
            if b["type"] == "text":
                ev("content_block_start", index=i, content_block={"type": "text", "text": ""})
                for k in range(0, len(b["text"]), 16):
                    ev(
                        "content_block_delta",
                        index=i,
                        delta={"type": "text_delta", "text": b["text"][k : k + 16]},
                    )
            else:
                ev("content_block_start", index=i, content_block={**b, "input": {}})
                ev(
                    "content_block_delta",
                    index=i,
                    delta={"type": "input_json_delta", "partial_json": json.dumps(b["input"])},
                )
            ev("content_block_stop", index=i)
        ev(
            "message_delta",
            delta={"stop_reason": stop, "stop_sequence": None},
            usage={"output_tokens": 5},
        )
        ev("message_stop")
        self.close_connection = True

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {"_raw": raw.decode("latin-1")}
        m = re.search(r"/t/([^/]+)/", self.path)
        auth = self.headers.get("Authorization", "") or self.headers.get("x-api-key", "")
        claude = urllib.parse.urlparse(self.path).path.endswith("/v1/messages")
        wire, body = body, self.anthropic(body) if claude else body
        tag = m.group(1) if m else (auth.split("sk-stub-")[-1] if "sk-stub-" in auth else "default")
        kind = (
            "chat"
            if claude or self.path.endswith("/chat/completions")
            else "embeddings"
            if self.path.endswith("/embeddings")
            else "other"
        )
        with LOCK:
            LOG.setdefault(tag, []).append({"kind": kind, "path": self.path, "body": body})
        if kind == "embeddings":
            inp = body.get("input")
            if isinstance(inp, str) or (isinstance(inp, list) and inp and isinstance(inp[0], int)):
                inp = [inp]
            import base64

            def enc(v):
                return (
                    base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode()
                    if body.get("encoding_format") == "base64"
                    else v
                )

            return self.js(
                {
                    "object": "list",
                    "model": body.get("model"),
                    "usage": {"prompt_tokens": 1, "total_tokens": 1},
                    "data": [
                        {"object": "embedding", "index": i, "embedding": enc(embed(x))}
                        for i, x in enumerate(inp)
                    ],
                }
            )
        if kind != "chat":
            return self.js(
                {
                    "error": {
                        "message": f"stub: unsupported path {self.path}",
                        "type": "invalid_request_error",
                    }
                },
                404,
            )
        how, what = answer(body)
        say = (
            "Let me calculate that."
            if how == "calls" and what[0][1].get("expression") == "4*4*(33/22)+12-20"
            else None
        )  # text next to a tool call
        h = digest(body)
        if claude:
            return self.send_anthropic(wire, how, what, h)
        base = {"id": "chatcmpl-" + h[:16], "created": 1700000000, "model": body.get("model")}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        calls = (
            [
                {
                    "id": f"call_{h[:12]}_{i}",
                    "type": "function",
                    "function": {"name": n, "arguments": json.dumps(a)},
                }
                for i, (n, a) in enumerate(what)
            ]
            if how == "calls"
            else None
        )
        finish = "tool_calls" if calls else "stop"
        if not body.get("stream"):
            msg = {"role": "assistant", "content": say if calls else what}
            if calls:
                msg["tool_calls"] = calls
            return self.js(
                {
                    **base,
                    "object": "chat.completion",
                    "usage": usage,
                    "choices": [{"index": 0, "message": msg, "finish_reason": finish}],
                }
            )
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

        def ev(delta=None, fin=None, **extra):
            d = {**base, "object": "chat.completion.chunk", **extra}
            d.setdefault("choices", [{"index": 0, "delta": delta or {}, "finish_reason": fin}])
            self.wfile.write(b"data: " + json.dumps(d).encode() + b"\n\n")

        ev({"role": "assistant", "content": None if calls else ""})
        if calls:
            if say:
                ev({"content": say})
            for i, c in enumerate(calls):
                ev(
                    {
                        "tool_calls": [
                            {
                                "index": i,
                                "id": c["id"],
                                "type": "function",
                                "function": {"name": c["function"]["name"], "arguments": ""},
                            }
                        ]
                    }
                )
                a = c["function"]["arguments"]
                for k in range(0, len(a), 12):
                    ev({"tool_calls": [{"index": i, "function": {"arguments": a[k : k + 12]}}]})
        else:
            for k in range(0, len(what), 16):
                ev({"content": what[k : k + 16]})
        ev({}, finish)
        if (body.get("stream_options") or {}).get("include_usage"):
            ev(choices=[], usage=usage)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


class Proxy(H):
    """Forward proxy that never forwards: every host gets the fixed pages above."""

    def do_CONNECT(self):
        self.send_response(200, "Connection Established")
        self.end_headers()
        self.wfile.flush()
        host = self.path.split(":")[0]
        try:
            s = context(host).wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        inner = type("Inner", (Inner,), {"host": host})
        try:
            inner(s, self.client_address, self.server)
        except OSError:
            pass
        self.close_connection = True


class Inner(H):
    host = ""

    def do_POST(self):
        return (
            H.do_POST(self)
            if self.host in ("api.openai.com", "api.anthropic.com")
            else self.refuse()
        )

    def do_GET(self):
        self.send(*web(self.host, self.path))

    do_HEAD = do_GET

    def refuse(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "assemblyai" in self.host:
            return self.js({"id": "t1", "status": "queued"})
        self.send(502, "text/plain", "stub proxy: POST to outside hosts is refused")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, allow_reuse_address, request_queue_size = True, True, 128


def openssl(*a):
    subprocess.run(["openssl", *a], check=True, capture_output=True, cwd=f"{HERE}/ca")


def certs():
    os.makedirs(f"{HERE}/ca", exist_ok=True)
    if not os.path.exists(f"{HERE}/ca/ca.pem"):
        openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "3650",
            "-subj",
            "/CN=equiv stub CA",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
        )
    if not os.path.exists(f"{HERE}/ca/srv.key"):
        openssl("genrsa", "-out", "srv.key", "2048")


CONTEXTS, CLOCK = {}, threading.Lock()


def context(host):
    """TLS context with a certificate for this host, made on first use."""
    with CLOCK:
        if host not in CONTEXTS:
            name = re.sub(r"[^A-Za-z0-9.-]", "_", host)
            if not os.path.exists(f"{HERE}/ca/{name}.pem"):
                with open(f"{HERE}/ca/{name}.ext", "w") as f:
                    f.write(
                        f"subjectAltName={'IP' if re.fullmatch(r'[0-9.]+', host) else 'DNS'}:{host}\n"
                    )
                openssl(
                    "req", "-new", "-key", "srv.key", "-out", f"{name}.csr", "-subj", "/CN=stub"
                )
                openssl(
                    "x509",
                    "-req",
                    "-in",
                    f"{name}.csr",
                    "-CA",
                    "ca.pem",
                    "-CAkey",
                    "ca.key",
                    "-CAcreateserial",
                    "-out",
                    f"{name}.pem",
                    "-days",
                    "3650",
                    "-extfile",
                    f"{name}.ext",
                )
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(f"{HERE}/ca/{name}.pem", f"{HERE}/ca/srv.key")
            CONTEXTS[host] = ctx
        return CONTEXTS[host]


if __name__ == "__main__":
    certs()
    px = Server(("127.0.0.1", PORT + 1), Proxy)
    threading.Thread(target=px.serve_forever, daemon=True).start()
    print(f"stub {BASE}  proxy http://127.0.0.1:{PORT + 1}", flush=True)
    Server(("127.0.0.1", PORT), H).serve_forever()
