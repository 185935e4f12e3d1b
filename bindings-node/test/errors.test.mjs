// Every bad input and every bad answer is an object of the right class, in both kinds of modules.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import * as esm from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { deadPort, failure, json, rawServer, response } from './support.mjs';

const cjs = createRequire(import.meta.url)('langflow-client');
const { LangflowClient, LangflowError } = esm;
const flow = { flowId: 'hello-flow', inputValue: 'Hello!' };
let mock;
let odd;

before(async () => {
  mock = await MockServer.start();
  odd = await rawServer(({ head, socket }) => {
    const status = Number(/flows\/s(\d+)\/run/.exec(head)?.[1] ?? 0);
    if (status > 0) socket.end(json(status, { detail: 'said', unknown: 1 }));
    else if (/flows\/broken\//.test(head)) {
      socket.end(response(200, '{"result":', { 'content-type': 'application/json' }));
    } else socket.end(response(200, '<html>Welcome</html>', { 'content-type': 'text/html' }));
  });
});
after(async () => {
  await mock.stop();
  await odd.stop();
});

const client = (more = {}) =>
  new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey, maxRetries: 0, ...more });
const oddClient = () => client({ baseUrl: odd.url });

/** Name, what is done, class, and what the error says. */
const TABLE = [
  ['an empty flow id', () => client().runFlow({ ...flow, flowId: '' }), 'InvalidInput', 'flow_id'],
  ['no flow id', () => client().runFlow({ inputValue: 'x' }), 'InvalidInput', 'flow_id'],
  [
    'a flow id that is a number',
    () => client().runFlow({ ...flow, flowId: 3 }),
    'InvalidInput',
    'flow_id',
  ],
  [
    'an argument nobody knows',
    () => client().runFlow({ ...flow, tweak: {} }),
    'InvalidInput',
    'tweak',
  ],
  [
    'tweaks that are a list',
    () => client().runFlow({ ...flow, tweaks: [] }),
    'InvalidInput',
    'tweaks',
  ],
  [
    'a tweak that is no object',
    () => client().runFlow({ ...flow, tweaks: { A: 1 } }),
    'InvalidInput',
    'tweaks.A',
  ],
  [
    'a tweak that is a function',
    () => client().runFlow({ ...flow, tweaks: { A: { f() {} } } }),
    'InvalidInput',
    'tweaks.A.f',
  ],
  [
    'a tweak that is NaN',
    () =>
      client()
        .streamFlow({ ...flow, tweaks: { A: { t: NaN } } })
        .next(),
    'InvalidInput',
    'tweaks.A.t',
  ],
  ['an option nobody knows', () => client().runFlow(flow, { tries: 1 }), 'InvalidInput', 'tries'],
  [
    'a timeout that is text',
    () => client().runFlow(flow, { timeout: '1' }),
    'InvalidInput',
    'timeout',
  ],
  ['a setting nobody knows', () => client({ retries: 1 }), 'InvalidInput', 'retries'],
  ['an empty host', () => client({ baseUrl: 'http://' }), 'InvalidBaseUrl', 'base_url'],
  ['another scheme', () => client({ baseUrl: 'ftp://example.com' }), 'InvalidBaseUrl', 'base_url'],
  ['spaces in the host', () => client({ baseUrl: 'my server' }), 'InvalidBaseUrl', 'base_url'],
  [
    'plain HTTP to elsewhere',
    () => client({ baseUrl: 'http://example.com' }),
    'InsecureUrl',
    'base_url',
  ],
  ['an operation without its id', () => client().flows.get({}), 'InvalidInput', 'flow_id'],
  [
    'an argument of an operation',
    () => client().flows.get({ flowId: 'x', nope: 1 }),
    'InvalidInput',
    'nope',
  ],
  [
    'arguments that are no object',
    () => client().flows.get('hello-flow'),
    'InvalidInput',
    'params',
  ],
  [
    'a body that holds a Set',
    () => client().flows.create({ name: 'x', data: { a: new Set() } }),
    'InvalidInput',
    'data.a',
  ],
  [
    'a port nobody listens on',
    async () => client({ baseUrl: `http://127.0.0.1:${await deadPort()}` }).runFlow(flow),
    'ConnectFailed',
  ],
  ['a wrong key', () => client({ apiKey: 'wrong' }).runFlow(flow), 'Unauthenticated'],
  ['a flow that is not there', () => client().runFlow({ ...flow, flowId: 'nope' }), 'NotFound'],
  ['a flow that fails', () => client().runFlow({ ...flow, flowId: 'failing-flow' }), 'RunFailed'],
  ['HTML instead of an answer', () => oddClient().runFlow(flow), 'UnknownServer', 'base_url'],
  [
    'JSON that breaks off',
    () => oddClient().runFlow({ ...flow, flowId: 'broken' }),
    'InvalidResponse',
  ],
];

for (const [name, work, kind, field] of TABLE) {
  test(name, async () => {
    const error = await failure(work);
    assert.ok(error instanceof esm[kind], inspect(error));
    assert.ok(error instanceof cjs[kind]);
    assert.ok(error instanceof LangflowError && error instanceof cjs.LangflowError);
    assert.ok(error instanceof Error);
    if (field !== undefined) assert.equal(error.field, field);
    assert.match(error.code, /^[a-z_]+$/);
    assert.equal(error.name, error.constructor.name);
    assert.ok(error.message.length > 0 && error.hint.length > 0, inspect(error));
    if (error instanceof esm.InvalidInput) assert.equal(error.mayHaveExecuted, false);
    assert.ok(
      !JSON.stringify(error).includes(mock.apiKey) && !inspect(error).includes(mock.apiKey),
    );
  });
}

test('every status has its class', async () => {
  for (const [status, kind] of [
    [400, 'BadRequest'],
    [403, 'PermissionDenied'],
    [409, 'Conflict'],
    [413, 'PayloadTooLarge'],
    [422, 'Unprocessable'],
    [429, 'RateLimited'],
    [500, 'ServerError'],
    [503, 'ServerBusy'],
    [504, 'GatewayTimeout'],
    [418, 'UnexpectedStatus'],
  ]) {
    const error = await failure(oddClient().runFlow({ ...flow, flowId: `s${status}` }));
    assert.ok(
      error instanceof esm[kind] && error instanceof esm.StatusError,
      `${status}: ${error}`,
    );
    assert.equal(error.status, status);
    assert.equal(typeof error.attempts, 'number');
  }
});

test('both kinds of modules export the same things', () => {
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort());
  for (const name of Object.keys(cjs)) assert.equal(esm[name], cjs[name], name);
});

test('an error keeps code and message through structuredClone, and everything through JSON', async () => {
  const error = await failure(client().runFlow({ ...flow, flowId: 'nope' }));
  const clone = structuredClone(error);
  assert.equal(clone.message, error.message);
  assert.equal(clone.cause.code, 'not_found');
  const data = JSON.parse(JSON.stringify(error));
  assert.equal(data.name, 'NotFound');
  assert.equal(data.code, 'not_found');
  assert.equal(data.message, error.message);
  assert.equal(data.status, 404);
  assert.ok(data.requestId);
});

test('errors can be made for tests of programs that catch them', () => {
  const error = new esm.RateLimited({ message: 'slow down', retryAfter: 2 });
  assert.equal(error.code, 'rate_limited');
  assert.equal(error.retryAfter, 2);
  assert.equal(error.retryable, true);
  assert.ok(error instanceof esm.StatusError);
  assert.match(inspect(error), /RateLimited: slow down/);
});
