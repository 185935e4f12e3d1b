// What the types promise; it is enough that this compiles under every strict option.
import { createReadStream } from 'node:fs';
import {
  type Alert,
  type CallPromise,
  createProxyHandler,
  type FileInput,
  type SavedFile,
  type Tweaks,
  type FlowSession,
  type WebhookEvent,
  webhooks,
  type Flow,
  type FlowEvent,
  type FlowFile,
  FlowStream,
  LangflowClient,
  LangflowError,
  NotFound,
  type Page,
  type RunResult,
  StatusError,
} from 'langflow-client';
import { type ChatMessage, type RunStatus, useChat, useFlow } from 'langflow-client/react';
import { MockServer } from 'langflow-client/testing';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

declare const client: LangflowClient;
declare const maybe: string | undefined;

// Arguments may be undefined where they may be missing.
const result = await client.runFlow({ flowId: 'f', inputValue: 'x', sessionId: maybe });
same<typeof result, RunResult>(true);
same<typeof result.text, string>(true);
same<typeof result.metadata.duration, number | null>(true);
await client.runFlow({ flowId: 'f', inputValue: 'x', sessionId: result.sessionId });

// Events are told apart by their type.
const stream = client.streamFlow({ flowId: 'f', inputValue: 'x' }, { timeout: 5000 });
same<typeof stream, FlowStream>(true);
for await (const event of stream) {
  same<typeof event, FlowEvent>(true);
  switch (event.type) {
    case 'token':
      same<typeof event.text, string>(true);
      break;
    case 'component_completed':
      same<typeof event.componentId, string>(true);
      break;
    case 'end':
      same<typeof event.result, RunResult>(true);
      break;
    default:
      break;
  }
}
for await (const piece of stream.textStream) same<typeof piece, string>(true);
{
  await using scoped = client.streamFlow({ flowId: 'f', inputValue: 'x' });
  await scoped.finalResult();
}

// Lists are pages and sequences.
const page = await client.flows.list({ page: 2 });
for await (const flow of client.flows.list()) same<typeof flow.name, string>(true);
for await (const flow of page) same<typeof flow.id, string>(true);
const all: Page<{ readonly id: string }> = page;

// Answers are typed; a flow that is exported is JSON or the text of a program.
const flow: Flow = await client.flows.get({ flowId: 'f' });
const exported: FlowFile | string = await client.flows.export({ flowId: 'f' });
const gone: void = await client.flows.delete({ flowId: 'f' });
const metrics: string = await client.monitoring.getMetrics();
await client.flows.import({ body: new Uint8Array(), contentType: 'application/zip' });

// A file is bytes, a Blob, a stream or a path; a call can be saved or looked into.
const blob = new Blob([]);
for (const body of [blob, blob.stream(), { path: 'x.zip' }, { content: blob, filename: 'x' }]) {
  await client.flows.import({ body: body satisfies FileInput });
}
const form: FileInput = createReadStream('x');
await client.langflow.files.upload({ file: form, filename: 'x' });
// @ts-expect-error a name is no file
await client.langflow.files.upload({ file: 'x' });
const call: CallPromise<Flow> = client.flows.get({ flowId: 'f' });
same<Awaited<typeof call>, Flow>(true);
same<Awaited<ReturnType<typeof call.withResponse>>['data'], Flow>(true);
const promise: Promise<Flow> = call;
const saved: SavedFile = await client.flows.export({ flowId: 'f' }).saveTo('x');
for await (const alert of client.watch({ errorRate: 0.1 })) same<typeof alert, Alert>(true);
const checked: Tweaks = await client.checkTweaks('f', { OpenAI: { temperature: 1 } });
void [promise, saved, checked];

// Mistakes do not compile.
// @ts-expect-error the flow's id is missing
await client.runFlow({ inputValue: 'x' });
// @ts-expect-error nobody knows this argument
await client.runFlow({ flowId: 'f', inputValue: 'x', tweak: {} });
// @ts-expect-error a tweak is an object
await client.runFlow({ flowId: 'f', inputValue: 'x', tweaks: { A: 1 } });
// @ts-expect-error the id is missing
await client.flows.get({});
// @ts-expect-error nobody knows this setting
new LangflowClient({ url: 'x' });

try {
  await client.flows.get({ flowId: 'f' });
} catch (error) {
  if (error instanceof NotFound) same<typeof error.status, number | undefined>(true);
  if (error instanceof StatusError && error instanceof LangflowError) {
    const { code, hint, mayHaveExecuted, errors } = error;
    const first: string | undefined = errors?.[0]?.field;
    void [code satisfies string, hint satisfies string, mayHaveExecuted satisfies boolean, first];
  }
}

const server: MockServer = await MockServer.start({ tokenDelay: 5 });
void [flow, exported, gone, metrics, all, server.url satisfies string];

// Many runs, sessions and webhooks.
const session: FlowSession = client.session('f', maybe);
same<Awaited<ReturnType<typeof session.run>>, RunResult>(true);
for await (const outcome of client.runMany([{ flowId: 'f', inputValue: 'x' }])) {
  if (outcome.error !== undefined) same<typeof outcome.error, LangflowError>(true);
  else same<typeof outcome.result, RunResult>(true);
}
declare const request: Request;
const event: WebhookEvent = await webhooks.verify(request, { secret: 's' });
const handler: (request: Request) => Promise<Response> = createProxyHandler({ path: '/x' });
const [first, second]: [FlowStream, FlowStream] = stream.tee();
const bytes: ReadableStream<Uint8Array> = first.toReadableStream();
void [event, handler, second, bytes];

// Hooks.
const flowHook = useFlow({ client, flowId: 'f', tweaks: { A: { k: 1 } } });
same<typeof flowHook.status, RunStatus>(true);
same<typeof flowHook.error, LangflowError | undefined>(true);
same<Awaited<ReturnType<typeof flowHook.run>>, RunResult | undefined>(true);
const chat = useChat({ client: () => client, flowId: 'f', sessionId: maybe });
same<(typeof chat.messages)[number], ChatMessage>(true);
// @ts-expect-error a flow's id is missing
useChat({ client });
