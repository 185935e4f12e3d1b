// Sessions, many runs, webhooks and metrics: what goes beyond one call.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import {
  Cancelled,
  FlowSession,
  InvalidInput,
  InvalidResponse,
  LangflowClient,
  LangflowError,
  NotFound,
  RunResult,
  WebhookVerificationFailed,
  webhooks,
} from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { failure, json, rawServer, runAnswer } from './support.mjs';

let mock;
let client;
before(async () => {
  mock = await MockServer.start();
  client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
});
after(() => mock.stop());

test('a session remembers, tells what was said, and forgets', async () => {
  const session = client.session('memory-chat');
  assert.ok(session instanceof FlowSession);
  assert.equal(session.id, undefined);
  assert.equal(await session.info(), null);
  assert.equal(await session.clear(), false);
  await session.run('My name is Alice');
  const stream = session.stream('What is my name?');
  assert.match((await stream.finalResult()).output, /Alice/);
  assert.equal((await session.info()).flowId, 'memory-chat');
  const said = await session.messages();
  assert.equal(said.length, 4);
  assert.equal(typeof said[0].createdAt, 'string');
  assert.match(session.id, /^\w+$/);
  const again = client.session('memory-chat', session.id);
  assert.match((await again.run('What is my name?')).output, /Alice/);
  assert.equal(await session.clear(), true);
  assert.equal(await session.clear(), false);
  assert.deepEqual(await session.messages(), []);
});

test('runs that begin at the same time are one conversation', async () => {
  const session = client.session('memory-chat');
  const [said, asked, again] = await Promise.all([
    session.run('My name is Bob'),
    session.run('What is my name?'),
    session.stream('What is my name?').finalResult(),
  ]);
  assert.match(asked.output, /Bob/);
  assert.deepEqual(
    [said.sessionId, asked.sessionId, again.sessionId],
    [session.id, session.id, session.id],
  );
  assert.equal((await session.messages()).length, 6);
  await session.clear();
});

test('a session that one run fails to open is opened by the next', async () => {
  const session = client.session('memory-chat');
  await mock.fault({ kind: 'status', status: 422, times: 1 });
  const failed = session.run('x');
  const closed = session.stream('My name is Eve');
  const waits = closed.next();
  const aborts = new AbortController();
  const aborted = session.run('x', { signal: aborts.signal });
  const last = session.run('My name is Ada');
  aborts.abort();
  closed.close();
  assert.equal((await failure(waits)).code, 'cancelled');
  const error = await failure(aborted);
  assert.deepEqual([error.code, error.mayHaveExecuted], ['cancelled', false]);
  assert.equal((await failure(failed)).code, 'unprocessable');
  assert.equal((await last).sessionId, session.id);
  assert.match((await session.run('What is my name?')).output, /Ada/);
  await session.clear();
});

test('an option that nobody knows is refused by name', async () => {
  const job = client.job('j');
  const says = (field) => (error) => error.code === 'invalid_input' && error.field === field;
  await assert.rejects(job.wait({ bogus: 1 }), says('bogus'));
  await assert.rejects(job.info({ timeout: 1 }), says('timeout'));
  await assert.rejects(client.session('f', 's').info({ x: 1 }), says('x'));
  await assert.rejects(client.exportFlow('f', { formt: 'json' }), says('formt'));
  const run = { flowId: 'f', inputValue: 'x', background: 'yes' };
  await assert.rejects(client.runFlow(run), says('background'));
});

test('a session that begins has not expired, one that is gone has', async () => {
  const strict = client.withOptions({ strictSessions: true });
  for (const begin of [
    (session) => session.run('My name is Alice'),
    (session) => session.stream('My name is Alice').finalResult(),
  ]) {
    const session = strict.session('hello-flow');
    const first = await begin(session);
    assert.equal(first.sessionStatus, 'new');
    assert.equal(session.id, first.sessionId);
    assert.equal((await session.run('What is my name?')).sessionStatus, 'continued');
  }
  const gone = await failure(strict.session('hello-flow', 'session_unknown').run('x'));
  assert.equal(gone.code, 'session_expired');
});

test('a session that is gone is warned of, once a run', async (t) => {
  const warn = t.mock.method(console, 'warn', () => undefined);
  const result = await client.session('hello-flow', 'session_gone').run('x');
  assert.equal(result.sessionStatus, 'expired');
  await client.session('hello-flow', 'session_left').stream('x').finalResult();
  const said = warn.mock.calls.map(({ arguments: [text] }) => text);
  assert.equal(said.length, 2);
  for (const text of said) assert.match(text, /session had expired.*strictSessions/);
  await client.session('hello-flow', result.sessionId).run('x');
  assert.equal(warn.mock.callCount(), 2);
});

test('a session of a flow that is not there', async () => {
  assert.ok((await failure(client.session('no-such-flow').run('x'))) instanceof NotFound);
  assert.ok((await failure(client.session('').run('x'))) instanceof InvalidInput);
});

