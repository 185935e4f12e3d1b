// Data in and out: names are ours outside and the server's inside, what nobody knows is kept.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { LangflowClient, NoSingleOutput, Page, RunResult } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { failure, json, rawServer, runAnswer } from './support.mjs';

let mock;
let client;

before(async () => {
  mock = await MockServer.start();
  client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
});
after(() => mock.stop());

/** Calls a server that answers with `value`, and gives back what came of it and what was sent. */
async function exchange(value, call, options = {}) {
  const server = await rawServer(({ socket }) => socket.end(json(200, value)));
  try {
    const result = await call(new LangflowClient({ baseUrl: server.url, apiKey: 'k', ...options }));
    return { result, sent: server.requests[0] };
  } finally {
    await server.stop();
  }
}

test('a run on the wire', async () => {
  const { result, sent } = await exchange(
    runAnswer('hi', { session_status: 'continued', added_later: { snake_case: 1 } }),
    (one) =>
      one.runFlow(
        {
          flowId: 'a flow/ü',
          inputValue: 'x',
          tweaks: { 'OpenAI-x1': { modelName: 'a', model_name: 'b' } },
          sessionId: 's1',
        },
        { headers: { 'X-Extra': '1' }, idempotencyKey: 'once' },
      ),
    { headers: new Headers({ 'x-every': '2' }) },
  );
  assert.match(sent.head, /^POST \/langflow\/api\/v1\/flows\/a%20flow%2F%C3%BC\/run HTTP/);
  assert.match(sent.head, /authorization: Bearer k/i);
  assert.match(sent.head, /x-extra: 1/i);
  assert.match(sent.head, /x-every: 2/i);
  assert.match(sent.head, /idempotency-key: once/i);
  assert.deepEqual(JSON.parse(sent.body), {
    input_value: 'x',
    tweaks: { 'OpenAI-x1': { modelName: 'a', model_name: 'b' } },
    session_id: 's1',
  });
  assert.equal(result.output, 'hi');
  assert.equal(result.text, 'hi');
  assert.equal(result.sessionStatus, 'continued');
  assert.deepEqual(result.metadata, { duration: 0.1, tokensUsed: 3 });
  assert.deepEqual(result.raw.added_later, { snake_case: 1 });
  assert.equal(JSON.parse(JSON.stringify(result)).sessionId, 's1');
});

test('a null session is no session', async () => {
  const { sent } = await exchange(runAnswer('hi'), (one) =>
    one.runFlow({ flowId: 'f', inputValue: 'x', sessionId: null }),
  );
  assert.equal(JSON.parse(sent.body).session_id, undefined);
});

test('several outputs have no single text', async () => {
  const result = await client.runFlow({ flowId: 'two-outputs', inputValue: 'x' });
  assert.equal(result.output, null);
  assert.equal(result.reason, 'multiple');
  assert.equal(Object.keys(result.outputs).length, 2);
  assert.throws(() => result.text, NoSingleOutput);
});

test('fields of an operation are renamed, free maps and unknown fields are not', async () => {
  const answer = {
    id: 'f1',
    name: 'n',
    created_at: 't',
    data: { created_at: 1 },
    new_field: { a_b: 1 },
  };
  const { result, sent } = await exchange(answer, (one) =>
    one.flows.create({ name: 'n', data: { nodes: [], edges: [], myKey: { created_at: 1 } } }),
  );
  assert.equal(result.createdAt, 't');
  assert.deepEqual(result.data, { created_at: 1 });
  assert.deepEqual(result.new_field, { a_b: 1 });
  assert.deepEqual(JSON.parse(sent.body).data.myKey, { created_at: 1 });
});

test('settings round trip through the mock server', async () => {
  const before = await client.flows.getSettings({ flowId: 'hello-flow' });
  assert.equal(before.sessionTimeout, 1800);
  const changed = await client.flows.updateSettings({ flowId: 'hello-flow', sessionTimeout: 60 });
  assert.equal(changed.sessionTimeout, 60);
});

