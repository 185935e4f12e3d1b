const FAULTS = [
  ["Rate limited", "429 with Retry-After: 2", { kind: "rate_limited", retry_after: 2 }],
  ["Server error", "500 with its problem document", { kind: "status", status: 500 }],
  ["Busy", "503 with Retry-After: 1", { kind: "status", status: 503, retry_after: 1 }],
  [
    "Bad gateway",
    "502 with a page of a proxy",
    { kind: "status", status: 502, body: "<html>Bad Gateway</html>" },
  ],
  ["Late", "The answer comes after 2 s", { kind: "latency", ms: 2000 }],
  ["Reset", "TCP RST before a byte of the answer", { kind: "reset", at: "before_headers" }],
  ["Reset in the stream", "TCP RST after 3 events", { kind: "reset", at: "after_events", events: 3 }],
  ["Closed early", "FIN after 3 events, without the end", { kind: "close", at: "after_events", events: 3 }],
  ["Stalled", "Silence after 3 events", { kind: "stall", at: "after_events", events: 3 }],
  ["Cut short", "A part, ended as if it were all", { kind: "truncate", events: 4 }],
  ["Short body", "10 bytes fewer than announced", { kind: "content_length", missing: 10 }],
  ["No JSON", "The last byte is missing", { kind: "malformed_json" }],
  ["Corrupt event", "Event 2 is not JSON", { kind: "corrupt_event", event: 2 }],
  ["Twice", "Event 2 comes twice", { kind: "duplicate_event", event: 2 }],
  ["Out of order", "Event 2 comes after event 3", { kind: "reorder_events", event: 2 }],
  ["Drip", "200 bytes a second", { kind: "drip", bytes_per_second: 200 }],
  ["Split", "In two, within a character", { kind: "split", at: "character" }],
  ["Outage", "503 for 30 s of the server's clock", { kind: "outage", duration: 30 }],
  ["Delivered twice", "A webhook gets the same id twice", { kind: "delivery_duplicate" }],
  ["Delivered late", "A minute, by the server's clock", { kind: "delivery_late", seconds: 60 }],
  ["Deliveries out of order", "One comes after the next", { kind: "delivery_reorder" }],
  ["Bad signature", "A stranger signed the delivery", { kind: "delivery_bad_signature" }],
  ["Stale delivery", "Signed an hour ago", { kind: "delivery_stale" }],
  ["Unsigned delivery", "webhook-signature is missing", { kind: "delivery_missing_header" }],
];

panel(
  "faults",
  "Faults",
  "Break an answer the way networks and servers do. Armed ones strike the next requests that fit, and are then used up.",
  (box) => {
    const which = h("select", options(["runs only", "any request"], "runs only"));
    const often = h("select", options(["once", "3 times", "always"], "once"));
    const own = h("textarea.mono", {
      value: '{"kind": "latency", "distribution": "lognormal", "ms": 300}',
      spellcheck: false,
      "aria-label": "A fault as JSON",
    });
    const armed = h(".list", { "aria-label": "Armed faults" });
    const arm = async (fault) => {
      const whole = { ...fault };
      if (which.value === "runs only" && !fault.kind?.startsWith("delivery"))
        whole.match = { operation: "runFlow" };
      if (often.value === "always") whole.scope = "rule";
      if (often.value === "3 times") whole.times = 3;
      const made = await control("POST", "/faults", whole);
      tell(`Armed: ${made.kind}`);
    };
    box.append(
      h(
        ".row",
        { style: "margin-bottom:1rem" },
        h("label.faint", "For ", which),
        h("label.faint", "How often ", often),
      ),
      h("section", { "aria-label": "Armed" }, armed),
      h(
        ".grid",
        FAULTS.map(([name, about, fault]) => {
          const button = act("", () => arm(fault), ".fault");
          button.replaceChildren(h("strong", name), h("span", about));
          return button;
        }),
      ),
      h(
        "section.card",
        { style: "margin-top:1rem" },
        h("h2", "Any other"),
        own,
        h(
          ".row",
          { style: "margin-top:.6rem" },
          act("Arm", () => arm(JSON.parse(own.value)), ".main"),
          h("span.faint", "scope, match and times are added by the choices above"),
        ),
      ),
    );
    return async () => {
      const items = (await peek("/faults")).items;
      keyed(
        armed,
        items.length > 1 ? [...items, { id: "all" }] : items,
        (it) => it.id,
        (it) =>
          it.id === "all"
            ? h(
                ".row.apart.small",
                h("span.faint", `${items.length} are armed`),
                act("Disarm all", () => control("DELETE", "/faults").then(() => start(true)), ".danger"),
              )
            : h(
                ".row.apart",
                h(
                  "div",
                  h("strong", it.kind),
                  " ",
                  h("span.chip.warn", it.scope === "armed" ? `${it.left} left` : it.scope),
                  " ",
                  h("span.faint", `struck ${it.hits} ×`),
                  h(
                    "div.faint.mono",
                    Object.entries(it)
                      .filter(([name]) => !["id", "kind", "scope", "left", "hits"].includes(name))
                      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
                      .join(", "),
                  ),
                ),
                act(
                  "Disarm",
                  () => control("DELETE", `/faults/${it.id}`).then(() => start(true)),
                  ".small.danger",
                ),
              ),
      );
    };
  },
);

