const tone = {
  completed: "good",
  succeeded: "good",
  delivered: "good",
  active: "good",
  failed: "bad",
  cancelled: "warn",
  expired: "warn",
  revoked: "bad",
  running: "main",
  pending: "main",
  complete: "good",
  cut: "bad",
  client_closed: "warn",
  open: "main",
};
const chip = (text) => h("span.chip" + (tone[text] ? "." + tone[text] : ""), text.replaceAll("_", " "));

panel("runs", "Runs", "What was run, newest first, and what each component did.", (box, arg) => {
  const list = h(".list.runs");
  box.append(list);
  let opened = arg;
  return async () => {
    const [{ items: runs }, broken] = await Promise.all([
      look("/runs?size=50"),
      peek("/requests?fault=*&limit=200"),
    ]);
    keyed(
      list,
      runs.map((it) => ({ ...it, fault: broken.items.find(({ run_id: id }) => id === it.id)?.fault })),
      (it) => it.id,
      (run) =>
        fold(
          [
            h("span", chip(run.status), " ", run.fault && h("span.chip.warn", run.fault)),
            h("code.cut", run.flow_id),
            h("span.cut", run.input_value ?? ""),
            h("span.num", run.metadata?.tokens_used != null ? `${run.metadata.tokens_used} tok` : ""),
            h("span.num", run.metadata ? span(run.metadata.duration) : ""),
            h("span.num", hour(run.created_at)),
          ],
          () => runBody(run),
          ".body",
        ),
      "Nothing has run yet.",
    );
    if (opened) {
      const node = [...list.children].find((it) => it.dataset.key === opened);
      if (node) {
        node.open = true;
        node.scrollIntoView({ block: "nearest" });
        node.querySelector("summary").focus();
      }
      opened = undefined;
    }
  };
});

/** The words of a run while they are said. */
function live(id) {
  const said = h(".answer", { role: "region", "aria-label": "What it says", "aria-busy": "true" });
  const path = "/look?path=" + enc(`/runs/${id}/events`);
  control("GET", path, undefined, { silent: true, raw: true })
    .then((reply) => read(reply, (event, data) => event === "token" && said.append(h("span.t", data.text))))
    .then(soon, soon);
  return said;
}

async function runBody({ id, fault }) {
  const run = await look(`/runs/${id}`);
  const longest = Math.max(...(run.components ?? []).map((it) => it.duration ?? 0), 1e-9);
  return [
    facts({
      Run: h("code", id),
      Session: run.session_id && h("code", `${run.session_id} (${run.session_status})`),
      Key: h("code", run.key_id),
      Input: run.input_value,
      Output: typeof run.result?.output === "string" ? run.result.output : run.result && pretty(run.result),
      Fault: fault && h("code", `${fault} struck its answer`),
      Error: run.error && h("span.note.bad", `${run.error.code}: ${run.error.message}`),
    }),
    Object.keys(run.tweaks ?? {}).length ? [h("h3", "Tweaks"), pretty(run.tweaks)] : "",
    run.components?.length && [
      h("h3", "Components"),
      h(
        ".list",
        run.components.map((it) =>
          fold(
            [
              h(
                ".row.apart",
                h("span", it.display_name ?? it.component_id),
                h("span.num", span(it.duration ?? 0)),
              ),
              h(".ttl", h("i", { style: `width:${Math.max(2, ((it.duration ?? 0) / longest) * 100)}%` })),
            ],
            () => pretty(it),
            ".body",
          ),
        ),
      ),
    ],
    run.status === "running" && [h("h3", "What it says"), live(id)],
    run.status === "running" && act("Cancel", () => product("POST", `/runs/${id}/cancel`), ".danger"),
  ].flat();
}

panel(
  "sessions",
  "Sessions",
  "What the flows remember, until nothing is said for the time that a flow allows.",
  (box) => {
    const groups = h("div");
    box.append(groups);
    return async () => {
      const all = await Promise.all(
        (await flows()).map(async (flow) => ({
          flow: flow.id,
          name: flow.name,
          items: (await look(`/flows/${enc(flow.id)}/sessions?size=100`)).items,
        })),
      );
      keyed(
        groups,
        all.filter((it) => it.items.length),
        (it) => it.flow,
        (group) =>
          h(
            "section",
            h(
              ".row.apart.small",
              h("h2", group.name),
              act(
                "Clear all",
                () => product("DELETE", `/flows/${enc(group.flow)}/sessions`),
                ".quiet.danger",
              ),
            ),
            h(
              ".list",
              { style: "margin-top:.5rem" },
              group.items.map((it) => session(group.flow, it)),
            ),
          ),
        "No session is open. Run a flow, and one begins.",
      );
      bars();
    };
  },
);

function session(flow, it) {
  const at = `/flows/${enc(flow)}/sessions/${enc(it.id)}`;
  const messages = fold(h("span.faint", `${it.message_count} messages`), async () => {
    const found = (await look(`${at}/messages?size=100`)).items;
    return found.map((one) => h("p", h("span.chip", one.role), " ", one.text));
  });
  return h(
    "div",
    h(
      ".row.apart",
      h("code", it.id),
      h(
        ".row.small",
        act("Let it expire", async () => {
          const left = (Date.parse(it.expires_at) - now()) / 1000 + 1;
          await moveClock({ advance: Math.max(1, Math.ceil(left)) });
        }),
        act("Clear", () => product("DELETE", at), ".danger"),
      ),
    ),
    h(
      ".ttl",
      {
        role: "meter",
        "aria-label": "time to live",
        "aria-valuemin": "0",
        "data-from": it.last_active_at,
        "data-until": it.expires_at,
      },
      h("i"),
    ),
    h(".row.apart", h("span.faint.left"), messages),
  );
}

