// A server for pages that run flows: the key stays here, answers pass as they come.
//
//     npm install express langflow-client
//     LANGFLOW_URL=... LANGFLOW_API_KEY=... node server.mjs
//
// A page of this server then needs no key:
//     const client = new LangflowClient({ baseUrl: "/api/langflow" });
import express from "express";
import { createProxyHandler, toNodeListener } from "langflow-client";

const app = express();
const proxy = createProxyHandler({
  path: "/api/langflow",
  // Who may call is this server's to say; here, whoever may see its pages.
  authorize: (request) => request.headers.get("accept") !== null,
});
// Before any parser of bodies: what a page sends is passed on as it is.
app.use("/api/langflow", toNodeListener(proxy));

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
