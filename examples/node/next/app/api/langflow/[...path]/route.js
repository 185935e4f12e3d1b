// A route of Next.js for pages that run flows: the key stays on the server, in LANGFLOW_API_KEY, and
// answers pass as they come.
//
// A page then needs no key:
//     const client = new LangflowClient({ baseUrl: "/api/langflow" });
import { createProxyHandler } from "langflow-client";

let handler;
// Made with the first request, since a build has no key.
const pass = (request) =>
  (handler ??= createProxyHandler({ path: "/api/langflow" }))(request);

export { pass as GET, pass as POST };
