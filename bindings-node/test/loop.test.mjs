// Calls as guests of the loop of Node: on its thread, and as events of it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { LangflowClient } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('..', import.meta.url));
let mock;

before(async () => {
  mock = await MockServer.start();
});
after(() => mock.stop());

async function program(body, env = {}) {
  const text = `
    import { LangflowClient } from 'langflow-client';
    const client = new LangflowClient({ baseUrl: '${mock.url}', apiKey: '${mock.apiKey}' });
    const flow = { flowId: 'echo', inputValue: 'Hello!' };
    ${body}`;
  const args = ['--input-type=module', '--eval', text];
  return run(process.execPath, args, { cwd, timeout: 20_000, env: { ...process.env, ...env } });
}

const threads = { skip: process.platform === 'linux' ? false : 'reads /proc' };

test('a call wakes no other thread, unless it is told to run on one', threads, async () => {
  const body = `
    import { readdirSync, readFileSync } from 'node:fs';
    const switches = () =>
      readdirSync('/proc/self/task')
        .filter((task) => readFileSync('/proc/self/task/' + task + '/comm', 'utf8') === 'langflow\\n')
        .map((task) => readFileSync('/proc/self/task/' + task + '/status', 'utf8'))
        .map((text) => Number(/^voluntary_ctxt_switches:\\s*(\\d+)/m.exec(text)[1]))
        .reduce((sum, one) => sum + one, 0);
    await client.runFlow(flow);
    const before = switches();
    for (let call = 0; call < 200; call += 1) await client.runFlow(flow);
    console.log(switches() - before);`;
  const here = await program(body);
  const elsewhere = await program(body, { LANGFLOW_ENGINE: 'native-thread' });
  assert.ok(Number(here.stdout) < 50, `${here.stdout} switches of 200 calls`);
  assert.ok(Number(elsewhere.stdout) >= 200, `${elsewhere.stdout} switches of 200 calls`);
});

test('what is thrown where an answer is taken is an error of the program', async () => {
  for (const LANGFLOW_ENGINE of ['native', 'native-thread']) {
    const body = `
      process.on('uncaughtException', (error) => { console.log('heard', error.message); });
      client.runFlow(flow).then(() => { throw new Error('of the program'); });`;
    const { stdout } = await program(body, { LANGFLOW_ENGINE });
    assert.equal(stdout, 'heard of the program\n');
  }
});

test('ticks, promises and local storage go on after an answer as after any event', async () => {
  for (const LANGFLOW_ENGINE of ['native', 'native-thread']) {
    const body = `
      import { AsyncLocalStorage } from 'node:async_hooks';
      const storage = new AsyncLocalStorage();
      const seen = [];
      await storage.run('mine', async () => {
        await client.runFlow(flow);
        process.nextTick(() => seen.push('tick'));
        Promise.resolve().then(() => seen.push('promise'));
        setImmediate(() => seen.push('immediate'));
        seen.push(storage.getStore());
        await new Promise((done) => setTimeout(done, 20));
      });
      console.log(seen.join());`;
    const { stdout } = await program(body, { LANGFLOW_ENGINE });
    assert.equal(stdout, 'mine,promise,tick,immediate\n');
  }
});

test('a call that is given up lets the program end', async () => {
  const body = `
    const controller = new AbortController();
    const slow = client.withOptions({ baseUrl: process.env.SILENT, api: 'workspace' });
    const call = slow.runFlow(flow, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    console.log(await call.catch((error) => error.code));`;
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const SILENT = `http://127.0.0.1:${silent.address().port}`;
    const { stdout } = await program(body, { SILENT });
    assert.equal(stdout, 'cancelled\n');
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

test('a connection that the server closed while the program was busy is not used again', async () => {
  // On a thread of its own, which is not busy when this one is.
  const server = `
    const { createServer } = require('node:http');
    const { parentPort } = require('node:worker_threads');
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      request.resume();
      request.on('end', () => {
        response.setHeader('content-type', 'application/json');
        const answer = { result: { output: String(asked) }, session_id: 's', metadata: {} };
        response.end(JSON.stringify({ ...answer, session_status: 'new' }));
        setTimeout(() => request.socket.destroy(), 10);
      });
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(server, { eval: true });
  const [port] = await once(worker, 'message');
  const baseUrl = `http://127.0.0.1:${port}`;
  const client = new LangflowClient({ baseUrl, apiKey: 'x', api: 'workspace', maxRetries: 0 });
  try {
    for (const wanted of ['1', '2', '3']) {
      const result = await client.runFlow({ flowId: 'f', inputValue: 'x' });
      assert.equal(result.output, wanted);
      for (const end = Date.now() + 50; Date.now() < end;);
    }
  } finally {
    await worker.terminate();
  }
});

test('calls that begin on the answers of others leave timers their turn', async () => {
  const body = `
    let over = false, ticks = 0;
    setInterval(() => { ticks += 1; }, 5).unref();
    setTimeout(() => { over = true; }, 1000);
    const begun = performance.now();
    const lane = async () => {
      while (!over && performance.now() - begun < 8000) await client.runFlow(flow);
    };
    await Promise.all(Array.from({ length: 50 }, lane));
    console.log(JSON.stringify({ over, ticks }));`;
  const { over, ticks } = JSON.parse((await program(body)).stdout);
  assert.ok(over && ticks > 5, `the timer fired: ${over}, and ${ticks} others of 5 ms`);
});
