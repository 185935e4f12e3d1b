// Every bad input and every bad answer is an object of the right class, in both kinds of modules.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import * as esm from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { deadPort, failure, json, rawServer, response } from './support.mjs';

const cjs = createRequire(import.meta.url)('langflow-client');
const { InvalidInput, LangflowClient, LangflowError } = esm;
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

const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

/** Name, what is done, class, and what the error says. */
const TABLE = [
  ['an empty flow id', () => client().runFlow({ ...flow, flowId: '' }), 'InvalidInput', 'flowId'],
  ['no flow id', () => client().runFlow({ inputValue: 'x' }), 'InvalidInput', 'flowId'],
  [
    'a flow id that is a number',
    () => client().runFlow({ ...flow, flowId: 3 }),
    'InvalidInput',
    'flowId',
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
  ['an empty host', () => client({ baseUrl: 'http://' }), 'InvalidBaseUrl', 'baseUrl'],
  ['another scheme', () => client({ baseUrl: 'ftp://example.com' }), 'InvalidBaseUrl', 'baseUrl'],
  ['spaces in the host', () => client({ baseUrl: 'my server' }), 'InvalidBaseUrl', 'baseUrl'],
  [
    'plain HTTP to elsewhere',
    () => client({ baseUrl: 'http://example.com' }),
    'InsecureUrl',
    'baseUrl',
  ],
  ['an operation without its id', () => client().flows.get({}), 'InvalidInput', 'flowId'],
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
  ['HTML instead of an answer', () => oddClient().runFlow(flow), 'UnknownServer', 'baseUrl'],
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

const deep = {};
for (let level = 0, place = deep; level < 100_000; level += 1) place = place.a = {};

/** What is done, and the argument that the error names. */
const WRONG = [
  [() => client().runFlow({ ...flow, inputValue: 'hi \u{1f600}'.slice(0, 4) }), 'inputValue'],
  [() => client().streamFlow({ ...flow, sessionId: '\udc00' }), 'sessionId'],
  [() => client().runFlow({ ...flow, tweaks: { A: { '\ud800': 1 } } }), 'tweaks.A'],
  [() => client().runFlow({ ...flow, tweaks: { A: deep } }), 'tweaks'],
  [() => client().runFlow(null), 'params'],
  [() => client().runFlow('x'.repeat(10_000_000)), 'params'],
  [() => client().streamFlow('text'), 'params'],
  [() => client().runFlow(flow, null), 'options'],
  [() => client().runFlow(flow, { headers: ['a'] }), 'headers'],
  [() => client({ headers: ['a'] }), 'headers'],
  [() => client({ headers: { a: 'b' } }).runFlow(flow, { headers: 'x' }), 'headers'],
  [() => client().withOptions(null), 'options'],
  [() => client().runMany(null), 'runs'],
  [() => client().runMany('ab'), 'runs'],
  [() => client().runMany([flow, null]), 'runs[1]'],
  [() => client().runMany([flow], null), 'options'],
  [() => client().runMany([flow, { ...flow, inputValue: '\ud800' }]), 'runs[1].inputValue'],
  [() => client().exportFlow('f', null), 'options'],
  [() => client().exportFlow('f', { signal: 5 }), 'signal'],
  [() => client().checkTweaks('f', {}, null), 'options'],
  [() => client().watch(null), 'thresholds'],
  [() => client().watch({ errorRate: 7 }), 'errorRate'],
  [() => client().job('j').wait(null), 'options'],
  [() => client().job('j').info(null), 'options'],
  [() => client().job('j').events('1', null), 'options'],
  [() => client().session('f').run('x', null), 'options'],
  [() => client().flows.get({ flowId: 'f' }, null), 'options'],
  [() => client().flows.export({ flowId: 'f' }).saveTo(null), 'path'],
  [() => client().flows.export({ flowId: 'f' }).saveTo('/tmp/x', null), 'options'],
  [() => client().flows.export({ flowId: 'f' }).saveTo('/tmp/x', { onProgress: 5 }), 'onProgress'],
  [() => esm.webhooks.verify({ body: '{}', headers: {} }), 'options'],
  [() => esm.webhooks.verify(null, { secret: 'x' }), 'delivery'],
  [() => esm.webhooks.sign(null, { secret: SECRET }), 'body'],
  [() => esm.webhooks.sign('x'), 'options'],
];

test('what is no object of arguments is refused, and so is a key that is still to come', async () => {
  const client = new LangflowClient({ baseUrl: 'http://localhost:1', apiKey: 'k' });
  for (const params of [5, 'x', null, undefined]) {
    for (const call of [() => client.flows.get(params), () => client.runFlow(params)]) {
      const error = await failure(call);
      assert.ok(error instanceof InvalidInput, `${String(call)} ${String(params)}: ${error}`);
    }
    if (params === undefined) continue;
    const listed = await failure(client.flows.list(params));
    assert.ok(listed instanceof InvalidInput && listed.field === 'params', String(listed));
  }
  const later = () => new LangflowClient({ baseUrl: 'x', apiKey: Promise.resolve('k') });
  assert.throws(later, { code: 'invalid_input', field: 'apiKey', message: /function/ });
  assert.throws(() => client.watch({}), { message: /`errorRate`, `p95Latency`/ });
});

test('an argument of another type is named', async () => {
  for (const [work, field] of WRONG) {
    const error = await failure(work);
    assert.ok(error instanceof esm.InvalidInput, `${work}: ${inspect(error)}`);
    assert.equal(error.field, field, `${work}: ${error.message}`);
    assert.equal(error.mayHaveExecuted, false);
  }
});

test('what JSON would lose is refused', async () => {
  const lost = [
    new Blob(['x']),
    new FormData(),
    new URLSearchParams('a=b'),
    new Headers({ a: 'b' }),
    new Date(NaN),
    (function* () {
      yield 1;
    })(),
    (async function* () {
      yield 1;
    })(),
    new Map(),
    new Uint8Array(1),
    /x/,
    Promise.resolve(),
    new AbortController().signal,
    { toJSON: () => NaN },
  ];
  for (const value of lost) {
    const error = await failure(client().runFlow({ ...flow, tweaks: { A: { b: value } } }));
    assert.equal(error.field, 'tweaks.A.b', inspect(value));
  }
  class Settings {
    seed = 1;
  }
  for (const value of [new Date(0), new Settings(), Object.create(null), new URL('http://x')]) {
    const run = { flowId: 'echo', inputValue: 'x', tweaks: { 'A-1': { b: value } } };
    assert.equal((await client().runFlow(run)).attempts, 1, inspect(value));
  }
});

test('errors speak of options and units as they are here', async () => {
  for (const [options, field] of [
    [{ connectTimeout: -1 }, 'connectTimeout'],
    [{ firstByteTimeout: 'soon' }, 'firstByteTimeout'],
    [{ timeout: NaN }, 'timeout'],
  ]) {
    const { message, ...error } = await failure(() => client(options));
    assert.equal(error.field, field);
    assert.match(message, new RegExp(`\\b${field}\\b.* a positive number of milliseconds`));
  }
  const retries = await failure(client().runFlow(flow, { maxRetries: -5 }));
  assert.equal(retries.field, 'maxRetries');
  assert.match(retries.message, /`maxRetries`/);
});

test('what a callback throws stays what it is', async () => {
  const thrown = new Error('theirs');
  const onProgress = () => {
    throw thrown;
  };
  const saved = client()
    .flows.export({ flowId: 'hello-flow' })
    .saveTo('/tmp/never', { onProgress });
  assert.equal(await failure(saved), thrown);
});

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

test('a hint names things as they are called here', async () => {
  const hints = Object.values(esm)
    .filter((kind) => kind?.prototype instanceof esm.LangflowError)
    .map((kind) => new kind({ message: 'x' }).hint);
  assert.ok(hints.some((hint) => hint.includes('`mayHaveExecuted`')));
  for (const hint of hints) assert.doesNotMatch(hint, /`[a-z]+_[a-z_]+`/);
  const { hint } = new esm.TlsFailed({
    message: 'x',
    hint: 'Pass `client_cert` or SSL_CERT_FILE.',
  });
  assert.equal(hint, 'Pass `clientCert` or SSL_CERT_FILE.');
});
