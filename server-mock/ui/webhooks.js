const KEPT = "The server keeps it to sign with, and shows it no more.";

panel(
  "webhooks",
  "Webhooks",
  "Who is told what, and how each delivery went. They are signed by the Standard Webhooks scheme and lead to this machine only.",
  (box) => {
    const flow = h("select", { "aria-label": "Flow of the webhook" });
    const url = h("input", { type: "url", required: true, placeholder: "http://127.0.0.1:9000/hook" });
    const events = h(
      "fieldset",
      h("legend", "Events"),
      EVENTS.map((it) => check(it, it, it === "flow_completed")),
    );
    const list = h("div");
    box.append(
      form(
        async () => {
          const made = await product("POST", `/flows/${enc(flow.value)}/webhooks`, {
            url: url.value,
            events: chosen(events),
          });
          once("The signing secret", made.secret, "The receiver checks signatures with it.", KEPT);
          url.value = "";
        },
        h("h2", "Create a webhook"),
        h(".row", h(".grow", field("Flow", flow)), h("div", { style: "flex:3 1 16rem" }, field("URL", url))),
        h(
          ".row.apart",
          { style: "margin-top:.7rem" },
          events,
          h("button.main", { type: "submit" }, "Create webhook"),
        ),
      ),
      list,
    );
    return async () => {
      const all = await flows();
      if (flow.length !== all.length)
        flow.replaceChildren(...all.map((it) => h("option", { value: it.id }, it.name)));
      const hooks = (
        await Promise.all(all.map(async (it) => (await look(`/flows/${enc(it.id)}/webhooks?size=100`)).items))
      ).flat();
      keyed(
        list,
        await Promise.all(
          hooks.map(async (it) => ({
            ...it,
            deliveries: (await look(`/webhooks/${it.id}/deliveries?size=20`)).items,
          })),
        ),
        (it) => it.id,
        hook,
        "No webhook yet.",
      );
    };
  },
);

function hook(it) {
  const at = `/webhooks/${it.id}`;
  const event = h("select", { "aria-label": "Event to send" }, options(EVENTS, "flow_completed"));
  const deliveries = h(".list");
  keyed(
    deliveries,
    it.deliveries,
    (one) => one.id,
    (one) =>
      fold(
        [
          h(
            ".row.apart",
            h("span", chip(one.status), " ", one.event, one.test && h("span.faint", " (test)")),
            h(
              "span.num",
              `${one.attempts.length} attempt${one.attempts.length === 1 ? "" : "s"} · ${hour(one.created_at)}`,
            ),
          ),
        ],
        () => delivery(at, one),
        ".body",
      ),
  );
  return h(
    "section.card",
    h(
      ".row.apart.top",
      h(
        "div",
        h("h2.mono", it.url),
        h(
          ".row",
          { style: "margin:.4rem 0" },
          h("code.faint", it.flow_id),
          it.events.map((one) => h("span.chip", one)),
          it.is_default && h("span.chip.main", "default"),
          it.enabled
            ? h("span.chip.good", "enabled")
            : h("span.chip.warn", `off: ${it.disabled_reason ?? "by hand"}`),
        ),
      ),
      h(
        ".row.small",
        event,
        act("Send", async () => {
          await product("POST", `${at}/test`, { event: event.value });
          tell(`${event.value} was sent`);
        }),
        act(it.enabled ? "Disable" : "Enable", () => product("PATCH", at, { enabled: !it.enabled })),
        act("Rotate secret", async () =>
          once(
            "The new signing secret",
            (await product("POST", `${at}/rotate-secret`, {})).secret,
            "For a day both secrets sign.",
            KEPT,
          ),
        ),
        act("Delete", () => product("DELETE", at), ".danger"),
      ),
    ),
    it.deliveries.length ? deliveries : h("p.faint", "Nothing was sent to it yet."),
  );
}

function delivery(at, one) {
  const text = JSON.stringify(one.payload);
  return [
    h(
      "ul.steps",
      one.attempts.map((it) =>
        h(
          "li." + (it.status_code >= 200 && it.status_code < 300 ? "good" : "bad"),
          h("strong", `Attempt ${it.number}`),
          " ",
          it.status_code ? h("code", String(it.status_code)) : it.error,
          h("span.faint", ` · ${it.trigger} · ${hour(it.started_at)} · ${span(it.duration ?? 0)}`),
          it.response_body && h("div.faint.mono", it.response_body.slice(0, 200)),
        ),
      ),
      one.next_attempt_at && h("li", `Next attempt ${hour(one.next_attempt_at)} by the server's clock`),
    ),
    h(
      ".row.small",
      act("Deliver again", () => product("POST", `${at}/deliveries/${one.id}/redeliver`)),
      one.next_attempt_at &&
        act("Go to the next attempt", async () =>
          moveClock({ advance: Math.max(1, Math.ceil((Date.parse(one.next_attempt_at) - now()) / 1000)) }),
        ),
    ),
    h("h3", "Payload"),
    pretty(one.payload),
    h("h3", "What is signed"),
    pretty(`${one.message_id}.{webhook-timestamp}.${text}`),
  ];
}
