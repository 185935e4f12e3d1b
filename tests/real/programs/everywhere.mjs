// What a program does on every kind of server. The arguments are the id of a flow that answers with its
// input, that of one that answers with its file, and the file; where the server is and what it takes
// stands in the environment.
import { LangflowClient } from "langflow-client";

const [flowId, reader, path] = process.argv.slice(2);
const client = new LangflowClient();

const run = await client.runFlow({ flowId, inputValue: "a" });
let stream = "";
for await (const event of client.streamFlow({ flowId, inputValue: "b" })) {
  if (event.type === "token") stream += event.text;
}
const session = client.session(flowId);
const first = await session.run("c");
const second = await session.run("d");
let job;
try {
  const { id } = await client.runFlow({
    flowId,
    inputValue: "e",
    background: true,
  });
  job = (await client.job(id).wait()).output;
} catch (error) {
  job = error.code;
}
let file;
try {
  const run = await client.runFlow({
    flowId: reader,
    inputValue: "f",
    files: [path],
  });
  file = run.output;
} catch (error) {
  file = error.code;
}
console.log(
  JSON.stringify({
    run: run.output,
    stream,
    session: [first.output, second.output],
    same:
      typeof first.sessionId === "string" &&
      first.sessionId === second.sessionId,
    job,
    file,
  }),
);
