const NAV = ["flows", "runs", "sessions", "keys", "webhooks", "requests", "faults", "clock", "verdict"];
let current, refresh, again, busy;

function drawClock() {
  const text = iso(now()).slice(0, 19).replace("T", " ");
  $("now").textContent = text;
  $("now").dateTime = iso(now());
  $("mode").textContent = clock.mode === "scaled" ? `× ${clock.rate}` : clock.mode;
  $("mode").className = "chip" + (clock.mode === "real" ? "" : ".main".replace(".", " "));
  if ($("big")) $("big").textContent = text + " UTC";
  bars();
}

async function badges() {
  const [requests, faults, verdict] = await Promise.all([
    peek("/requests?limit=0"),
    peek("/faults"),
    peek("/verdict"),
  ]);
  const put = (id, count, bad) => {
    const badge = document.querySelector(`nav [href="#${id}"] .n`);
    badge.textContent = count || "";
    badge.classList.toggle("bad", !!bad);
  };
  put("requests", requests.total);
  put("faults", faults.items.length, faults.items.length);
  put("verdict", verdict.findings.length, true);
}

/** Draws what the address names; `true`: only brings it up to date. */
async function start(stay) {
  const [id, arg] = location.hash.slice(1).split("/").map(decodeURIComponent);
  const wanted = panels[id] ?? panels.flows;
  try {
    if (stay !== true || !refresh) {
      const mine = (current = {});
      for (const link of document.querySelectorAll("#nav a")) link.toggleAttribute("aria-current", false);
      const link = document.querySelector(`#nav a[href="#${wanted.id}"]`);
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "center" });
      document.title = `${wanted.title} · langflow-mock`;
      const box = h("div", h("h1", wanted.title), h("p.lead", wanted.lead));
      const made = await wanted.draw(box, arg);
      await made();
      if (current !== mine) return;
      refresh = made;
      $("main").replaceChildren(box);
      if (stay !== "first") $("main").focus({ preventScroll: true });
      scrollTo(0, 0);
      bars();
    } else {
      const held = !lost();
      await refresh();
      keep(held);
    }
  } catch (error) {
    tell(error.message, true);
  }
}

/** Something happened: soon, once, everything that is shown is brought up to date. */
function soon() {
  if (again) return;
  again = setTimeout(async () => {
    again = undefined;
    if (busy) return soon();
    busy = true;
    await Promise.allSettled([start(true), badges()]);
    busy = false;
  }, 150);
}

function follow() {
  const feed = new EventSource("/__mock/events");
  feed.onopen = () => {
    $("live").textContent = "live";
    $("live").classList.add("on");
    peek("/clock")
      .then(tick)
      .then(drawClock, () => {});
    soon();
  };
  feed.onerror = () => {
    $("live").textContent = "not connected";
    $("live").classList.remove("on");
  };
  for (const kind of ["request", "response", "fired", "fault", "script", "missed", "delivery"])
    feed.addEventListener(kind, soon);
  feed.addEventListener("clock", (event) => {
    tick(JSON.parse(event.data));
    drawClock();
    soon();
  });
  feed.addEventListener("state", async () => {
    await learnKeys();
    tick(await peek("/clock"));
    whoami();
    if (!location.hash.includes("/")) start();
  });
}

function theme(set) {
  const all = ["auto", "light", "dark"];
  const at = set ?? localStorage.getItem("theme") ?? "auto";
  document.documentElement.dataset.theme = at;
  localStorage.setItem("theme", at);
  $("theme").textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[at];
  $("theme").setAttribute("aria-label", `Colours: ${at}. Change`);
  $("theme").onclick = () => theme(all[(all.indexOf(at) + 1) % 3]);
}

(async () => {
  theme();
  $("nav").append(...NAV.map((id) => h("a", { href: `#${id}` }, panels[id].title, h("span.n"))));
  $("jumps").append(
    ...["1m", "1h", "1d"].map((it) =>
      act("+" + it, () => moveClock({ advance: it }), ".small", {
        "aria-label": `Advance the clock by ${it}`,
      }),
    ),
  );
  $("as").addEventListener("change", () => {
    me.as = $("as").value;
    start(true);
  });
  addEventListener("hashchange", start);
  try {
    await learnKeys();
    tick(await peek("/clock"));
    drawClock();
  } catch (error) {
    tell(error.message, true);
  }
  await start("first");
  whoami();
  follow();
  setInterval(drawClock, 1000);
})();
