// AbortSignal: before and during a call, and on streams.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cancelled, InvalidInput, LangflowClient, TotalTimeout } from 'langflow-client';
import { failure, frame, rawServer, STREAM_HEAD } from './support.mjs';

const flow = { flowId: 'f', inputValue: 'x' };
let server;
let client;

before(async () => {
  server = await rawServer(({ head, socket }) => {
    if (!/accept: text\/event-stream/i.test(head)) return;
    socket.write(STREAM_HEAD + frame(1, 'token', { text: 'one' }));
  });
  client = new LangflowClient({ baseUrl: server.url, apiKey: 'k', maxRetries: 0 });
});
after(() => server.stop());

test('a signal that has fired lets nothing out', async () => {
  const reason = new Error('user left');
  const signal = AbortSignal.abort(reason);
  for (const work of [
    () => client.runFlow(flow, { signal }),
    () => client.streamFlow(flow, { signal }).next(),
    () => client.flows.get({ flowId: 'f' }, { signal }),
  ]) {
    const error = await failure(work);
    assert.ok(error instanceof Cancelled);
    assert.equal(error.cause, reason);
    assert.equal(error.mayHaveExecuted, false);
  }
  assert.equal(server.requests.length, 0);
});

test('a signal that fires during a call closes its connection at once', async () => {
  const closed = server.closed;
  const controller = new AbortController();
  const call = failure(client.runFlow(flow, { signal: controller.signal }));
  setTimeout(() => controller.abort(), 50);
  const started = Date.now();
  const error = await call;
  assert.ok(error instanceof Cancelled);
  assert.equal(error.cause, controller.signal.reason);
  assert.equal(error.mayHaveExecuted, true);
  assert.ok(Date.now() - started < 1000);
  await server.closes(closed + 1);
});

test('a signal that fires during a stream closes its connection at once', async () => {
  const closed = server.closed;
  const controller = new AbortController();
  const stream = client.streamFlow(flow, { signal: controller.signal });
  assert.equal((await stream.next()).value.text, 'one');
  const waiting = failure(stream.next());
  setTimeout(() => controller.abort(), 50);
  assert.ok((await waiting) instanceof Cancelled);
  await server.closes(closed + 1);
  assert.ok((await failure(stream.finalResult())) instanceof Cancelled);
});

test('a signal leaves no listener behind', async () => {
  const signal = new AbortController().signal;
  const listeners = [];
  signal.addEventListener = (_, listener) => listeners.push(listener);
  signal.removeEventListener = (_, listener) => listeners.splice(listeners.indexOf(listener), 1);
  await failure(client.runFlow({ flowId: '' }, { signal }));
  const stream = client.streamFlow(flow, { signal });
  await stream.next();
  assert.equal(listeners.length, 1);
  stream.close();
  assert.equal(listeners.length, 0);
});

test('a signal that many calls share has one listener, and ends them all', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...given) => {
    listeners += 1;
    addEventListener.apply(signal, given);
  };
  signal.removeEventListener = (...given) => {
    listeners -= 1;
    removeEventListener.apply(signal, given);
  };
  const warnings = [];
  const warn = (warning) => warnings.push(warning);
  process.on('warning', warn);
  const begun = server.requests.length;
  const calls = Array.from({ length: 20 }, () => failure(client.runFlow(flow, { signal })));
  const streams = Array.from({ length: 20 }, () => client.streamFlow(flow, { signal }));
  await Promise.all(streams.map((stream) => stream.next()));
  // One that ends takes nothing from the others.
  streams[0].close();
  const waiting = streams.slice(1).map((stream) => failure(stream.next()));
  while (server.requests.length < begun + 40) await new Promise((done) => setTimeout(done, 5));
  assert.equal(listeners, 1);
  controller.abort();
  for (const error of await Promise.all([...calls, ...waiting])) {
    assert.ok(error instanceof Cancelled, error);
  }
  // Warnings come in a turn of their own.
  await new Promise((done) => setTimeout(done, 20));
  process.off('warning', warn);
  assert.deepEqual(warnings, []);
  // After the last call of another signal none is left.
  const other = new AbortController().signal;
  const taken = [];
  other.removeEventListener = (_, listener) => taken.push(listener);
  await failure(Promise.all([1, 2].map(() => client.runFlow({ flowId: '' }, { signal: other }))));
  assert.equal(taken.length, 1);
});

test('what is no signal is refused', async () => {
  const error = await failure(() => client.runFlow(flow, { signal: {} }));
  assert.ok(error instanceof InvalidInput);
  assert.equal(error.field, 'signal');
});

test('times are milliseconds', async () => {
  const started = Date.now();
  const error = await failure(client.runFlow(flow, { timeout: 150 }));
  const elapsed = Date.now() - started;
  assert.ok(error instanceof TotalTimeout, error);
  assert.ok(elapsed >= 140 && elapsed < 2000, `${elapsed} ms`);
  const viaView = await failure(client.withOptions({ timeout: 100 }).runFlow(flow));
  assert.ok(viaView instanceof TotalTimeout);
});
