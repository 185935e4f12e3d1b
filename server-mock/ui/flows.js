const EVENTS = ["flow_started", "flow_completed", "flow_error", "component_completed"];

panel("flows", "Flows", "Run a flow here, copy its endpoint, or take it with you.", async (box, arg) => {
  const list = h("nav.list.pick", { "aria-label": "Flows" });
  const pane = h("div");
  const file = h("input", {
    type: "file",
    accept: ".json,.zip",
    "aria-label": "Flow files to import",
    hidden: true,
    onchange: () => take(file.files),
  });
  const drop = h(
    ".card.small",
    {
      ondragover: (event) => event.preventDefault(),
      ondrop: (event) => (event.preventDefault(), take(event.dataTransfer.files)),
    },
    act("Import flows…", () => file.click()),
    file,
    h("p.faint", "JSON or zip; dropping files here does it too."),
  );
  async function take(files) {
    try {
      for (const one of files) {
        const zip = one.name.endsWith(".zip");
        const made = zip
          ? await product("POST", "/flows/import", await one.arrayBuffer(), { type: "application/zip" })
          : await product("POST", "/flows/import", JSON.parse(await one.text()));
        tell(`Imported: ${made.items?.map((it) => it.name).join(", ") ?? one.name}`);
      }
    } catch (error) {
      tell(`Not imported. ${error.message}`, true);
    }
    file.value = "";
  }
  box.append(h(".two", h("div", list, drop), pane));
  let shown;
  return async () => {
    const all = await flows();
    const id = arg && all.some((it) => it.id === arg) ? arg : all[0]?.id;
    keyed(
      list,
      all.map(({ id: key, name, description }) => ({ key, name, description, here: key === id })),
      (it) => it.key,
      (it) =>
        h(
          "div",
          { style: "padding:0" },
          h(
            "a",
            { href: `#flows/${enc(it.key)}`, "aria-current": it.here ? "true" : undefined },
            h("strong", it.name),
            h("code.faint", it.key),
          ),
        ),
    );
    if (!id) return pane.replaceChildren(h(".empty", "No flow yet. Import one."));
    if (shown === id) return;
    shown = id;
    pane.replaceChildren(...(await flowPane(await look(`/flows/${enc(id)}`))));
  };
});

async function flowPane(flow) {
  const at = `/flows/${enc(flow.id)}`;
  const url = `${location.origin}${API}${at}/run`;
  const changed = () => start(true);
  const plain = (title, fill) => {
    const node = fold(title, fill);
    node.className = "plain";
    return node;
  };
  return [
    h(
      "section.card",
      { "aria-label": "Endpoint" },
      h("h2", flow.name),
      h("p.soft", flow.description ?? "This flow has no description."),
      copyable(url, "endpoint URL"),
      runner(flow, at),
    ),
    h(
      "section.card",
      { "aria-label": "More about this flow" },
      plain("Call it from code", () => snippets(flow.id)),
      plain("Export", () => exporter(flow, at)),
      plain("Settings and default webhook", () => settings(at)),
      plain("Duplicate or delete", () =>
        h(
          ".row",
          act("Duplicate", async () => {
            const made = await product("POST", `${at}/duplicate`, {});
            location.hash = `#flows/${made.id}`;
          }),
          act(
            "Delete",
            async () => {
              if (confirm(`Delete ${flow.name}?`)) {
                await product("DELETE", at);
                location.hash = "#flows";
                changed();
              }
            },
            ".danger",
          ),
        ),
      ),
    ),
  ];
}

/** What a tweak can change: the plain values of the components in the middle of the flow. */
function tweakable(flow) {
  const found = [];
  for (const node of flow.data?.nodes ?? []) {
    const data = node.data ?? {};
    if (/^(Chat|Text)(In|Out)put$/.test(data.type)) continue;
    for (const [name, it] of Object.entries(data.node?.template ?? {})) {
      if (name.startsWith("_") || !it || typeof it !== "object" || /key|code/.test(name)) continue;
      if (
        ["string", "number", "boolean"].includes(typeof it.value) &&
        String(it.value).length < 60 &&
        it.value !== ""
      )
        found.push({ id: node.id, name, value: it.value });
    }
  }
  return found;
}

