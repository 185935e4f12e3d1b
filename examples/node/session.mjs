// Two runs in one session: the flow remembers what it was told.
//
//     node session.mjs FLOW_ID
import { LangflowClient } from "langflow-client";

const client = new LangflowClient();
const flowId = process.argv[2];

const first = await client.runFlow({ flowId, inputValue: "My name is Alice" });
console.log(first.output);

const second = await client.runFlow({
  flowId,
  inputValue: "What is my name?",
  sessionId: first.sessionId,
});
console.log(second.output);
