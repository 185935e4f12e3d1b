// createProxyHandler: runs of a page pass, with the key of the server and nobody else's.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import {
  createProxyHandler,
  InvalidBaseUrl,
  LangflowClient,
  PermissionDenied,
  toNodeListener,
} from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { deadPort, failure, frame, json, rawServer, runAnswer, STREAM_HEAD } from './support.mjs';

const path = '/api/langflow';
const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
let mock;
before(async () => {
  mock = await MockServer.start({ tokenDelay: 30 });
});
after(() => mock.stop());

/** A server of one's own that has the handler, and a client as on its pages. */
async function site(options) {
  const handler = createProxyHandler({ path, ...options });
  const server = createServer(toNodeListener(handler));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const client = new LangflowClient({ baseUrl: `${origin}${path}`, maxRetries: 0 });
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin, client, stop };
}

async function on(options, work) {
  const place = await site(options);
  try {
    await work(place);
  } finally {
    place.stop();
  }
}

const keyed = () => ({ baseUrl: mock.url, apiKey: mock.apiKey });

test('a run passes with the key of the server', async () => {
  await on(keyed(), async ({ client }) => {
    assert.match((await client.runFlow(flow)).output, /\w/);
  });
});

test('a stream passes as it is sent', async () => {
  await on(keyed(), async ({ client }) => {
    const times = [];
    for await (const event of client.streamFlow(flow)) {
      if (event.type === 'token') times.push(performance.now());
    }
    assert.ok(times.length > 3);
    assert.ok(times.at(-1) - times[0] > 60, `all came within ${times.at(-1) - times[0]} ms`);
  });
});

test('a page that goes away ends its run', async () => {
  const server = await rawServer(({ socket }) => {
    socket.write(STREAM_HEAD + frame(1, 'token', { text: 'one' }));
  });
  await on({ baseUrl: server.url, apiKey: 'k' }, async ({ client }) => {
    for await (const event of client.streamFlow(flow)) if (event.type === 'token') break;
    await server.closes(1);
  });
  await server.stop();
});

test('what the page sends about itself stays behind', async () => {
  const server = await rawServer(({ socket }) => {
    socket.end(json(200, runAnswer('hi'), { 'set-cookie': 'a=b', 'x-request-id': 'r1' }));
  });
  await on({ baseUrl: server.url, apiKey: 'Bearer right' }, async ({ origin }) => {
    const answer = await fetch(
      `${origin}${path}/langflow/api/v1/flows/f/run?stream=true&api_key=x`,
      {
        method: 'POST',
        headers: {
          authorization: 'Bearer wrong',
          'x-api-key': 'wrong',
          cookie: 'session=secret',
          'content-type': 'application/json',
          'idempotency-key': 'once',
        },
        body: '{"input_value":"hi"}',
      },
    );
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.equal(answer.headers.get('x-request-id'), 'r1');
    const [{ head, body }] = server.requests;
    assert.match(head, /^POST \/langflow\/api\/v1\/flows\/f\/run\?stream=true HTTP/);
    assert.match(head, /authorization: Bearer right/i);
    assert.match(head, /idempotency-key: once/i);
    assert.doesNotMatch(head, /wrong|secret/);
    assert.equal(body, '{"input_value":"hi"}');
  });
  await server.stop();
});

test('an open-source server gets the key in its own header', async () => {
  const server = await rawServer(({ socket }) => socket.end(json(200, {})));
  await on({ baseUrl: server.url, apiKey: 'k' }, async ({ origin }) => {
    await fetch(`${origin}${path}/api/v1/run/f?stream=false`, { method: 'POST', body: '{}' });
    assert.match(server.requests[0].head, /x-api-key: k/i);
    assert.doesNotMatch(server.requests[0].head, /authorization/i);
  });
  await server.stop();
});