function runner(flow, at) {
  const message = h("textarea", { value: "Hello, how are you?", placeholder: "What the flow is given" });
  const session = h("input", { placeholder: "none: this run stands alone", spellcheck: false });
  const keep = h("input", { type: "checkbox" });
  const slow = h("input", { type: "checkbox", checked: true });
  const answer = h(
    ".answer",
    { role: "region", "aria-label": "Answer", tabIndex: 0 },
    h("span.soft", "The answer appears here, token by token."),
  );
  const about = h(".row.faint", { style: "margin-top:.5rem" });
  const tweaks = tweakable(flow).map((it) => ({
    ...it,
    input: h("input", { placeholder: String(it.value), spellcheck: false }),
  }));
  let abort;
  const stop = act("Stop", () => abort?.abort(), "", { disabled: true });

  function body() {
    const asked = { input_value: message.value };
    if (session.value) asked.session_id = session.value;
    for (const { id, name, value, input } of tweaks) {
      if (input.value === "") continue;
      const typed = typeof value === "string" ? input.value : JSON.parse(input.value);
      ((asked.tweaks ??= {})[id] ??= {})[name] = typed;
    }
    return asked;
  }
  async function go() {
    answer.replaceChildren();
    about.replaceChildren();
    answer.setAttribute("aria-busy", "true");
    abort = new AbortController();
    stop.disabled = false;
    const headers = { accept: "text/event-stream" };
    // A fault of the request's own would win over those that are armed.
    if (slow.checked && !(await peek("/faults")).items.length)
      headers["x-mock"] = JSON.stringify({ kind: "drip", bytes_per_second: 2000 });
    let ended = false;
    try {
      const reply = await product("POST", `${at}/run`, body(), { headers, raw: true, signal: abort.signal });
      const fault = reply.headers.get("x-mock-fault");
      if (fault && !fault.includes("scope=header")) about.append(h("span.chip.warn", `fault: ${fault}`));
      if (!reply.ok) throw new Error(problem(await reply.json(), reply.status));
      await read(reply, (event, data) => {
        if (event === "token") answer.append(h("span.t", data.text));
        if (event === "component_completed") about.replaceChildren(h("span", `${data.display_name} is done`));
        if (event === "error") throw new Error(`${data.code ?? "error"}: ${data.detail ?? data.message}`);
        if (event !== "end") return;
        ended = true;
        const { result, metadata, session_id: id, session_status: status, run_id: run } = data;
        if (!answer.textContent)
          answer.textContent =
            typeof result.output === "string"
              ? result.output
              : "No single output. " + JSON.stringify(result.outputs, null, 2);
        if (keep.checked) session.value = id;
        about.replaceChildren(
          h("a", { href: `#runs/${run}` }, run),
          h("span", span(metadata.duration)),
          h("span", `${metadata.tokens_used ?? 0} tokens`),
          h("span.chip" + (status === "expired" ? ".warn" : ".main"), `session ${status}`),
          h("code", id),
        );
      });
      if (!ended) throw new Error("The stream ended without its end: what is above is not the answer.");
      $("say").textContent = answer.textContent;
    } catch (error) {
      const text = abort.signal.aborted ? "Stopped: the connection was closed." : error.message;
      answer.append(h(".note.bad", text));
      $("say").textContent = text;
    }
    answer.removeAttribute("aria-busy");
    if (document.activeElement === stop) run.focus();
    stop.disabled = true;
  }
  const run = act("Run", go, ".main");
  message.addEventListener(
    "keydown",
    (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && run.click(),
  );
  return h(
    "div",
    field("Message", message),
    h(
      ".row.top",
      { style: "margin:.6rem 0" },
      h(".grow", field("Session", session)),
      h(
        ".row.faint",
        { style: "padding-top:1.7rem" },
        h("label", keep, "continue the session"),
        h(
          "label",
          { title: "Sends the header X-Mock with a drip, so that the tokens can be seen coming" },
          slow,
          "slow motion",
        ),
      ),
    ),
    tweaks.length &&
      h(
        "details.plain",
        { style: "border:0;padding:0 0 .4rem;margin:0" },
        h("summary", "Tweaks for this run"),
        h(
          ".grid",
          tweaks.map((it) => field(`${it.id} · ${it.name}`, it.input)),
        ),
      ),
    h(".row", run, stop, h("span.faint", "Ctrl+Enter runs it")),
    answer,
    about,
  );
}

/** Reads Server-Sent Events. */
async function read(reply, each) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const frames = rest.split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const part = (name) =>
        frame
          .split("\n")
          .find((it) => it.startsWith(name + ": "))
          ?.slice(name.length + 2);
      if (part("data")) each(part("event"), JSON.parse(part("data")));
    }
  }
}

