// Streams: events in order, and connections that close when they are no longer wanted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Cancelled,
  FlowStream,
  InvalidInput,
  LangflowClient,
  RunResult,
  StreamInterrupted,
} from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { failure, frame, rawServer, runAnswer, STREAM_HEAD, TOKENS } from './support.mjs';

const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };

/** A server that sends the events and then keeps the connection open, or ends it. */
function streaming({ end = true, open = false } = {}) {
  return rawServer(({ socket }) => {
    socket.write(STREAM_HEAD);
    socket.write(frame(1, 'run_started', { run_id: 'r1', session_id: 's1' }));
    TOKENS.forEach((text, index) => socket.write(frame(index + 2, 'token', { text })));
    if (end) socket.write(frame(9, 'end', runAnswer(TOKENS.join(''))));
    if (!open) socket.end();
  });
}

const clientOf = (server) => new LangflowClient({ baseUrl: server.url, apiKey: 'k' });

test('events of the mock server, typed and in order', async () => {
  await using(await MockServer.start(), async (server) => {
    const client = new LangflowClient({ baseUrl: server.url, apiKey: server.apiKey });
    const types = [];
    let text = '';
    let result;
    for await (const event of client.streamFlow(flow)) {
      types.push(event.type);
      if (event.type === 'token') text += event.text;
      if (event.type === 'component_completed') assert.equal(typeof event.componentId, 'string');
      if (event.type === 'end') ({ result } = event);
    }
    assert.equal(types[0], 'run_started');
    assert.equal(types.at(-1), 'end');
    assert.ok(result instanceof RunResult);
    assert.equal(text, result.output);
  });
});

test('textStream and finalResult', async () => {
  await using(await streaming(), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    assert.deepEqual(pieces, TOKENS);
    assert.equal((await stream.finalResult()).output, "I'm fine");
    assert.equal((await clientOf(server).streamFlow(flow).finalResult()).text, "I'm fine");
  });
});

test('a stream that is over is not read again as if it had no events', async () => {
  await using(await streaming(), async (server) => {
    const read = async (stream) => {
      const types = [];
      for await (const { type } of stream) types.push(type);
      return types;
    };
    const whole = clientOf(server).streamFlow(flow);
    // The protocol of iterators: what gives one gives itself.
    assert.equal((await read(whole[Symbol.asyncIterator]())).at(-1), 'end');
    const left = clientOf(server).streamFlow(flow);
    for await (const _ of left) break;
    const known = clientOf(server).streamFlow(flow);
    await known.finalResult();
    for (const stream of [whole, left, known]) {
      for (const again of [() => read(stream), () => read(stream.textStream)]) {
        const error = await failure(again);
        assert.ok(error instanceof InvalidInput, String(error));
        assert.equal(error.field, 'stream');
        assert.match(error.message, /tee\(\)/);
      }
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
    }
    assert.equal((await whole.finalResult()).output, "I'm fine");
    // What ended it is said as before.
    const closed = clientOf(server).streamFlow(flow);
    closed.close();
    assert.ok((await failure(read(closed))) instanceof Cancelled);
  });
});

test('nothing is sent before the first event is asked for', async () => {
  await using(await streaming(), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    assert.ok(stream instanceof FlowStream);
    await new Promise((done) => setTimeout(done, 50));
    assert.equal(server.requests.length, 0);
    stream.close();
    const error = await failure(stream.next());
    assert.ok(error instanceof Cancelled);
    assert.equal(error.mayHaveExecuted, false);
    assert.equal(error.partialText, undefined);
    assert.equal(server.requests.length, 0);
  });
});

test('leaving the loop closes the connection', async () => {
  await using(await streaming({ end: false, open: true }), async (server) => {
    const client = clientOf(server);
    for await (const event of client.streamFlow(flow)) if (event.type === 'token') break;
    await server.closes(1);
    for await (const piece of client.streamFlow(flow).textStream) if (piece) break;
    await server.closes(2);
  });
});

test('close and asyncDispose close the connection, and whoever reads learns of it', async () => {
  await using(await streaming({ end: false, open: true }), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    for (let count = 0; count < 4; count += 1) await stream.next();
    const waiting = stream.next();
    setTimeout(() => stream.close(), 20);
    const error = await failure(waiting);
    assert.ok(error instanceof Cancelled);
    assert.equal(error.mayHaveExecuted, true);
    assert.equal(error.partialText, "I'm fine");
    await server.closes(1);
    stream.close();
    assert.equal(await failure(stream.finalResult()), error);
    assert.equal(await failure(stream.textStream.next()), error);

    const other = clientOf(server).streamFlow(flow);
    await other.next();
    await other[Symbol.asyncDispose]();
    await server.closes(2);
  });
});

test('closing while the request is on its way ends it', async () => {
  await using(await rawServer(() => undefined), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    const first = stream.next();
    setTimeout(() => stream.close(), 50);
    const error = await failure(first);
    assert.ok(error instanceof Cancelled);
    assert.equal(error.mayHaveExecuted, true);
    await server.closes(1);
  });
});

test('a stream that is cut off delivers what came and then says so', async () => {
  await using(await streaming({ end: false }), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    let text = '';
    const error = await failure(async () => {
      for await (const event of stream) if (event.type === 'token') text += event.text;
    });
    assert.equal(text, "I'm fine");
    assert.ok(error instanceof StreamInterrupted);
    assert.equal(error.partialText, "I'm fine");
    assert.equal(error.mayHaveExecuted, true);
    assert.equal(await failure(stream.finalResult()), error);
    // Asked again it says so again: an end would look like the whole answer.
    assert.equal(await failure(stream.next()), error);
  });
});

test('a stream whose loop was left is over', async () => {
  await using(await streaming({ end: false, open: true }), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    for await (const event of stream) if (event.type === 'token') break;
    stream.close();
    assert.equal((await stream.next()).done, true);
    const error = await failure(stream.finalResult());
    assert.ok(error instanceof Cancelled);
    assert.equal(error.partialText.slice(0, 1), 'I');
  });
});

test('an aborted stream keeps the text that came', async () => {
  await using(await streaming({ end: false, open: true }), async (server) => {
    const stop = new AbortController();
    const stream = clientOf(server).streamFlow(flow, { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    const error = await failure(stream.finalResult());
    assert.ok(error instanceof Cancelled);
    assert.equal(error.mayHaveExecuted, true);
    assert.equal(error.partialText, "I'm fine");

    const early = await failure(clientOf(server).streamFlow(flow, { signal: stop.signal }).next());
    assert.equal(early.mayHaveExecuted, false);
    assert.equal(early.partialText, undefined);
    assert.equal(server.requests.length, 1);
  });
});

test('calls of next that overlap are answered in order', async () => {
  await using(await streaming(), async (server) => {
    const stream = clientOf(server).streamFlow(flow);
    const events = await Promise.all([1, 2, 3, 4, 5, 6].map(() => stream.next()));
    assert.deepEqual(
      events.map(({ value }) => value?.type),
      ['run_started', 'token', 'token', 'token', 'end', undefined],
    );
  });
});

async function using(server, work) {
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}