/** Moves the bars with the clock of the server. */
function bars() {
  for (const bar of document.querySelectorAll("[data-until]")) {
    const from = Date.parse(bar.dataset.from),
      until = Date.parse(bar.dataset.until);
    const left = Math.max(0, until - now());
    const share = left / (until - from || 1);
    bar.firstChild.style.width = `${Math.min(100, share * 100)}%`;
    bar.classList.toggle("low", share < 0.2);
    bar.setAttribute("aria-valuemax", Math.round((until - from) / 1000));
    bar.setAttribute("aria-valuenow", Math.round(left / 1000));
    bar.nextSibling.firstChild.textContent = left ? `${span(left / 1000)} left` : "over";
  }
}

panel(
  "requests",
  "Requests",
  "Everything that came, what it was taken for, and what became of it. What this page only looks at is not in it.",
  (box, arg) => {
    const list = h(".list.reqs");
    const search = h("input", {
      type: "search",
      placeholder: "Filter: runFlow, 429, POST, a path…",
      "aria-label": "Filter the requests",
    });
    let all = [],
      opened = arg;
    const draw = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = all.filter((it) =>
        words.every((word) =>
          `${it.method} ${it.target} ${it.operation} ${it.status} ${it.ending} ${it.fault}`
            .toLowerCase()
            .includes(word),
        ),
      );
      keyed(
        list,
        found,
        (it) => it.id,
        (it) =>
          fold(
            [
              h("span.num", `${it.id}`),
              h("code", it.method),
              h("code.cut", it.target),
              h(
                "span",
                it.fault && h("span.chip.warn", it.fault),
                " ",
                it.status ? h("span.chip." + (it.status < 400 ? "good" : "bad"), String(it.status)) : "",
                " ",
                it.ending !== "complete" ? chip(it.ending) : "",
              ),
              h("span.num", it.duration != null ? span(it.duration) : ""),
              h("span.num", hour(it.at)),
            ],
            () => requestBody(it),
            ".body",
          ),
        all.length ? "None of them fits." : "No request yet.",
      );
      const node = opened && [...list.children].find((it) => it.dataset.key === opened);
      if (node) {
        node.open = true;
        node.scrollIntoView({ block: "center" });
        node.querySelector("summary").focus({ preventScroll: true });
        opened = undefined;
      }
    };
    search.addEventListener("input", draw);
    box.append(
      h(
        ".row",
        { style: "margin-bottom:.9rem" },
        h(".grow", search),
        act("Forget all", () => control("DELETE", "/requests").then(() => start(true))),
      ),
      list,
    );
    return async () => {
      all = (await peek("/requests?limit=200")).items.reverse();
      draw();
    };
  },
);

/** A test of pytest that asks for the same request. */
function asTest(match) {
  const asked = Object.entries({ ...match, count: 1 }).filter(([, it]) => it !== undefined);
  const list = asked.map(([name, it]) => `${name}=${JSON.stringify(it)}`).join(", ");
  return `def test_it(langflow_mock, langflow_client):\n    ...  # what is tested, with langflow_client\n    langflow_mock.verify(${list})\n`;
}

async function requestBody({ id, epoch }) {
  const found = await peek(`/requests?whole=true&since=${id - 1}&epoch=${epoch}&limit=1000`);
  const it = found.items.find((one) => one.id === id);
  if (!it) throw new Error("The journal has forgotten this request.");
  const made = {
    method: it.method,
    path: it.target,
    text: it.body.text,
    headers: Object.fromEntries(
      Object.entries(it.headers).filter(
        ([name]) => !/^(host|content-length|connection|user-agent|accept-|sec-|origin|referer)/.test(name),
      ),
    ),
  };
  const fault = it.answer_headers["x-mock-fault"] ?? it.fault;
  const match = {
    operation: it.operation ?? undefined,
    method: it.operation ? undefined : it.method,
    path: it.operation ? undefined : it.target.split("?")[0],
    flow_id: it.flow_id ?? undefined,
    session_id: it.session_id ?? undefined,
  };
  return [
    h(
      ".row.small",
      copier(curl(made), "Copy as curl", ""),
      copier(JSON.stringify({ match, count: 1 }, null, 2), "Copy as check", ""),
      copier(asTest(match), "Copy as test", ""),
    ),
    facts({
      Why: it.operation
        ? [
            h("code", it.operation),
            ` is what ${it.method} ${it.target.split("?")[0].replace(it.flow_id ?? "\0", "{flow_id}")} stands for`,
          ]
        : "Nothing stands at this path.",
      Flow: it.flow_id,
      Session: it.session_id,
      Key: it.key_id ?? "none that is known",
      Fault: fault && h("code", fault),
      Ending: chip(it.ending),
      "Request id": h("code", it.request_id),
      Connection: it.connection,
      Arrived: day(it.at) + ":" + it.at.slice(17, 23),
    }),
    h("h3", "Request"),
    pretty(
      Object.entries(it.headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n") + (it.body.text ? "\n\n" + it.body.text : ""),
    ),
    h("h3", "Answer"),
    pretty(
      `${it.status ?? "none"}\n` +
        Object.entries(it.answer_headers)
          .map(([name, value]) => `${name}: ${value}`)
          .join("\n") +
        "\n\n" +
        it.answer.text,
    ),
  ];
}