test('an exported flow is spelled as in its file, and can be imported', async () => {
  const file = await client.flows.export({ flowId: 'hello-flow' });
  assert.equal(typeof file, 'object');
  assert.ok(!Object.keys(file).some((name) => /[A-Z]/.test(name)), Object.keys(file).join());
  const { flows } = await client.flows.import({ body: file });
  assert.equal(flows.length, 1);
  await client.flows.delete({ flowId: flows[0].id });
});

test('a list is its first page when awaited and all items when iterated over', async () => {
  const server = await rawServer(({ head, socket }) => {
    const page = Number(/[?&]page=(\d+)/.exec(head)?.[1] ?? 1);
    const items = [{ id: `f${page}`, name: 'n', created_at: 't' }];
    socket.end(json(200, { items, total: 3, page, size: 1, pages: 3 }));
  });
  const one = new LangflowClient({ baseUrl: server.url, apiKey: 'k' });
  const first = await one.flows.list({ size: 1 });
  assert.ok(first instanceof Page);
  assert.equal(first.items[0].createdAt, 't');
  assert.equal(first.hasNextPage(), true);
  assert.equal((await first.nextPage()).page, 2);
  const ids = [];
  for await (const { id } of one.flows.list({ size: 1 })) ids.push(id);
  assert.deepEqual(ids, ['f1', 'f2', 'f3']);
  assert.match(server.requests.at(-1).head, /[?&]size=1/);
  const sent = server.requests.length;
  const { data, response } = await one.flows.list().withResponse();
  assert.equal((await data.nextPage()).items[0].id, 'f2');
  assert.equal(response.status, 200);
  assert.equal((await response.json()).items[0].id, 'f1');
  assert.equal(server.requests.length, sent + 2);
  assert.equal((await (await one.flows.list().asResponse()).json()).total, 3);
  await server.stop();
  // Nobody is told twice of what went wrong.
  const other = one.withOptions({ baseUrl: 'http://127.0.0.1:9', maxRetries: 0 });
  assert.equal((await failure(other.flows.list().withResponse())).code, 'connect_failed');
  assert.equal((await failure(other.flows.list().asResponse())).code, 'connect_failed');
  assert.equal((await failure(one.flows.list(5).asResponse())).field, 'params');
});

test('a list whose pages do not turn ends with an error', async () => {
  for (const page of [1, 0]) {
    const answer = { items: [{ id: 'a' }], page, pages: 3 };
    const server = await rawServer(({ socket }) => socket.end(json(200, answer)));
    const one = new LangflowClient({ baseUrl: server.url, apiKey: 'k' });
    const all = async () => {
      for await (const { id } of one.flows.list()) assert.equal(id, 'a');
    };
    const error = await failure(all);
    assert.equal(error.code, 'invalid_response');
    assert.match(error.message, /page 2 was asked for|page 1 was asked for/);
    assert.equal(server.requests.length, 2);
    await server.stop();
  }
});

test('a list goes on over an empty page, and says where items are missing', async () => {
  for (const [counts, said, error] of [
    [[3, 0, 3], {}, undefined],
    [[3, 3, 2], { pages: null }, undefined],
    [[3, 0, 3], { total: 9 }, /after 6 of 9 items/],
    [[3], { total: 9 }, /after 3 of 9 items/],
  ]) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const server = await rawServer(({ head, socket }) => {
      const page = Number(/[?&]page=(\d+)/.exec(head)?.[1] ?? 1);
      const items = Array.from({ length: counts[page - 1] }, (_, id) => ({ id: `${page}-${id}` }));
      socket.end(json(200, { items, total, page, size: 3, pages: counts.length, ...said }));
    });
    const one = new LangflowClient({ baseUrl: server.url, apiKey: 'k' });
    let seen = 0;
    const all = async () => {
      for await (const { id } of one.flows.list()) seen += Number(id.length > 0);
    };
    if (error === undefined) await all();
    else assert.match((await failure(all)).message, error);
    assert.equal(seen, total);
    await server.stop();
  }
});

