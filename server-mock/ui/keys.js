const RIGHTS = ["read", "execute", "write", "admin"];

panel(
  "keys",
  "API keys",
  "What each key may do. Admin implies the rest. “Try as” makes one call of each kind with a key, and from then on this page calls with it.",
  (box) => {
    const name = h("input", { placeholder: "ci-pipeline", required: true });
    const rights = h(
      "fieldset",
      h("legend", "It may"),
      RIGHTS.map((it) => check(it, it, it === "execute")),
    );
    const days = h("input", { type: "number", min: 1, placeholder: "never" });
    const make = form(
      async () => {
        const asked = { name: name.value, permissions: chosen(rights) };
        if (days.value) asked.expires_at = iso(now() + days.value * 86400e3);
        const made = await product("POST", "/api-keys", asked);
        reveal(made.api_key.name, made.key);
        name.value = "";
      },
      h("h2", "Create a key"),
      h(".row", h(".grow", field("Name", name)), h(".grow", field("Expires after days", days))),
      h(
        ".row.apart",
        { style: "margin-top:.7rem" },
        rights,
        h("button.main", { type: "submit" }, "Create key"),
      ),
    );
    const rows = h("tbody");
    const tried = h("div", { role: "region", "aria-label": "What the key may do" });
    box.append(
      make,
      tried,
      h(
        ".list.scroll.keys",
        { tabIndex: 0, role: "region", "aria-label": "Keys" },
        h(
          "table",
          h(
            "thead",
            h(
              "tr",
              h("th", { scope: "col" }, "Key"),
              RIGHTS.map((it) => h("th.tick", { scope: "col" }, it[0].toUpperCase() + it.slice(1))),
              h("th", { scope: "col" }, "State"),
              h("th", { scope: "col" }, h("span.unseen", "Actions")),
            ),
          ),
          rows,
        ),
      ),
    );
    return async () => {
      const keys = (await look("/api-keys?size=100")).items;
      const flow = (await look("/flows?size=1")).items[0]?.id;
      keyed(
        rows,
        keys.map((it) => ({
          ...it,
          last_used_at: undefined,
          known: it.name in me.keys,
          used: me.as === it.name,
        })),
        (it) => it.id,
        (it) =>
          h(
            "tr",
            h(
              "td",
              h("strong", it.name),
              " ",
              it.used && h("span.chip.main", "in use"),
              h("div.faint.mono", `${it.prefix}…`),
            ),
            RIGHTS.map((right) => {
              const own = it.permissions.includes(right),
                may = own || it.permissions.includes("admin");
              return h(
                "td.tick",
                { "data-right": right, "aria-label": `${right}: ${own ? "yes" : may ? "by admin" : "no"}` },
                own ? h("b", "✓") : h("span.faint", may ? "(✓)" : "·"),
              );
            }),
            h(
              "td.state",
              chip(it.status),
              it.expires_at && h("div.faint", `until ${day(it.expires_at)}`),
              it.previous_expires_at && h("div.faint", `old one until ${hour(it.previous_expires_at)}`),
            ),
            h(
              "td",
              h(
                ".row.small",
                { style: "justify-content:end;flex-wrap:nowrap" },
                act("Try as", () => tryAs(it, flow, tried), "", {
                  disabled: !it.known,
                  title: it.known ? "" : "Its secret was shown once, elsewhere",
                }),
                act("Rotate", async () => {
                  const made = await product("POST", `/api-keys/${it.id}/rotate`, { grace_period: 3600 });
                  reveal(it.name, made.key, " The old one is good for an hour more.");
                }),
                act("Revoke", () => product("DELETE", `/api-keys/${it.id}`), ".danger"),
              ),
            ),
          ),
      );
    };
  },
);

function reveal(name, key, more = "") {
  me.keys[name] = key;
  whoami();
  once(
    `The key “${name}”`,
    key,
    `Copy it now: it is shown once.${more}`,
    "It is stored hashed: nobody can read it again.",
  );
}

/** One harmless call of each kind; whether it is let in is the answer. */
async function tryAs(key, flow, box) {
  const probes = [
    ["read", "view flows", "GET", "/flows?size=1"],
    ["execute", "run a flow", "POST", `/flows/${flow}/run`, { input_value: "Hello!" }],
    ["write", "change a flow", "PATCH", `/flows/${flow}/settings`, {}],
    ["admin", "manage keys", "GET", "/api-keys?size=1"],
  ];
  me.as = key.name;
  whoami();
  const rows = [];
  for (const [right, what, method, path, body] of probes) {
    const answer = await product(method, path, body, { raw: true });
    const data = answer.ok ? {} : await answer.json();
    rows.push(
      h(
        "li." + (answer.ok ? "good" : "bad"),
        h("strong", right),
        ` ${what}: `,
        h("span.chip." + (answer.ok ? "good" : "bad"), String(answer.status)),
        h("div.faint", data.detail ?? ""),
      ),
    );
  }
  box.replaceChildren(
    h(
      "section.card",
      h(
        ".row.apart",
        h("h2", `As “${key.name}”`),
        act("Close", () => box.replaceChildren(), ".quiet"),
      ),
      h("ul.steps", rows),
    ),
  );
  tell(`Tried as ${key.name}`);
}

/** The choice of keys that this page can call with. */
function whoami() {
  if (!(me.as in me.keys)) me.as = Object.keys(me.keys)[0] ?? "nobody";
  $("as").replaceChildren(...options(me.auth ? Object.keys(me.keys) : ["nobody"], me.as));
  start(true);
}
async function learnKeys() {
  const told = await peek("/keys");
  me.auth = told.auth;
  me.keys = {
    ...told.keys,
    ...Object.fromEntries(Object.entries(me.keys).filter(([name]) => !(name in told.keys))),
  };
  if (told.keys.admin && me.as !== "admin" && !(me.as in me.keys)) me.as = "admin";
}
