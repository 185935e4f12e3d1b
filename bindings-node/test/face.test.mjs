// What a stream is besides an iterable: two streams, bytes, and the way back from bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Cancelled,
  FlowStream,
  LangflowClient,
  RunResult,
  StreamInterrupted,
} from 'langflow-client';
import { failure, frame, rawServer, runAnswer, STREAM_HEAD, TOKENS } from './support.mjs';

const run = { flowId: 'f', inputValue: 'x' };

async function streaming(work, { end = true, open = false } = {}) {
  const server = await rawServer(({ socket }) => {
    socket.write(STREAM_HEAD + frame(1, 'run_started', { run_id: 'r1', session_id: 's1' }));
    TOKENS.forEach((text, index) => socket.write(frame(index + 2, 'token', { text })));
    if (end) socket.write(frame(9, 'end', runAnswer(TOKENS.join(''))));
    if (!open) socket.end();
  });
  const client = new LangflowClient({ baseUrl: server.url, apiKey: 'k', maxRetries: 0 });
  try {
    await work(client.streamFlow(run), server);
  } finally {
    await server.stop();
  }
}

async function texts(stream) {
  const found = [];
  for await (const text of stream.textStream) found.push(text);
  return found;
}

test('tee: both have every event, whichever is read first', async () => {
  await streaming(async (stream, server) => {
    const [first, second] = stream.tee();
    assert.deepEqual(await texts(first), TOKENS);
    assert.deepEqual(await texts(second), TOKENS);
    assert.equal((await first.finalResult()).output, (await second.finalResult()).output);
    assert.equal(server.requests.length, 1);
  });
  await streaming(async (stream) => {
    const both = await Promise.all(stream.tee().map(texts));
    assert.deepEqual(both, [TOKENS, TOKENS]);
  });
});

test('tee: the connection closes when both are closed, and not before', async () => {
  await streaming(
    async (stream, server) => {
      const [first, second] = stream.tee();
      await first.next();
      first.close();
      assert.equal((await second.next()).value.type, 'run_started');
      assert.equal(server.closed, 0);
      second.close();
      await server.closes(1);
    },
    { end: false, open: true },
  );
});

test('tee: an error reaches both', async () => {
  await streaming(
    async (stream) => {
      for (const error of await Promise.all(stream.tee().map((one) => failure(texts(one))))) {
        assert.ok(error instanceof StreamInterrupted);
        assert.equal(error.partialText, TOKENS.join(''));
      }
    },
    { end: false },
  );
});

test('toReadableStream: lines of JSON, and the way back', async () => {
  await streaming(async (stream) => {
    const text = await new Response(stream.toReadableStream()).text();
    const lines = text.trim().split('\n').map(JSON.parse);
    assert.deepEqual(
      lines.map(({ type }) => type),
      ['run_started', 'token', 'token', 'token', 'end'],
    );
    assert.equal(lines.at(-1).result.sessionId, 's1');
  });
  await streaming(async (stream) => {
    const back = FlowStream.fromReadableStream(stream.toReadableStream());
    assert.deepEqual(await texts(back), TOKENS);
    const result = await back.finalResult();
    assert.ok(result instanceof RunResult);
    assert.equal(result.text, "I'm fine");
    assert.equal(result.sessionId, 's1');
    assert.equal(result.metadata.tokensUsed, 3);
  });
});

test('toReadableStream: read slowly or not at all, nothing runs ahead; cancelled, it ends', async () => {
  await streaming(
    async (stream, server) => {
      const readable = stream.toReadableStream();
      await new Promise((done) => setTimeout(done, 30));
      assert.equal(server.requests.length, 0);
      const reader = readable.getReader();
      await reader.read();
      await reader.cancel();
      await server.closes(1);
    },
    { end: false, open: true },
  );
});

test('toReadableStream: an error travels with its class', async () => {
  await streaming(
    async (stream) => {
      const back = FlowStream.fromReadableStream(stream.toReadableStream());
      const seen = [];
      const error = await failure(async () => {
        for await (const event of back) seen.push(event.type);
      });
      assert.deepEqual(seen, ['run_started', 'token', 'token', 'token']);
      assert.ok(error instanceof StreamInterrupted);
      assert.equal(error.partialText, TOKENS.join(''));
    },
    { end: false },
  );
});

test('fromReadableStream: pieces of any size, and one that breaks off', async () => {
  await streaming(async (stream) => {
    const bytes = new Uint8Array(await new Response(stream.toReadableStream()).arrayBuffer());
    const inPieces = (until) =>
      ReadableStream.from(Array.from(bytes.slice(0, until), (byte) => Uint8Array.of(byte)));
    assert.deepEqual(await texts(FlowStream.fromReadableStream(inPieces(bytes.length))), TOKENS);
    const broken = FlowStream.fromReadableStream(inPieces(bytes.length - 20));
    assert.ok((await failure(texts(broken))) instanceof StreamInterrupted);
    assert.ok(
      (await failure(FlowStream.fromReadableStream(null).next())) instanceof StreamInterrupted,
    );
  });
});

