// Leaving a run, in each of the ways to, as the server sees it: by its journal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LangflowClient } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';

const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
const token = async (stream) => {
  for (;;) if ((await stream.next()).value?.type === 'token') return;
};

const WAYS = {
  'the loop is left': async (client) => {
    for await (const event of client.streamFlow(flow)) if (event.type === 'token') break;
  },
  'the loop throws': async (client) => {
    const fail = async () => {
      for await (const text of client.streamFlow(flow).textStream) throw new Error(text);
    };
    await assert.rejects(fail);
  },
  'the stream is closed': async (client) => {
    const stream = client.streamFlow(flow);
    await token(stream);
    stream.close();
  },
  'the stream is disposed of': async (client) => {
    const stream = client.streamFlow(flow);
    await token(stream);
    await stream[Symbol.asyncDispose]();
  },
  'the signal of a stream fires': async (client) => {
    const controller = new AbortController();
    const stream = client.streamFlow(flow, { signal: controller.signal });
    await token(stream);
    controller.abort();
    await assert.rejects(stream.next());
  },
  'the signal of a run fires': async (client) => {
    await assert.rejects(client.runFlow(flow, { signal: AbortSignal.timeout(150) }));
  },
  'the bytes are cancelled': async (client) => {
    const reader = client.streamFlow(flow).toReadableStream().getReader();
    await reader.read();
    await reader.cancel();
  },
  'both halves are closed': async (client) => {
    const halves = client.streamFlow(flow).tee();
    await token(halves[0]);
    for (const half of halves) half.close();
  },
};

for (const [what, leave] of Object.entries(WAYS)) {
  test(`${what}: the connection closes at once`, async () => {
    // Slow enough that the whole answer would take a second.
    const mock = await MockServer.start({ tokenDelay: 100 });
    try {
      await leave(new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey }));
      let found;
      const until = Date.now() + 2000;
      do {
        await new Promise((wake) => setTimeout(wake, 10));
        found = (await (await fetch(`${mock.url}/__mock/requests`)).json()).items[0];
      } while (found.ending === 'open' && Date.now() < until);
      assert.equal(found.ending, 'client_closed');
      assert.ok(found.duration < 0.6, `it was closed after ${found.duration} s`);
    } finally {
      await mock.stop();
    }
  });
}
