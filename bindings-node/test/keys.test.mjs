// Keys that a function gives, in both engines: this file runs once in each.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  Cancelled,
  createProxyHandler,
  InvalidInput,
  LangflowClient,
  TotalTimeout,
} from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { failure, rawServer, response } from './support.mjs';

const run = { flowId: 'echo', inputValue: 'hello' };
let mock;

before(async () => {
  mock = await MockServer.start({ seed: 42 });
});
after(() => mock.stop());

/** A client that asks for its key, and how often it did. */
function keyed(apiKey, options = {}) {
  return new LangflowClient({ baseUrl: mock.url, apiKey, ...options });
}

test('a key is asked for before each call, by every kind of call', async () => {
  let asked = 0;
  const client = keyed(async () => {
    asked += 1;
    return mock.apiKey;
  });
  const kinds = {
    run: () => client.runFlow(run),
    stream: () => client.streamFlow(run).finalResult(),
    many: () => client.runMany([run, run]).all(),
    call: () => client.flows.get({ flowId: 'echo' }),
    request: () => client.request({ method: 'GET', path: '/langflow/api/v1/flows' }),
    job: () => client.runFlow({ ...run, background: true }),
    tweaks: () => client.checkTweaks('echo', {}),
    upload: async () => {
      const file = new Blob([
        JSON.stringify(await keyed(mock.apiKey).flows.export({ flowId: 'echo' })),
      ]);
      return client.flows.import({ body: file, onConflict: 'new_id' });
    },
    view: () => client.withOptions({ timeout: 5000 }).runFlow(run),
  };
  for (const [kind, call] of Object.entries(kinds)) {
    asked = 0;
    await call();
    assert.equal(asked, 1, kind);
  }
  assert.equal(client.metrics().calls >= 8, true, JSON.stringify(client.metrics()));
});

test('each call has the key of its moment, and no environment stands in for it', async () => {
  const server = await rawServer(({ socket }) =>
    socket.end(response(200, '{"result":{"output":"x"}}', { 'content-type': 'application/json' })),
  );
  const keys = ['first', 'second', 'second'];
  const client = new LangflowClient({ baseUrl: server.url, apiKey: () => keys.shift() });
  for (let call = 0; call < 3; call += 1) await client.runFlow(run);
  const sent = server.requests.map(({ head }) => /authorization: Bearer (.*)\r/i.exec(head)?.[1]);
  assert.deepEqual(sent, ['first', 'second', 'second']);
  assert.equal(client.toJSON().apiKey, '***');
  await server.stop();
});

test('a function that fails, or gives none, lets nothing out', async () => {
  const before = (await mock.requests()).length;
  const own = new Error('the vault is shut: s3cret');
  const thrown = await failure(keyed(() => Promise.reject(own)).runFlow(run));
  assert.ok(thrown instanceof InvalidInput);
  assert.equal(thrown.cause, own);
  assert.equal(thrown.field, 'apiKey');
  assert.equal(thrown.mayHaveExecuted, false);
  assert.ok(!thrown.message.includes('s3cret'));
  for (const value of [undefined, null, 5, '', 'a b']) {
    const error = await failure(
      keyed(() => value)
        .streamFlow(run)
        .finalResult(),
    );
    assert.ok(error instanceof InvalidInput, String(value));
    assert.equal(error.field, 'apiKey');
  }
  assert.equal((await mock.requests()).length, before);
});

test('the time and the signal of a call hold for its key', async () => {
  const never = () => new Promise(() => undefined);
  const slow = keyed(never, { timeout: 150 });
  for (const call of [() => slow.runFlow(run), () => keyed(never).runFlow(run, { timeout: 150 })]) {
    const error = await failure(call);
    assert.ok(error instanceof TotalTimeout);
    assert.equal(error.mayHaveExecuted, false);
  }
  // Not AbortSignal.timeout, which keeps no process alive.
  const wait = () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    return { signal: controller.signal };
  };
  const calls = {
    run: () => keyed(never).runFlow(run, wait()),
    stream: () => keyed(never).streamFlow(run, wait()).finalResult(),
    many: () => keyed(never).runMany([run], wait()).all(),
    upload: () => keyed(never).flows.import({ body: new Blob(['{}']) }, wait()),
  };
  for (const [kind, call] of Object.entries(calls)) {
    assert.ok((await failure(call)) instanceof Cancelled, kind);
  }
  const stream = keyed(never).streamFlow(run);
  const reading = failure(stream.next());
  setTimeout(() => stream.close(), 50);
  assert.ok((await reading) instanceof Cancelled);
});

test('what the key took is not there for the call', async () => {
  const taking = () => new Promise((resolve) => setTimeout(resolve, 300, mock.apiKey));
  await mock.fault({ kind: 'latency', ms: 500 });
  const started = performance.now();
  const error = await failure(keyed(taking).runFlow(run, { timeout: 600 }));
  assert.ok(error instanceof TotalTimeout, error.code);
  assert.ok(performance.now() - started < 790);
  await mock.reset();
});

test('a proxy asks for its key with each request', async () => {
  let asked = 0;
  const handler = createProxyHandler({
    path: '/api',
    baseUrl: mock.url,
    apiKey: () => {
      asked += 1;
      return mock.apiKey;
    },
  });
  const body = JSON.stringify({ input_value: 'hello' });
  const headers = { 'content-type': 'application/json' };
  for (let call = 1; call < 3; call += 1) {
    const url = 'http://site.example/api/langflow/api/v1/flows/echo/run';
    const answer = await handler(new Request(url, { method: 'POST', headers, body }));
    assert.equal(answer.status, 200, await answer.text());
    assert.equal(asked, call);
  }
});

if (process.env.LANGFLOW_ENGINE !== 'wasm') {
  test('the same with WebAssembly', async () => {
    const env = { ...process.env, LANGFLOW_ENGINE: 'wasm' };
    // A test runner that finds itself in another one reports in another form.
    delete env.NODE_TEST_CONTEXT;
    const file = fileURLToPath(import.meta.url);
    await promisify(execFile)(process.execPath, ['--test', file], { env });
  });
}
