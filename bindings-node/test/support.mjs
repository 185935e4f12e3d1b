// Servers and helpers that the tests share.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The events of a short run, as the server writes them. */
export const TOKENS = ['I', "'m", ' fine'];

/** An answer with a JSON body. */
export function json(status, value, headers = {}) {
  return response(status, JSON.stringify(value), {
    'content-type': 'application/json',
    ...headers,
  });
}

/** A whole HTTP answer as text. */
export function response(status, body, headers = {}) {
  const lines = Object.entries({
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Said\r\n${lines.join('')}\r\n${body}`;
}

/** The head of a stream that ends when the connection does. */
export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';

/** One event on the wire. */
export function frame(id, event, data) {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The answer of a run on the wire. */
export function runAnswer(output, more = {}) {
  return {
    result: { output },
    session_id: 's1',
    metadata: { duration: 0.1, tokens_used: 3 },
    ...more,
  };
}

/**
 * A server that hands each request, as soon as it is complete, to `answer({ head, body, socket })`
 * and records requests and closed connections.
 */
export async function rawServer(answer) {
  const requests = [];
  const waiting = [];
  let closed = 0;
  const server = createServer((socket) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed += 1;
      for (const wake of waiting.splice(0)) wake();
    });
    socket.on('data', (chunk) => {
      text += chunk;
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const request = { head, body: text.slice(end + 4, end + 4 + length), socket };
      text = '';
      requests.push(request);
      answer(request, requests.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    get closed() {
      return closed;
    },
    /** Waits until so many connections are closed. */
    async closes(count, limit = 5000) {
      const deadline = Date.now() + limit;
      while (closed < count) {
        if (Date.now() > deadline) throw new Error(`${closed} of ${count} connections closed`);
        await Promise.race([
          new Promise((wake) => waiting.push(wake)),
          new Promise((wake) => setTimeout(wake, 50)),
        ]);
      }
    },
    async stop() {
      server.close();
    },
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

/** The error that a call ends with. */
export async function failure(work) {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error;
  }
  throw new Error('the call did not fail');
}

/** A port that nobody listens on. */
export async function deadPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
