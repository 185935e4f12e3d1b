// The documented five lines.
//
// Needs LANGFLOW_URL and LANGFLOW_API_KEY in the environment, and the id of a flow:
//     node quickstart.mjs FLOW_ID
import { LangflowClient } from "langflow-client";

const client = new LangflowClient({
  baseUrl: process.env.LANGFLOW_URL,
  apiKey: process.env.LANGFLOW_API_KEY,
});
const result = await client.runFlow({
  flowId: process.argv[2],
  inputValue: "Hello!",
});
console.log(result.output);