const runs = Array.from({ length: 20 }, (_, index) => ({
  flowId: index === 7 ? 'no-such-flow' : 'echo',
  inputValue: `number ${index}`,
}));

test('many runs: each ends with its result or its error', async () => {
  const seen = new Set();
  for await (const outcome of client.runMany(runs, { concurrency: 4 })) {
    seen.add(outcome.index);
    assert.equal(outcome.total, 20);
    assert.equal(outcome.done, seen.size);
    if (outcome.index === 7) assert.ok(outcome.error instanceof NotFound);
    else assert.match(outcome.result.output, new RegExp(`number ${outcome.index}$`));
  }
  assert.equal(seen.size, 20);
});

test('many runs: in their order, and all at once', async () => {
  const order = [];
  for await (const { index } of client.runMany(runs, { ordered: true })) order.push(index);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  const all = await client.runMany(runs).all();
  assert.equal(all.filter((one) => one instanceof RunResult).length, 19);
  assert.ok(all[7] instanceof LangflowError);
  assert.deepEqual(await client.runMany([]).all(), []);
});

test('many runs: leaving and aborting end what is under way', async () => {
  const server = await rawServer(({ socket }, count) => {
    if (count === 1) socket.end(json(404, {}, { 'content-type': 'application/problem+json' }));
  });
  const waiting = new LangflowClient({ baseUrl: server.url, apiKey: 'k', maxRetries: 0 });
  for await (const { index } of waiting.runMany(runs, { concurrency: 3 })) {
    assert.ok(index < 3);
    break;
  }
  await server.closes(server.requests.length);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  const all = waiting.runMany(runs, { concurrency: 3, signal: controller.signal }).all();
  assert.ok((await failure(all)) instanceof Cancelled);
  await server.closes(server.requests.length);
  const closed = waiting.runMany(runs, { concurrency: 3 });
  setTimeout(() => closed.close(), 50);
  assert.ok((await failure(closed.all())) instanceof Cancelled);
  await server.closes(server.requests.length);
  const sent = server.requests.length;
  assert.ok((await failure(closed.all())) instanceof Cancelled);
  assert.equal(server.requests.length, sent);
  assert.ok(sent < 13);
  await server.stop();
});

test('many runs: read once, and what has come is kept where they are ended', async () => {
  const once = client.runMany(runs);
  for await (const outcome of once) assert.ok(outcome);
  for (const again of [() => once.all(), () => once[Symbol.asyncIterator]().next()]) {
    const error = await failure(again);
    assert.deepEqual([error.code, error.field], ['invalid_input', 'runs']);
  }
  const server = await rawServer(({ socket }, count) => {
    if (count === 1) socket.end(json(200, runAnswer('kept')));
    if (count === 2) setTimeout(() => controller.abort(), 50);
  });
  const waiting = new LangflowClient({ baseUrl: server.url, apiKey: 'k', maxRetries: 0 });
  const controller = new AbortController();
  const { signal } = controller;
  const all = await waiting.runMany(runs.slice(0, 5), { concurrency: 1, signal }).all();
  assert.equal(all[0].output, 'kept');
  assert.equal(all.length, 5);
  for (const one of all.slice(1)) assert.ok(one instanceof Cancelled);
  await server.stop();
});

test('metrics count calls', async () => {
  const own = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  await own.runFlow({ flowId: 'echo', inputValue: 'x' });
  const counted = own.metrics();
  assert.equal(typeof counted, 'object');
  assert.match(JSON.stringify(counted), /1/);
});

const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const body = JSON.stringify({
  event: 'component_completed',
  flow_id: 'f',
  session_id: 's',
  result: { output: null },
  timestamp: '2026-01-01T00:00:00Z',
  component: { id: 'c', display_name: 'C', duration: 0.5 },
  more: 1,
});

test('a webhook is verified as a Web request, as a request of Node, and as text', async () => {
  const headers = { ...webhooks.sign(body, { secret, id: 'msg_1' }) };
  const event = await webhooks.verify({ headers, body }, { secret });
  assert.deepEqual(event, {
    id: 'msg_1',
    event: 'component_completed',
    flowId: 'f',
    sessionId: 's',
    output: null,
    timestamp: '2026-01-01T00:00:00Z',
    component: { id: 'c', displayName: 'C', duration: 0.5 },
    raw: JSON.parse(body),
  });
  const request = new Request('http://x', { method: 'POST', headers, body });
  assert.deepEqual(await webhooks.verify(request, { secret }), event);
  const bytes = new TextEncoder().encode(body);
  const upper = { headers: new Headers(headers), body: bytes };
  assert.deepEqual(await webhooks.verify(upper, { secret: ['whsec_b3RoZXI=', secret] }), event);

  const received = new Promise((done, failed) => {
    const server = createServer((incoming, answer) => {
      webhooks.verify(incoming, { secret }).then(done, failed);
      answer.end();
      server.close();
    }).listen(0, '127.0.0.1', () => {
      const url = `http://127.0.0.1:${server.address().port}`;
      fetch(url, { method: 'POST', headers, body }).catch(failed);
    });
  });
  assert.deepEqual(await received, event);
});