test('only runs pass, and what is allowed besides', async () => {
  await on(keyed(), async ({ client }) => {
    const error = await failure(client.apiKeys.list());
    assert.ok(error instanceof PermissionDenied);
    assert.equal(error.serverCode, 'route_not_allowed');
    assert.match(error.message, /GET \/api\/langflow\/api\/v1\/api-keys/);
  });
  const allow = ['GET /langflow/api/v1/flows', 'GET /langflow/api/v1/flows/:id'];
  await on({ ...keyed(), allow }, async ({ client }) => {
    assert.ok((await client.flows.list()).total > 0);
    assert.equal((await client.flows.get({ flowId: 'hello-flow' })).id, 'hello-flow');
    assert.ok((await failure(client.flows.delete({ flowId: 'x' }))) instanceof PermissionDenied);
  });
});

test('only the flows that are named run', async () => {
  await on({ ...keyed(), flows: ['echo'] }, async ({ client }) => {
    assert.match((await client.runFlow({ ...flow, flowId: 'echo' })).output, /Hello/);
    assert.equal((await failure(client.runFlow(flow))).serverCode, 'flow_not_allowed');
  });
});

test('no path leads around the rules', async () => {
  const server = await rawServer(({ socket }) => socket.end(json(200, {})));
  const handler = createProxyHandler({ path, baseUrl: server.url, apiKey: 'k', flows: ['f'] });
  const run = '/langflow/api/v1/flows/f/run';
  for (const target of [
    `/other${run}`,
    `${path}x${run}`,
    `${path}/langflow/api/v1/flows/x%2f..%2ff/run`,
    `${path}/langflow/api/v1/flows/f%5c..%5cx/run`,
    `${path}/langflow/api/v1/flows/f/run/../../../api-keys`,
    `${path}/langflow/api/v1/flows/%E0%A4%A/run`,
    `${path}//elsewhere.example${run}`,
  ]) {
    const answer = await handler(new Request(`http://site${target}`, { method: 'POST' }));
    assert.equal(answer.status, 403, target);
  }
  assert.equal(server.requests.length, 0);
  await server.stop();
});

