// Prints the answer of a flow while it is being written.
//
//     node stream.mjs FLOW_ID
import { LangflowClient } from "langflow-client";

const client = new LangflowClient();
const stream = client.streamFlow({
  flowId: process.argv[2],
  inputValue: "Hello, how are you?",
});

for await (const event of stream) {
  if (event.type === "token") process.stdout.write(event.text);
  if (event.type === "end")
    console.log(`\n(${event.result.metadata.tokensUsed} tokens)`);
}
