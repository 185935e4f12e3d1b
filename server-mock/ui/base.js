"use strict";
const API = "/langflow/api/v1";
const $ = (id) => document.getElementById(id);
const enc = encodeURIComponent;

/** An element: `h("button.main", {onclick}, "Run")`. Texts are texts, never HTML. */
function h(what, given, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  const props =
    given && Object.getPrototypeOf(given) === Object.prototype ? given : (children.unshift(given), {});
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else if (name in node && name !== "list" && typeof value !== "string") node[name] = value;
    else if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.flat(9).filter((it) => it || it === 0));
  return node;
}

// A button that takes no other click while it works, and says what went wrong. It stays enabled: a button
// that is disabled loses the focus, and who has only a keyboard would begin at the top again.
function act(label, work, kind = "", props = {}) {
  const button = h("button" + kind, { type: "button", ...props }, label);
  button.addEventListener("click", async () => {
    if (button.ariaBusy) return;
    button.ariaBusy = "true";
    try {
      await work(button);
    } catch (error) {
      tell(error.message, true);
    }
    button.ariaBusy = null;
  });
  return button;
}

let quiet;
/** Says something: aloud for readers of the screen, and for a while in the line of calls. */
function tell(text, bad = false) {
  $("say").textContent = text;
  $("last").replaceChildren(h("span.chip." + (bad ? "bad" : "good"), text));
  clearTimeout(quiet);
  quiet = setTimeout(() => calls.at(-1) && $("last").replaceChildren(...line(calls.at(-1))), 6000);
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  $("say").textContent = "Copied";
  setTimeout(() => (button.textContent = before), 1200);
}
const copier = (text, label = "Copy", kind = ".quiet") =>
  act(label, (button) => copy(typeof text === "function" ? text() : text, button), kind);
const copyable = (text, label) =>
  h(".copyable", h("code", text), copier(text, "Copy", ""), label && h("span.unseen", label));

function save(name, content, type) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Calls -------------------------------------------------------------------------------------------

const me = { keys: {}, as: "admin", auth: true };
const calls = [];
const secret = () => me.keys[me.as] ?? Object.values(me.keys)[0];

/** Every action goes through here and is shown with what came of it. */
async function call(method, path, body, more = {}) {
  const headers = { ...more.headers };
  const product = path.startsWith(API);
  if (product && me.auth) headers.authorization = `Bearer ${more.secret ?? secret()}`;
  if (body !== undefined && !more.type) headers["content-type"] = "application/json";
  if (more.type) headers["content-type"] = more.type;
  const text = body === undefined || more.type ? body : JSON.stringify(body);
  const made = {
    method,
    path,
    text: typeof text === "string" ? text : body && "(a file)",
    headers,
    started: performance.now(),
  };
  if (!more.silent) show(made);
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: text, signal: more.signal });
  } catch (error) {
    made.status = "cut";
    if (!more.silent) show(made);
    throw new Error(`${method} ${path}: no answer (${error.message})`);
  }
  made.status = answer.status;
  made.took = performance.now() - made.started;
  if (!more.silent) show(made);
  if (more.raw) return answer;
  const said = await answer.text();
  if (answer.ok && more.text) return said;
  let data = said;
  try {
    data = JSON.parse(said);
  } catch {
    if (answer.headers.get("content-type")?.includes("json"))
      throw new Error("The answer is not JSON: " + said.slice(0, 80));
  }
  if (!answer.ok)
    throw Object.assign(new Error(problem(data, answer.status)), { status: answer.status, data });
  return data;
}

function problem(data, status) {
  const fields = (data?.errors ?? []).map((it) => `${it.field} ${it.message}`).join("; ");
  return `${status} ${data?.code ?? ""}: ${data?.detail ?? data?.title ?? String(data).slice(0, 200)}${fields ? ` (${fields})` : ""}`;
}

const product = (method, path, body, more) => call(method, API + path, body, more);
const control = (method, path, body, more) => call(method, "/__mock" + path, body, more);
/** What only looks leaves no trace: neither in the journal nor in the line of calls. */
const look = (path) => call("GET", "/__mock/look?path=" + enc(path), undefined, { silent: true });
const peek = (path) => control("GET", path, undefined, { silent: true });

function curl({ method, path, text, headers }) {
  const parts = [`curl -X ${method} '${location.origin}${path}'`];
  for (const [name, value] of Object.entries(headers)) {
    const shown = name === "authorization" ? "Bearer $LANGFLOW_API_KEY" : value;
    parts.push(
      name === "authorization" ? `-H "${name}: ${shown}"` : `-H '${name}: ${shown.replaceAll("'", "'\\''")}'`,
    );
  }
  if (text) parts.push(`-d '${text.replaceAll("'", "'\\''")}'`);
  return parts.join(" \\\n  ");
}

function line(made) {
  const good = made.status < 400;
  return [
    h("span.call", `${made.method} ${made.path}${made.text ? " " + made.text : ""}`),
    made.status && h("span.chip." + (good ? "good" : "bad"), String(made.status)),
    made.took !== undefined &&
      h("span.num", `${made.took < 10 ? made.took.toFixed(1) : Math.round(made.took)} ms`),
  ].filter(Boolean);
}