test('a message to a trigger is signed', () => {
  const signed = webhooks.signTrigger('{}', { secret: 'secret', timestamp: 1700000000 });
  const mac = createHmac('sha256', 'secret').update('v1:1700000000:{}').digest('hex');
  assert.deepEqual(signed, {
    'x-langflow-timestamp': '1700000000',
    'x-langflow-signature': `v1=${mac}`,
  });
});

test('a webhook that is not what it says is refused', async () => {
  const signed = (more) => ({ ...webhooks.sign(body, { secret, ...more }) });
  const verify = (headers, text = body, given = secret) =>
    failure(webhooks.verify({ headers, body: text }, { secret: given }));
  for (const error of [
    await verify(signed(), `${body} `),
    await verify(signed(), body, 'whsec_b3RoZXI='),
    await verify({}),
    await verify(signed({ timestamp: Date.now() / 1000 - 301 })),
    await verify({ ...signed(), 'webhook-id': 'other' }),
  ]) {
    assert.ok(error instanceof WebhookVerificationFailed, String(error));
    assert.doesNotMatch(JSON.stringify(error), /whsec_/);
  }
  assert.ok((await verify(signed(), body, 'nothing')) instanceof InvalidInput);
  assert.ok((await verify(signed(), JSON.parse(body))) instanceof InvalidInput);
  const other = '{"a":1}';
  assert.ok(
    (await verify({ ...webhooks.sign(other, { secret }) }, other)) instanceof InvalidResponse,
  );
});

test('a receiver reads no body before it looks at the headers, and none that is too large', async () => {
  let read = 0;
  const piece = new Uint8Array(1 << 16);
  const endless = () =>
    new ReadableStream({
      pull(controller) {
        read += piece.length;
        controller.enqueue(piece);
      },
    });
  const request = (headers) =>
    new Request('http://x/', { method: 'POST', headers, body: endless(), duplex: 'half' });
  const refused = (headers, options) =>
    failure(webhooks.verify(request(headers), { secret, ...options }));
  const signed = { ...webhooks.sign(body, { secret }) };
  const old = webhooks.sign(body, { secret, timestamp: Date.now() / 1000 - 301 });
  for (const headers of [{}, { ...signed, 'webhook-signature': '' }, { ...old }]) {
    read = 0;
    assert.ok((await refused(headers)) instanceof WebhookVerificationFailed);
    assert.ok(read <= 2 * piece.length, `${read} bytes`);
  }
  assert.match((await refused(signed)).message, /more than 4194304 bytes/);
  assert.ok(read < 5 << 20, `${read} bytes`);
  assert.match((await refused(signed, { maxBody: 5 })).message, /more than 5 bytes/);
  for (const [options, field] of [
    [{ maxBody: -1 }, 'maxBody'],
    [{ tolerence: 1 }, 'tolerence'],
    [{ tolerance: -1 }, 'tolerance'],
  ]) {
    assert.equal((await refused(signed, options)).field, field);
  }
  const once = new Request('http://x/', { method: 'POST', headers: signed, body });
  await once.text();
  assert.equal((await failure(webhooks.verify(once, { secret }))).field, 'body');
});

test('an answer is still possible where a body is too large, and one that breaks off is said', async () => {
  const outcomes = [];
  const receiver = createServer(async (incoming, answer) => {
    const error = await failure(webhooks.verify(incoming, { secret, maxBody: 10 }));
    outcomes.push(error.message);
    answer.writeHead(413).end();
  });
  await new Promise((listening) => receiver.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${receiver.address().port}/`;
  const headers = { ...webhooks.sign(body, { secret }) };
  assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 413);
  const socket = connect(receiver.address().port, '127.0.0.1');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = 'Content-Length: 9';
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${lines.join('')}${length}\r\n\r\nab`, () =>
    setTimeout(() => socket.destroy(), 50),
  );
  while (outcomes.length < 2) await new Promise((later) => setTimeout(later, 10));
  assert.match(outcomes[0], /more than 10 bytes/);
  assert.match(outcomes[1], /broke off/);
  receiver.close();
});

test('a delivery of the mock server is verified', async () => {
  const received = new Promise((done, failed) => {
    const receiver = createServer((incoming, answer) => {
      webhooks.verify(incoming, { secret: made.secret }).then(done, failed);
      answer.end();
      receiver.close();
    }).listen(0, '127.0.0.1', () => subscribe(receiver.address().port).catch(failed));
  });
  let made;
  async function subscribe(port) {
    const url = `http://127.0.0.1:${port}/hook`;
    made = await client.webhooks.create({ flowId: 'echo', url, events: ['flow_completed'] });
    await client.runFlow({ flowId: 'echo', inputValue: 'ping' });
  }
  const event = await received;
  assert.equal(event.event, 'flow_completed');
  assert.match(event.output, /ping/);
});
