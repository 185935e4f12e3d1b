// Files on their way to a server, answers on their way to a file, and what else is beside a call.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { zipSync } from 'fflate';
import {
  CallPromise,
  InvalidInput,
  LangflowClient,
  NotFound,
  Unprocessable,
} from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { failure, json, rawServer } from './support.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
let mock;
let client;
let folder;
let flow;
let zip;

before(async () => {
  mock = await MockServer.start();
  client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  folder = await mkdtemp(join(tmpdir(), 'langflow-client-files-'));
  const { id: _, ...file } = await client.flows.export({ flowId: 'hello-flow' });
  flow = JSON.stringify(file);
  zip = zipSync({ 'one.json': new TextEncoder().encode(flow) });
  await writeFile(join(folder, 'flow.json'), flow);
  await writeFile(join(folder, 'flows.zip'), zip);
});
after(async () => {
  await mock.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The zip archive, in every shape that a program may have it in. */
const SHAPES = {
  bytes: () => zip,
  'an ArrayBuffer': () => zip.slice().buffer,
  'a Blob': () => new Blob([zip]),
  'a Blob of a type': () => new Blob([zip], { type: 'application/zip' }),
  'a File': () => new File([zip], 'flows.zip'),
  'a path': () => ({ path: join(folder, 'flows.zip') }),
  'a file: URL': () => ({ path: pathToFileURL(join(folder, 'flows.zip')) }),
  'a stream of the Web': () => new Blob([zip]).stream(),
  'a stream of Node': () => createReadStream(join(folder, 'flows.zip')),
  'a generator': async function* () {
    yield zip.subarray(0, 100);
    yield zip.subarray(100);
  },
  'content with a name': () => ({ content: new Blob([zip]), filename: 'mine.zip' }),
};

for (const [what, make] of Object.entries(SHAPES)) {
  test(`a file as ${what}`, async () => {
    const body = typeof make === 'function' ? make() : make;
    const { flows } = await client.flows.import({ body });
    assert.equal(flows.length, 1);
    const sent = (await mock.requests({ operation: 'importFlows' })).at(-1);
    assert.equal(sent.headers['content-type'], 'application/zip');
    assert.equal(sent.headers['content-length'], String(zip.length));
  });
}

test('a file says by its name or its type what it is', async () => {
  for (const body of [
    { path: join(folder, 'flow.json') },
    new File([flow], 'flow.json'),
    new Blob([flow], { type: 'application/json' }),
    { content: new Blob([flow]), contentType: 'application/json' },
  ]) {
    assert.equal((await client.flows.import({ body })).flows.length, 1);
    const sent = (await mock.requests({ operation: 'importFlows' })).at(-1);
    assert.equal(sent.headers['content-type'], 'application/json');
  }
});

test('data that is an object is no file', async () => {
  const data = JSON.parse(flow);
  assert.equal((await client.flows.import({ body: data })).flows.length, 1);
});

test('progress is told, and ends with all', async () => {
  const seen = [];
  const onProgress = (progress) => seen.push(progress);
  await client.flows.import({ body: { path: join(folder, 'flows.zip'), onProgress } });
  assert.ok(seen.length > 0);
  assert.deepEqual(seen.at(-1), { done: zip.length, total: zip.length });
});

test('a file that is sent as a form keeps its name and type', async () => {
  const server = await rawServer(({ socket }) =>
    socket.end(json(201, { id: 'f1', name: 'a', path: 'u/a.txt', size: 5 })),
  );
  try {
    const open = new LangflowClient({ baseUrl: server.url, apiKey: 'k', api: 'langflow' });
    const forms = [
      [{ file: new File(['hello'], 'a "b".txt') }, 'a %22b%22.txt', 'text/plain'],
      [{ file: new Blob(['hello'], { type: 'text/x' }), filename: 'c.bin' }, 'c.bin', 'text/x'],
      [{ file: new TextEncoder().encode('hello'), filename: 'd.txt' }, 'd.txt', undefined],
    ];
    for (const [params, filename, type] of forms) {
      await open.langflow.files.upload(params);
      const { head, body } = server.requests.at(-1);
      assert.match(head, /content-type: multipart\/form-data; boundary=/i);
      assert.ok(body.includes(`name="file"; filename="${filename}"`), body);
      if (type !== undefined) assert.ok(body.includes(`Content-Type: ${type}\r\n`), body);
      assert.ok(body.includes('\r\n\r\nhello\r\n--'), body);
    }
    const wrong = await failure(open.langflow.files.upload({ file: 'hello' }));
    assert.ok(wrong instanceof InvalidInput && wrong.field === 'file', String(wrong));
  } finally {
    await server.stop();
  }
});

test('a long stream is sent as it is read', async () => {
  const MIB = 1024 * 1024;
  let pulled = 0;
  let ended = false;
  let resume;
  const server = createServer(async (request, response) => {
    assert.equal(request.headers['transfer-encoding'], 'chunked');
    let size = 0;
    try {
      for await (const chunk of request) {
        if (resume === undefined) await new Promise((done) => (resume = done));
        size += chunk.length;
      }
    } catch {
      return; // A call that gave up.
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ flows: [{ name: String(size) }] }));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  async function* pieces(count, fails = false) {
    try {
      for (; pulled < count; pulled += 1) yield new Uint8Array(MIB);
      if (fails) throw new Error('the tape broke');
    } finally {
      ended = true;
    }
  }
  try {
    const baseUrl = `http://127.0.0.1:${server.address().port}`;
    const far = new LangflowClient({ baseUrl, apiKey: 'k' });
    const seen = [];
    const onProgress = ({ done, total }) => seen.push([done, total]);
    const sent = far.flows.import({ body: { content: pieces(64), onProgress } });
    while (resume === undefined) await sleep(10);
    await sleep(200);
    // A server that does not read stops the program from being read.
    assert.ok(pulled > 0 && pulled < 40, `${pulled} of 64 pieces`);
    resume();
    assert.deepEqual((await sent).flows, [{ name: String(64 * MIB) }]);
    assert.deepEqual(seen.at(-1), [64 * MIB, undefined]);
    assert.ok(ended);

    [pulled, ended] = [0, false];
    const error = await failure(far.flows.import({ body: pieces(3, true) }));
    assert.equal(error.code, 'file_error', String(error));
    assert.match(error.message, /the tape broke/);
    assert.ok(ended);

    async function* stuck() {
      yield new Uint8Array(2 * MIB);
      yield new Uint8Array(0);
      await new Promise(() => undefined);
    }
    const { code } = await failure(far.flows.import({ body: stuck() }, { timeout: 500 }));
    assert.equal(code, 'total_timeout');
    const signal = AbortSignal.timeout(300);
    assert.equal(
      (await failure(far.flows.import({ body: stuck() }, { signal }))).code,
      'cancelled',
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('what cannot be sent is refused before anything is', async () => {
  const before = (await mock.requests({ operation: 'importFlows' })).length;
  const missing = await failure(client.flows.import({ body: { path: join(folder, 'none.zip') } }));
  assert.ok(missing instanceof InvalidInput && missing.field === 'path', String(missing));
  const web = { path: new URL('https://example.com/flows.zip') };
  assert.ok((await failure(client.flows.import({ body: web }))) instanceof InvalidInput);
  const numbers = (async function* () {
    yield 1;
  })();
  assert.ok((await failure(client.flows.import({ body: numbers }))) instanceof InvalidInput);
  const taken = new Response('{}').body;
  taken.getReader();
  const read = await failure(client.flows.import({ body: taken }));
  assert.ok(read instanceof InvalidInput && read.field === 'body', String(read));
  assert.equal((await mock.requests({ operation: 'importFlows' })).length, before);
});

test('what the server refuses is an error as of every call', async () => {
  const error = await failure(client.flows.import({ body: new Blob(['{}']) }));
  assert.ok(error instanceof Unprocessable || error.status === 400, String(error));
  assert.ok(error.status >= 400 && error.requestId, String(error));
});

test('a signal ends a transfer and closes its connection', async () => {
  const server = await rawServer(() => undefined);
  try {
    const slow = new LangflowClient({ baseUrl: server.url, apiKey: 'k', maxRetries: 0 });
    const controller = new AbortController();
    const upload = slow.flows.import({ body: new Blob([zip]) }, { signal: controller.signal });
    const timer = setInterval(() => {
      if (server.requests.length > 0) controller.abort();
    }, 10);
    const error = await failure(upload);
    clearInterval(timer);
    assert.equal(error.code, 'cancelled');
    await server.closes(1);
    const signal = AbortSignal.abort();
    assert.equal((await failure(slow.flows.import({ body: zip }, { signal }))).code, 'cancelled');
    assert.equal(server.requests.length, 1);
  } finally {
    await server.stop();
  }
});

test('an answer goes to a file, which is there only when it is complete', async () => {
  const path = join(folder, 'saved.json');
  const seen = [];
  const saved = await client.flows
    .export({ flowId: 'hello-flow' })
    .saveTo(pathToFileURL(path), { onProgress: (progress) => seen.push(progress) });
  const text = await readFile(path, 'utf8');
  assert.deepEqual(saved, { path, size: Buffer.byteLength(text) });
  assert.equal(JSON.parse(text).name, JSON.parse(flow).name);
  assert.equal(seen.at(-1).done, saved.size);
  await mock.fault({ kind: 'close', at: 'after_bytes', bytes: 100 });
  const broken = client.flows.export({ flowId: 'hello-flow' }, { maxRetries: 0 });
  assert.equal((await failure(broken.saveTo(join(folder, 'cut.json')))).code, 'connection_lost');
  const unknown = client.flows.export({ flowId: 'none' }).saveTo(join(folder, 'none.json'));
  assert.ok((await failure(unknown)) instanceof NotFound);
  const nowhere = client.flows.export({ flowId: 'hello-flow' }).saveTo(join(folder, 'no/such/x'));
  assert.equal((await failure(nowhere)).code, 'file_error');
  assert.deepEqual((await readdir(folder)).sort(), ['flow.json', 'flows.zip', 'saved.json']);
});

test('a signal that fires as the file is complete says what became of it', async () => {
  const path = join(folder, 'late.json');
  for (let turn = 0; turn < 20; turn += 1) {
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = ({ done, total }) => done === total && controller.abort();
    const call = client.flows
      .export({ flowId: 'hello-flow' }, { signal })
      .saveTo(path, { onProgress });
    const saved = await call.then(
      () => true,
      ({ code }) => code !== 'cancelled',
    );
    const found = await readFile(path).then(
      () => true,
      () => false,
    );
    assert.equal(found, saved, `turn ${turn}`);
    await rm(path, { force: true });
  }
});

test('a call is sent once, awaited or not, and only to the file where it is saved', async () => {
  const count = async () => (await mock.requests({ operation: 'getFlow' })).length;
  const before = await count();
  const call = client.flows.get({ flowId: 'hello-flow' });
  assert.ok(call instanceof CallPromise);
  const { data, response: answer } = await call.withResponse();
  assert.equal(data, await call);
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).id, 'hello-flow');
  assert.equal((await call.asResponse()).headers.get('etag'), answer.headers.get('etag'));
  assert.equal(await call.finally(() => undefined), data);
  assert.ok((await failure(call.saveTo(join(folder, 'late')))) instanceof InvalidInput);
  assert.equal(await count(), before + 1);
  void client.flows.get({ flowId: 'echo' });
  await mock.wait({ operation: 'getFlow', flowId: 'echo' });
  const saving = client.flows.get({ flowId: 'hello-flow' });
  await saving.saveTo(join(folder, 'got.json'));
  assert.ok((await failure(saving)) instanceof InvalidInput);
  assert.equal(await count(), before + 3);
  const none = await client.flows.get({ flowId: 'none' }).catch((error) => error);
  assert.ok(none instanceof NotFound);
});

test('an answer without a body is a Response too', async () => {
  const { id } = await client.flows.create({ name: 'short-lived' });
  const gone = await client.flows.delete({ flowId: id }).asResponse();
  assert.equal(gone.status, 204);
  assert.equal(await gone.text(), '');
});

test('tweaks are checked against the flow, by name or by id', async () => {
  const tweaks = { OpenAI: { temperature: 0.9 } };
  const byId = { 'OpenAI-xxxxx': { temperature: 0.9 } };
  assert.deepEqual(await client.checkTweaks('hello-flow', tweaks), byId);
  const sent = (await mock.requests({})).length;
  assert.deepEqual(await client.checkTweaks(JSON.parse(flow), tweaks), byId);
  assert.equal((await mock.requests({})).length, sent, 'a flow that is there needs no server');
  const wrong = await failure(client.checkTweaks('hello-flow', { OpenAI: { temprature: 1 } }));
  assert.ok(wrong instanceof InvalidInput);
  assert.equal(wrong.field, 'tweaks.OpenAI.temprature');
  assert.match(wrong.message, /temperature/);
});

test('alerts come when a threshold is passed, and end when they are closed', async () => {
  const own = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey, maxRetries: 0 });
  assert.throws(() => own.watch({ errorRate: 'much' }), InvalidInput);
  assert.throws(() => own.watch({ errorRates: 0.1 }), InvalidInput);
  const alerts = own.watch({ errorRate: 0.5, minCalls: 2, window: 30_000 });
  // What happens before the first is waited for counts.
  for (let count = 0; count < 2; count += 1) await failure(own.flows.get({ flowId: 'none' }));
  for await (const alert of alerts) {
    assert.deepEqual(alert, {
      kind: 'error_rate',
      value: 1,
      threshold: 0.5,
      calls: 2,
      window: 30,
    });
    break;
  }
  const closed = own.watch({ tokens: 1 });
  setTimeout(() => closed.close(), 20);
  for await (const _ of closed) assert.fail('nothing has passed it');
});

test('with WebAssembly bytes go out, and files are refused by name', async () => {
  const program = `
    import { LangflowClient } from 'langflow-client';
    const client = new LangflowClient();
    const flow = ${flow};
    const body = new File([JSON.stringify(flow)], 'flow.json');
    const codes = await Promise.all([
      client.flows.import({ body: { path: 'x.zip' } }),
      client.flows.export({ flowId: 'hello-flow' }).saveTo('x.json'),
      client.exportFlow('hello-flow'),
      client.pullProject('support', 'x'),
      client.pushProject('x'),
      // A port that fetch asks for nothing.
      client.withOptions({ baseUrl: 'http://localhost:1', maxRetries: 0 }).flows.list(),
    ].map((call) => call.catch((error) => [error.code, error.field])));
    const { flows } = await client.flows.import({ body });
    const tweaks = await client.checkTweaks('hello-flow', { OpenAI: { temperature: 1 } });
    console.log(JSON.stringify([flows.length, codes, tweaks]));`;
  const env = {
    ...process.env,
    LANGFLOW_ENGINE: 'wasm',
    LANGFLOW_URL: mock.url,
    LANGFLOW_API_KEY: mock.apiKey,
  };
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await run(process.execPath, args, { cwd: root, env });
  assert.deepEqual(JSON.parse(stdout), [
    1,
    [
      ['unsupported', 'path'],
      ['unsupported', 'path'],
      ['unsupported', null],
      ['unsupported', null],
      ['unsupported', null],
      ['connect_failed', null],
    ],
    { 'OpenAI-xxxxx': { temperature: 1 } },
  ]);
});

test('a source that gives nothing ends with the call', async () => {
  const one = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey, maxRetries: 0 });
  const error = await failure(one.flows.import({ body: new ReadableStream({}) }, { timeout: 200 }));
  assert.deepEqual([error.code, error.mayHaveExecuted], ['total_timeout', false]);
  const aborts = new AbortController();
  const { signal } = aborts;
  const left = failure(one.flows.import({ body: new ReadableStream({}) }, { signal }));
  setTimeout(() => aborts.abort(), 50);
  assert.equal((await left).code, 'cancelled');
});

test('what bytes of a flow are is found out', async () => {
  const one = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  const text = await one.exportFlow('echo');
  for (const body of [
    new TextEncoder().encode(text),
    new Blob([text]),
    new Blob([text]).stream(),
    { content: new Blob([text]).stream(), filename: 'flow' },
  ]) {
    const { flows } = await one.flows.import({ body, onConflict: 'new_id' });
    assert.equal(flows.length, 1);
    await one.flows.delete({ flowId: flows[0].id });
  }
});

test('what is said of a file is refused by name where it is nothing', async () => {
  for (const [body, field] of [
    [{ path: null }, 'path'],
    [{ path: 5 }, 'path'],
    [{ path: 'x', onProgres: () => 1 }, 'onProgres'],
    [{ content: new Blob(['{}']), name: 'x' }, 'name'],
  ]) {
    const error = await failure(() => client.flows.import({ body }));
    assert.deepEqual([error.code, error.field], ['invalid_input', field]);
  }
  const json = await failure(client.exportFlow('echo', { tweaks: { A: { b: 1 } } }));
  assert.deepEqual([json.code, json.field], ['invalid_input', 'format']);
});