function snippets(id) {
  const texts = {
    Python: `from langflow import Client\n\nclient = Client(base_url="${location.origin}", api_key="your-api-key")\nresult = client.run_flow(flow_id="${id}", input_value="Hello!")\nprint(result.output)`,
    TypeScript: `import { LangflowClient } from 'langflow-client';\n\nconst client = new LangflowClient({ baseUrl: '${location.origin}', apiKey: 'your-api-key' });\nconst result = await client.runFlow({ flowId: '${id}', inputValue: 'Hello!' });\nconsole.log(result.output);`,
    curl: `curl -X POST '${location.origin}${API}/flows/${id}/run' \\\n  -H "Authorization: Bearer $LANGFLOW_API_KEY" \\\n  -H 'content-type: application/json' \\\n  -d '{"input_value": "Hello!"}'`,
  };
  return Object.entries(texts)
    .map(([name, text]) => [h(".row.apart", h("h3", name), copier(text)), pretty(text)])
    .flat();
}

function exporter(flow, at) {
  const shown = h("div");
  const python = () => product("GET", `${at}/export?format=python`, undefined, { text: true });
  return [
    h(
      ".row",
      act("Download JSON", async () =>
        save(
          `${flow.id}.json`,
          await product("GET", `${at}/export?format=json`, undefined, { text: true }),
          "application/json",
        ),
      ),
      act("Download Python", async () =>
        save(`${flow.id.replaceAll("-", "_")}.py`, await python(), "text/x-python"),
      ),
      act(
        "Show Python",
        async () => {
          const text = await python();
          shown.replaceChildren(
            h(".row.apart", h("h3", "Runs without Langflow"), copier(text)),
            pretty(text),
          );
        },
        ".quiet",
      ),
    ),
    shown,
  ];
}

async function settings(at) {
  const now = await look(`${at}/settings`);
  const number = (value) => h("input", { type: "number", min: 1, value: String(value) });
  const session = number(now.session_timeout),
    run = number(now.run_timeout);
  const hook = h("input", {
    type: "url",
    value: now.webhook_url ?? "",
    placeholder: "http://127.0.0.1:9000/hook",
  });
  const events = h(
    "fieldset",
    h("legend", "Events that it gets"),
    EVENTS.map((it) => check(it, it, now.webhook_events.includes(it))),
  );
  return [
    h(".grid", field("Session timeout in seconds", session), field("Run timeout in seconds", run)),
    h("div", { style: "margin:.7rem 0" }, field("Default webhook URL", hook)),
    events,
    h(
      "div",
      { style: "margin-top:.8rem" },
      act(
        "Save",
        async () => {
          await product("PATCH", `${at}/settings`, {
            session_timeout: +session.value,
            run_timeout: +run.value,
            webhook_url: hook.value || null,
            webhook_events: chosen(events),
          });
          tell("Settings saved");
        },
        ".main",
      ),
    ),
  ];
}
