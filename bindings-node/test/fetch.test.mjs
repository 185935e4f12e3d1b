// What the engine of browsers gives to `fetch` and takes from it, in Node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

process.env.LANGFLOW_ENGINE = 'wasm';
const { ConnectionLost, LangflowClient } = await import('langflow-client');
const { failure, rawServer, runAnswer } = await import('./support.mjs');

const flow = { flowId: 'hello-flow', inputValue: 'Hello!' };
const ANSWER = JSON.stringify(runAnswer('Hi.'));

function headOf(length, ...more) {
  const lines = ['HTTP/1.1 200 OK', 'content-type: application/json', ...more];
  return `${[...lines, `content-length: ${length}`].join('\r\n')}\r\n\r\n`;
}

const clientOf = (server) =>
  new LangflowClient({ baseUrl: server.url, apiKey: 'k', maxRetries: 0 });

test('headers cross as they are, there and back', async () => {
  const given = 'say "a\\b",\tC:\\';
  const answered = 'one, "two\\", three';
  const server = await rawServer(({ socket }) => {
    socket.write(headOf(ANSWER.length, `x-list: ${answered}`, 'x-empty:') + ANSWER);
  });
  await using(server, async () => {
    const any = { method: 'GET', path: '/api/v1/any' };
    const call = clientOf(server).request(any, { headers: { 'x-given': given } });
    const { response } = await call.withResponse();
    assert.ok(server.requests[0].head.includes(`x-given: ${given}`), server.requests[0].head);
    assert.equal(response.headers.get('x-list'), answered);
    assert.equal(response.headers.get('x-empty'), '');
  });
});

test('an answer is whole with its last byte, in however many pieces it comes', async () => {
  const server = await rawServer(async ({ socket }, count) => {
    socket.write(headOf(ANSWER.length));
    for (let at = 0; at < ANSWER.length; at += count * 40) {
      socket.write(ANSWER.slice(at, at + count * 40));
      await sleep(2);
    }
  });
  await using(server, async () => {
    const client = clientOf(server);
    for (const _ of [1, 2, 3]) assert.equal((await client.runFlow(flow)).output, 'Hi.');
  });
});

test('no more is asked for where an answer is whole with its last byte', async () => {
  const server = await rawServer(({ socket }) => {
    socket.write(headOf(ANSWER.length) + ANSWER);
  });
  const { prototype } = ReadableStreamDefaultReader;
  const { read } = prototype;
  let reads = 0;
  prototype.read = function counted() {
    reads += 1;
    return read.call(this);
  };
  try {
    await using(server, async () => {
      assert.equal((await clientOf(server).runFlow(flow)).output, 'Hi.');
    });
  } finally {
    prototype.read = read;
  }
  assert.equal(reads, 1);
});

test('a packed answer is larger than the length that the server said', async () => {
  const text = JSON.stringify(runAnswer('Hi, '.repeat(20_000)));
  const packed = gzipSync(text);
  const server = await rawServer(({ socket }) => {
    socket.write(headOf(packed.length, 'content-encoding: gzip'));
    socket.write(packed);
  });
  await using(server, async () => {
    const { output } = await clientOf(server).runFlow(flow);
    assert.equal(output.length, 80_000);
  });
});

test('an answer that breaks off is lost', async () => {
  const server = await rawServer(({ socket }) => {
    socket.end(headOf(ANSWER.length) + ANSWER.slice(0, -2));
  });
  await using(server, async () => {
    assert.ok((await failure(clientOf(server).runFlow(flow))) instanceof ConnectionLost);
  });
});

async function using(server, work) {
  try {
    await work();
  } finally {
    await server.stop();
  }
}