function show(made) {
  if (!calls.includes(made)) calls.push(made);
  if (calls.length > 50) calls.shift();
  $("last").replaceChildren(...line(made));
  $("log").replaceChildren(
    ...[...calls].reverse().map((it) =>
      h(
        "li",
        line(it),
        copier(() => curl(it), "Copy as curl", ".quiet.small"),
      ),
    ),
  );
}

// Time --------------------------------------------------------------------------------------------

const clock = { at: Date.now(), seen: performance.now(), mode: "real", rate: 1 };
function tick(shown) {
  clock.at = Date.parse(shown.now);
  clock.seen = performance.now();
  clock.mode = shown.mode;
  clock.rate = shown.mode === "frozen" ? 0 : (shown.scale ?? 1);
}
const now = () => clock.at + (performance.now() - clock.seen) * clock.rate;
const iso = (moment) => new Date(moment).toISOString();
const hour = (text) => (text ? text.slice(11, 19) : "");
const day = (text) => (text ? text.slice(0, 16).replace("T", " ") : "never");
function span(seconds) {
  if (seconds < 0.001) return "<1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 360) / 10} h` : `${Math.round(seconds / 86400)} d`;
}

// Lists -------------------------------------------------------------------------------------------

const FOCUS = "summary, button, a, input, select";
/** Brings a list up to date: what has not changed stays, with its focus and what is open in it. */
function keyed(box, items, key, render, without) {
  if (!items.length && without) return box.replaceChildren(h(".empty", without));
  box.querySelector(":scope > .empty")?.remove();
  const old = new Map([...box.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, at) => {
    const id = String(key(item));
    const sign = JSON.stringify(item);
    const was = old.get(id);
    let node = was;
    if (was?.sign !== sign) {
      node = render(item);
      node.dataset.key = id;
      node.sign = sign;
      if (was) {
        if (was.open) node.open = true;
        const held = [...was.querySelectorAll(FOCUS)].indexOf(document.activeElement);
        was.replaceWith(node);
        if (held >= 0) (node.querySelectorAll(FOCUS)[held] ?? node.querySelector(FOCUS))?.focus();
      }
    }
    if (box.children[at] !== node) box.insertBefore(node, box.children[at] ?? null);
  });
  while (box.children.length > items.length) box.lastChild.remove();
}

/** Something to open; what is in it is made when it is opened. */
function fold(summary, fill, kind = "") {
  const body = h("div" + kind);
  const node = h("details", h("summary", summary), body);
  node.addEventListener("toggle", async () => {
    if (!node.open) return;
    try {
      body.replaceChildren(...[await fill(body)].flat().filter(Boolean));
    } catch (error) {
      body.replaceChildren(h(".note.bad", error.message));
    }
  });
  return node;
}
const flows = async () => (await look("/flows?size=100&sort=name")).items;
/** A form in a card; what goes wrong in it is said. */
const form = (work, ...children) =>
  h(
    "form.card",
    { onsubmit: (event) => (event.preventDefault(), work().catch((error) => tell(error.message, true))) },
    ...children,
  );
const field = (label, input) => h("label.field", label, input);
const pretty = (value) =>
  h("pre", { tabIndex: 0 }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
const facts = (pairs) =>
  h(
    "dl",
    Object.entries(pairs)
      .filter(([, it]) => it !== undefined && it !== null && it !== "")
      .map(([name, it]) => [h("dt", name), h("dd", it)]),
  );
const check = (name, label, checked) =>
  h("label", h("input", { type: "checkbox", name, checked: !!checked }), label);
const chosen = (box) => [...box.querySelectorAll("input:checked")].map((it) => it.name);
const options = (list, at) => list.map((it) => h("option", { value: it, selected: it === at }, it));

/** What had the focus may be gone: then the content gets it. */
const lost = () => document.activeElement === document.body;
const keep = (held) => held && lost() && $("main").focus({ preventScroll: true });
/** A secret, shown once; `kept` says what becomes of it. */
function once(title, text, about, kept) {
  $("once").replaceChildren(
    h("h2", { id: "once-title" }, title),
    h("p.soft", about),
    copyable(text),
    h(
      ".row.apart",
      h("span.faint", kept),
      act("Done", () => $("once").close(), ".main"),
    ),
  );
  // What opened it may be drawn anew meanwhile: then what stands in its place gets the focus.
  const from = document.activeElement;
  const row = from.closest("[data-key]");
  const at = row && [...row.querySelectorAll(FOCUS)].indexOf(from);
  $("once").onclose = () => {
    $("once").replaceChildren();
    if (row && lost())
      document.querySelector(`[data-key="${row.dataset.key}"]`)?.querySelectorAll(FOCUS)[at]?.focus();
    keep(true);
  };
  $("once").showModal();
}

/** A panel: drawn once, and brought up to date whenever something happens. */
const panels = {};
function panel(id, title, lead, draw) {
  panels[id] = { id, title, lead, draw };
}
