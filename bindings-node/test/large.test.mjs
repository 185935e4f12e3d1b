// A stream of 100,000 tokens and a reader that takes its time. What is kept of it is the text, for
// `partialText` and the result: here little, among much that nobody keeps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LangflowClient } from 'langflow-client';
import { frame, rawServer, runAnswer, STREAM_HEAD } from './support.mjs';

const COUNT = 100_000;
const TEXT = 'word ';
const PAD = 'x'.repeat(1000);
const MIB = 2 ** 20;

async function flood(work) {
  let sent = 0;
  const server = await rawServer(async ({ socket }) => {
    socket.write(STREAM_HEAD);
    const token = frame(1, 'token', { text: TEXT, pad: PAD });
    for (; sent < COUNT; sent += 1) {
      if (!socket.write(token)) await new Promise((wake) => socket.once('drain', wake));
    }
    socket.end(frame(2, 'end', runAnswer('done')));
  });
  try {
    const client = new LangflowClient({ baseUrl: server.url, apiKey: 'k' });
    await work(client.streamFlow({ flowId: 'f', inputValue: 'x' }), () => sent);
  } finally {
    await server.stop();
  }
}

test('every token arrives, and memory does not grow with them', async (t) => {
  await flood(async (stream, sent) => {
    let tokens = 0;
    let start = 0;
    let most = 0;
    for await (const event of stream) {
      if (event.type !== 'token') continue;
      tokens += 1;
      if (tokens === 1000) {
        // Nobody reads now: the server has to wait, with what sockets hold on the way.
        await new Promise((wake) => setTimeout(wake, 500));
        assert.ok(sent() < COUNT * 0.3, `${sent()} of ${COUNT} were sent to a reader that waits`);
      }
      if (tokens % 5000 === 0) {
        await new Promise((wake) => setTimeout(wake, 5));
        const { rss } = process.memoryUsage();
        if (tokens === 10_000) start = rss;
        most = Math.max(most, rss);
      }
    }
    assert.equal(tokens, COUNT);
    assert.equal((await stream.finalResult()).output, 'done');
    const grown = (most - start) / MIB;
    t.diagnostic(`${COUNT} events of ${PAD.length} bytes; memory grew by ${grown.toFixed(1)} MiB`);
    assert.ok(grown < 48, `memory grew by ${grown} MiB`);
  });
});

test('as bytes, for a reader that waits, it waits too', async () => {
  await flood(async (stream, sent) => {
    const reader = stream.toReadableStream().getReader();
    await reader.read();
    await new Promise((wake) => setTimeout(wake, 500));
    assert.ok(sent() < COUNT * 0.3, `${sent()} of ${COUNT} were sent to a reader that waits`);
    await reader.cancel();
  });
});
