// What an open-source server offers, from JavaScript. The first argument is the echo flow's id.
import { LangflowClient } from "langflow-client";

const flowId = process.argv[2];
const client = new LangflowClient();
const { langflow } = client;

const { username } = await langflow.users.whoami();
const { name } = await langflow.flows.get({ flowId });
const kept = await langflow.files.upload({
  file: new TextEncoder().encode("of a program"),
  filename: "program.txt",
});
const file = new TextDecoder().decode(
  await langflow.files.download({ fileId: kept.id }),
);
await langflow.files.delete({ fileId: kept.id });
const whole = await langflow.workflows.run({ flowId, inputValue: "Hello!" });
const job = await langflow.workflows.run({
  flowId,
  inputValue: "Hello!",
  mode: "background",
});
let end;
for await (const event of langflow.workflows.follow({ jobId: job.jobId }))
  end = event.event;
const workspace = client.withOptions({ api: "workspace" });
const unsupported = await workspace.langflow.flows.list().then(
  () => "answered",
  (error) => error.code,
);
console.log(
  JSON.stringify({
    user: username,
    flow: name,
    file,
    workflow: whole.output.text,
    end,
    unsupported,
  }),
);