/** Moves the clock, and says what fell due. */
const fired = [];
async function moveClock(how) {
  const told = await control("POST", "/clock", how);
  tick(told);
  fired.unshift(...[...(told.fired ?? [])].reverse());
  fired.length = Math.min(fired.length, 100);
  drawClock();
  if (told.fired)
    tell(
      told.fired.length
        ? `${told.fired.length} fell due: ${[...new Set(told.fired.map((it) => it.type.replaceAll("_", " ")))].join(", ")}`
        : `It is ${day(told.now)}`,
    );
}

panel(
  "clock",
  "Clock and state",
  "One clock is behind everything: sessions, keys, rate windows, webhook retries. Moving it does what falls due on the way, in order.",
  (box) => {
    const big = h(".big", { id: "big" });
    const by = h("input", { value: "31m", "aria-label": "Span of time", style: "width:7rem" });
    const to = h("input", {
      placeholder: "2027-01-01T00:00:00Z",
      "aria-label": "Moment",
      style: "width:14rem",
    });
    const scale = h("input", {
      type: "number",
      min: 1,
      value: "60",
      "aria-label": "Times as fast",
      style: "width:6rem",
    });
    const seed = h("input", { type: "number", value: "42", "aria-label": "Seed", style: "width:7rem" });
    const name = h("input", { value: "before", "aria-label": "Name of the snapshot", style: "width:9rem" });
    const snaps = h(".row"),
      due = h("ul.steps");
    const part = (...children) => h(".row", { style: "margin-top:.6rem" }, children);
    box.append(
      h(
        "section.card",
        big,
        part(
          ["1m", "10m", "1h", "1d", "7d"].map((it) => act("+" + it, () => moveClock({ advance: it }))),
          by,
          act("Advance", () => moveClock({ advance: by.value })),
        ),
        part(
          act("Freeze", () => moveClock({ freeze: true })),
          act("Resume", () => moveClock({ resume: true })),
          act("Back to real time", () => moveClock({ reset: true })),
        ),
        part(
          scale,
          act("Times as fast", () => moveClock({ scale: +scale.value })),
          to,
          act("Go there", () => moveClock({ set: to.value })),
        ),
      ),
      h("section.card", h("h2", "What fell due"), due),
      h(
        "section.card",
        h("h2", "State"),
        part(
          act("Reset everything", () => control("POST", "/reset", {}), ".danger"),
          h("span.faint", "flows, keys, sessions, requests, faults, clock: as at the start"),
        ),
        part(
          seed,
          act("Begin with this seed", () => control("POST", "/seed", { seed: +seed.value })),
        ),
        part(
          name,
          act("Save snapshot", () =>
            control("POST", `/snapshots/${enc(name.value)}`).then(() => start(true)),
          ),
        ),
        snaps,
      ),
    );
    return async () => {
      drawClock();
      due.replaceChildren(
        ...(fired.length
          ? fired.map((it) =>
              h(
                "li.good",
                it.type.replaceAll("_", " "),
                h("span.faint", ` ${day(it.at)}:${it.at.slice(17, 19)} `),
                h("code.faint", it.session_id ?? it.key_id ?? it.delivery_id ?? it.flow_id ?? ""),
              ),
            )
          : [h("li", "Nothing yet.")]),
      );
      const names = (await peek("/snapshots")).items.map((it) => it.name ?? it);
      keyed(
        snaps,
        names.map((it) => ({ it })),
        ({ it }) => it,
        ({ it }) =>
          h(
            "span.row.small",
            { style: "margin-top:.6rem" },
            h("code", it),
            act("Restore", () => control("POST", `/snapshots/${enc(it)}/restore`)),
            act(
              "Forget",
              () => control("DELETE", `/snapshots/${enc(it)}`).then(() => start(true)),
              ".danger",
            ),
          ),
      );
    };
  },
);

panel(
  "verdict",
  "Verdict",
  "What the clients of this server did wrong, as far as a server can see it.",
  (box) => {
    const pane = h("div"),
      doctor = h("section.card", h("h2", "Flows that others cannot use well"), h("div"));
    box.append(pane, doctor);
    return async () => {
      const [verdict, health] = await Promise.all([peek("/verdict"), peek("/doctor")]);
      pane.replaceChildren(
        h(
          "section.card",
          { style: "text-align:center;padding:1.8rem" },
          h(
            ".big",
            { style: `color:var(--${verdict.ok ? "good" : "bad"})` },
            verdict.ok
              ? "✓ Nothing to blame"
              : `${verdict.findings.length} finding${verdict.findings.length === 1 ? "" : "s"}`,
          ),
          h("p.soft", `${verdict.requests} requests were looked at`),
          copier(() => JSON.stringify(verdict, null, 2), "Copy as JSON"),
        ),
        ...verdict.findings.map((it) =>
          h(
            "section.card",
            h(".row", h("span.chip.bad", it.code), h("strong", it.message)),
            h("p.soft", it.meaning),
            h(
              ".row.faint",
              "Requests ",
              it.requests.map((id) => h("a", { href: `#requests/${id}` }, `#${id}`)),
            ),
          ),
        ),
      );
      doctor.lastChild.replaceChildren(
        ...(health.warnings.length
          ? health.warnings.map((it) =>
              h("p", h("strong", it.flow), ` ${it.message} `, h("code.faint", it.code)),
            )
          : [h("p.soft", "None: every flow has a description and documented inputs.")]),
      );
    };
  },
);