test('pages of other sites are refused', async () => {
  const handler = createProxyHandler({ path, ...keyed() });
  const ask = async (headers) => {
    const url = `http://site.example${path}/langflow/api/v1/version`;
    const request = new Request(url, { headers });
    return (await handler(request)).status;
  };
  assert.equal(await ask({ 'sec-fetch-site': 'same-origin' }), 200);
  assert.equal(await ask({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await ask({ origin: 'http://site.example' }), 200);
  assert.equal(await ask({ origin: 'https://evil.example' }), 403);
  assert.equal(await ask({ origin: 'null' }), 403);
  assert.equal(await ask({}), 200);
});

test('who may call is the program’s to say', async () => {
  const say = (authorize) =>
    on({ ...keyed(), authorize }, async ({ client }) => client.runFlow(flow));
  await say((request) => request.headers.get('accept') !== null);
  assert.ok((await failure(say(() => false))) instanceof PermissionDenied);
  const answer = new Response('{"code":"no"}', { status: 403 });
  assert.equal((await failure(say(async () => answer))).serverCode, 'no');
});

test('a guard that does not say true allows nothing', async () => {
  let sent = 0;
  const fetch = async () => {
    sent += 1;
    return new Response('{}');
  };
  const asked = async (authorize) => {
    const handler = createProxyHandler({ path, baseUrl: mock.url, fetch, authorize });
    const url = `http://site${path}/langflow/api/v1/flows/f/run`;
    return (await handler(new Request(url, { method: 'POST', body: '{}' }))).status;
  };
  for (const said of [undefined, null, 0, '', 'yes', 1, {}]) {
    assert.equal(await asked(async () => said), 403, String(said));
  }
  assert.equal(sent, 0);
  assert.equal(await asked(async () => true), 200);
});

test('what goes wrong behind says nothing of the server', async () => {
  await on({ baseUrl: `http://127.0.0.1:${await deadPort()}`, apiKey: 'k' }, async ({ client }) => {
    const error = await failure(client.runFlow(flow));
    assert.equal(error.status, 502);
    assert.equal(error.serverCode, 'workspace_unreachable');
    assert.doesNotMatch(JSON.stringify(error), /ECONNREFUSED/);
  });
  const server = await rawServer(({ socket }) => {
    socket.end(json(302, {}, { location: 'http://inside.example/login' }));
  });
  await on({ baseUrl: server.url, apiKey: 'k' }, async ({ client }) => {
    const error = await failure(client.runFlow(flow));
    assert.equal(error.serverCode, 'workspace_redirects');
    assert.doesNotMatch(JSON.stringify(error), /inside/);
  });
  await server.stop();
});

test('a key that the workspace repeats does not reach the page', async () => {
  const apiKey = 'KSECRET-4711';
  const said = JSON.stringify({ detail: `bad key ${apiKey}, ${apiKey}KSECRET-47` });
  const half = Math.floor(said.length / 2);
  const server = await rawServer(({ socket }) => {
    const more = { 'x-key': apiKey, 'x-request-id': `r-${apiKey}`, connection: 'close' };
    const head = json(401, {}, more).toString().split('\r\n\r\n')[0];
    socket.write(
      `${head.replace(/content-length: \d+/i, `content-length: ${said.length}`)}\r\n\r\n`,
    );
    // The key is cut in two.
    socket.write(said.slice(0, half));
    setTimeout(() => socket.end(said.slice(half)), 30);
  });
  await on(
    { baseUrl: server.url, apiKey, headers: { 'x-auth': 'Basic abcdefgh' } },
    async ({ origin }) => {
      const url = `${origin}${path}/langflow/api/v1/flows/f/run`;
      const answer = await fetch(url, { method: 'POST', body: '{}' });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers.get('x-key'), null);
      assert.equal(answer.headers.get('x-request-id'), 'r-***');
      assert.equal((await answer.json()).detail, 'bad key ***, ***KSECRET-47');
    },
  );
  await server.stop();
});

test('a guard that throws is answered with 500, a target that is none with 400', async () => {
  const heard = [];
  const lost = new Error('no database');
  const handler = createProxyHandler({ path, ...keyed(), authorize: () => Promise.reject(lost) });
  const server = createServer(toNodeListener(handler, { onError: (error) => heard.push(error) }));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  const answer = await fetch(`http://127.0.0.1:${port}${path}/langflow/api/v1/flows/f/run`, {
    method: 'POST',
    body: '{}',
  });
  assert.equal(answer.status, 500);
  assert.deepEqual(heard, [lost]);
  for (const line of ['OPTIONS * HTTP/1.1', 'POST http://evil.example/x HTTP/1.1']) {
    const status = await new Promise((done, failed) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (data) => done(Number(String(data).split(' ')[1])));
      socket.on('error', failed);
      socket.write(`${line}\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
    });
    assert.equal(status, 400, line);
  }
  server.closeAllConnections();
  server.close();
});

test('an answer that breaks off does not look whole', async () => {
  const server = await rawServer(({ socket }) => {
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"result"',
    );
    setTimeout(() => socket.destroy(), 30);
  });
  await on({ baseUrl: server.url, apiKey: 'k' }, async ({ client }) => {
    assert.equal((await failure(client.runFlow(flow))).code, 'connection_lost');
  });
  await server.stop();
});

test('options that cannot be used are refused when the handler is made', () => {
  assert.throws(
    () => createProxyHandler({ path, baseUrl: 'ftp://x', apiKey: 'k' }),
    InvalidBaseUrl,
  );
  const wrong = {
    path: [undefined, null, 5, '', '/api?x', '/api/../x', '//x'],
    flows: ['hello-flow', [5], {}],
    authorize: [true, 'admin', null],
    allow: ['GET /x', [5], ['/x'], ['GET /langflow/../x'], ['GET //x'], ['GET /x?y']],
    headers: ['x', { a: 'b\nc' }, ['a']],
    fetch: [5],
    baseUrl: [5],
    authorise: [() => false],
    flow: [['hello-flow']],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const options = { path, baseUrl: mock.url, [field]: value };
      const says = { code: 'invalid_input', field };
      assert.throws(() => createProxyHandler(options), says, `${field}: ${String(value)}`);
    }
  }
  for (const none of [undefined, null, 'x']) {
    assert.throws(() => createProxyHandler(none), { code: 'invalid_input', field: 'options' });
  }
});