test('fromReadableStream: what is no stream of ours is an error with the text so far', async () => {
  const token = '{"type":"token","text":"abc"}\n';
  const ends = [
    ['<html>oops</html>\n', 'malformed_event'],
    ['<html>oops</html>', 'malformed_event'],
    ['5\n', 'malformed_event'],
    ['{}\n', 'malformed_event'],
    ['{"type":"end"}\n', 'malformed_event'],
    ['{"type":"token"}\n', 'malformed_event'],
    ['{"type":"error"}\n', 'malformed_event'],
    ['{"type":"end","res', 'stream_interrupted'],
    ['', 'stream_interrupted'],
  ];
  for (const [end, code] of ends) {
    const seen = [];
    const error = await failure(async () => {
      const body = new Blob([token + end]).stream();
      for await (const piece of FlowStream.fromReadableStream(body).textStream) seen.push(piece);
    });
    assert.deepEqual(seen, ['abc'], end);
    const { mayHaveExecuted, partialText } = error;
    assert.deepEqual([error.code, mayHaveExecuted, partialText], [code, true, 'abc'], end);
  }
  const lost = new TypeError('network error');
  let pulls = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode(token));
      else controller.error(lost);
    },
  });
  const error = await failure(FlowStream.fromReadableStream(body).finalResult());
  assert.ok(error instanceof StreamInterrupted);
  assert.deepEqual([error.mayHaveExecuted, error.partialText], [true, 'abc']);
  assert.equal(error.cause, lost);
  for (const none of [undefined, 5, {}, body]) {
    const says = { code: 'invalid_input', field: 'readable' };
    assert.throws(() => FlowStream.fromReadableStream(none), says);
  }
});

test('fromReadableStream: a line without an end is too large, soon', async () => {
  const piece = new Uint8Array(1 << 20).fill(97);
  let pulls = 0;
  const body = new ReadableStream({
    async pull(controller) {
      pulls += 1;
      controller.enqueue(piece);
    },
  });
  const error = await failure(FlowStream.fromReadableStream(body).finalResult());
  assert.deepEqual([error.code, error.mayHaveExecuted], ['event_too_large', true]);
  assert.ok(pulls < 40, `${pulls} pieces`);
});

test('fromReadableStream: an error line says no more than it does', async () => {
  const end = async (error) => {
    const body = new Blob([`${JSON.stringify({ type: 'error', error })}\n`]).stream();
    const { code, message, mayHaveExecuted } = await failure(
      FlowStream.fromReadableStream(body).finalResult(),
    );
    return [code, message, mayHaveExecuted];
  };
  const said = 'The stream ended with an error.';
  assert.deepEqual(await end(JSON.parse('{"code":"__proto__","message":5}')), [
    'langflow_error',
    said,
    true,
  ]);
  assert.deepEqual(await end({ code: 'of_tomorrow', message: 'm' }), ['of_tomorrow', 'm', true]);
  const known = { code: 'connect_failed', message: 'm', mayHaveExecuted: false };
  assert.deepEqual(await end(known), ['connect_failed', 'm', false]);
});

test('fromReadableStream: closing and aborting cancel the body', async () => {
  for (const leave of [
    async (stream) => stream.close(),
    async (stream) => {
      for await (const event of stream) if (event.type === 'token') break;
    },
  ]) {
    await streaming(
      async (stream, server) => {
        const back = FlowStream.fromReadableStream(stream.toReadableStream());
        await back.next();
        await leave(back);
        await server.closes(1);
      },
      { end: false, open: true },
    );
  }
  await streaming(
    async (stream, server) => {
      const { signal, abort } = abortable();
      const back = FlowStream.fromReadableStream(stream.toReadableStream(), { signal });
      for (let count = 0; count < 4; count += 1) await back.next();
      const waiting = failure(back.next());
      abort();
      assert.ok((await waiting) instanceof Cancelled);
      await server.closes(1);
    },
    { end: false, open: true },
  );
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

test('the text of a stream is whole, however many pieces it came in', async () => {
  const pieces = Array.from({ length: 3000 }, (_, index) => `${index} `);
  const lines = pieces.map((text) => `${JSON.stringify({ type: 'token', text })}\n`).join('');
  const stream = FlowStream.fromReadableStream(new Blob([lines]).stream());
  for (const text of pieces.slice(0, 2500)) assert.equal((await stream.next()).value.text, text);
  stream.close();
  await assert.rejects(stream.next(), { code: 'cancelled', partialText: pieces.join('') });
});
