// A workspace's own calls on an open-source server. The first argument is the echo flow's id.
import { LangflowClient } from "langflow-client";

const flowId = process.argv[2];
const client = new LangflowClient();

const { items } = await client.flows.list({ q: "wire echo" });
const made = await client.flows.create({
  name: "portable",
  data: { nodes: [], edges: [] },
});
await client.flows.delete({ flowId: made.id });
const run = await client.runFlow({ flowId, inputValue: "Hello!" });
const messages = [];
for await (const message of client.sessions.listMessages({
  flowId,
  sessionId: run.sessionId,
})) {
  messages.push(message.text);
}
const key = await client.apiKeys.create({
  name: "of a program",
  permissions: ["admin"],
});
await client.apiKeys.revoke({ keyId: key.apiKey.id });
const unsupported = await client.monitoring.getUsage().then(
  () => "answered",
  (error) => error.code,
);
console.log(
  JSON.stringify({
    flows: items.map((flow) => flow.name),
    made: made.name,
    messages,
    key: key.apiKey.name,
    unsupported,
  }),
);