test('what is no page is an error', async () => {
  for (const answer of [
    null,
    5,
    'x',
    [],
    {},
    { detail: 'no' },
    { items: 5 },
    { items: [5] },
    { items: [], pages: 'x' },
    { items: [], page: -5, pages: -3 },
  ]) {
    const server = await rawServer(({ socket }) => socket.end(json(200, answer)));
    const one = new LangflowClient({ baseUrl: server.url, apiKey: 'k' });
    assert.equal((await failure(one.flows.list())).code, 'invalid_response', `${answer}`);
    await server.stop();
  }
});

test('a client never shows its key', () => {
  const secret = 'lf_very_secret';
  const one = new LangflowClient({ baseUrl: mock.url, apiKey: secret, timeout: 1500 });
  for (const text of [
    inspect(one),
    inspect(one, { depth: 9, showHidden: true }),
    JSON.stringify(one),
    String(one),
  ]) {
    assert.ok(!text.includes(secret), text);
  }
  assert.equal(one.toJSON().timeout, 1500);
  assert.match(inspect(one), /LangflowClient \{[^]*baseUrl/);
});

test('withOptions makes another client', async () => {
  const other = client.withOptions({ apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(other.runFlow({ flowId: 'hello-flow', inputValue: 'x' }), {
    code: 'unauthenticated',
  });
  assert.ok((await client.runFlow({ flowId: 'hello-flow', inputValue: 'x' })).output);
});

test('withOptions keeps the class of what it is called on', async () => {
  class Mine extends LangflowClient {
    ask(inputValue) {
      return this.runFlow({ flowId: 'echo', inputValue });
    }
  }
  const mine = new Mine({ baseUrl: mock.url, apiKey: mock.apiKey });
  for (const other of [mine.withOptions({ timeout: 5000 }), mine.withOptions({ maxEvent: 4096 })]) {
    assert.ok(other instanceof Mine);
    assert.equal((await other.ask('hello')).output, 'hello');
  }
});

test('what holds private fields has a name, so that proxies of frameworks leave it alone', async () => {
  const session = client.session('echo');
  const stream = client.streamFlow({ flowId: 'echo', inputValue: 'x' });
  const answers = [await session.run('x'), await client.flows.list()];
  for (const one of [client, session, stream, client.job('run_1'), ...answers]) {
    // What Vue looks at: all but [object Object] and the collections stay as they are.
    const said = Object.prototype.toString.call(one);
    assert.equal(said, `[object ${one.constructor.name}]`);
  }
});

test('a result comes back from what toJSON gave, and from nothing else', async () => {
  const result = await client.runFlow({ flowId: 'echo', inputValue: 'hello' });
  const again = RunResult.fromJSON(JSON.parse(JSON.stringify(result)));
  assert.deepEqual(again, result);
  assert.equal(again.text, 'hello');
  for (const data of [{}, 5, [], null, 'x', result.raw, { reason: 'none', outputs: null }]) {
    assert.throws(() => RunResult.fromJSON(data), { code: 'invalid_input', field: 'data' });
  }
});

test('the environment gives what is not said', async () => {
  const { LANGFLOW_URL, LANGFLOW_API_KEY } = process.env;
  process.env.LANGFLOW_URL = mock.url;
  process.env.LANGFLOW_API_KEY = mock.apiKey;
  try {
    assert.ok(
      (await new LangflowClient().runFlow({ flowId: 'hello-flow', inputValue: 'x' })).output,
    );
  } finally {
    delete process.env.LANGFLOW_URL;
    delete process.env.LANGFLOW_API_KEY;
    if (LANGFLOW_URL) process.env.LANGFLOW_URL = LANGFLOW_URL;
    if (LANGFLOW_API_KEY) process.env.LANGFLOW_API_KEY = LANGFLOW_API_KEY;
  }
});
