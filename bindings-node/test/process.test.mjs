// The package among other things in a process: threads, many calls, and leaving.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { LangflowClient } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('..', import.meta.url));
const entry = fileURLToPath(new URL('../dist/cjs/index.js', import.meta.url));
const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
let mock;

before(async () => {
  // Slow enough that a stream is under way whenever something happens to its thread.
  mock = await MockServer.start({ tokenDelay: 2 });
});
after(() => mock.stop());

const program = (body) => `
  import { LangflowClient } from 'langflow-client';
  const client = new LangflowClient({ baseUrl: '${mock.url}', apiKey: '${mock.apiKey}' });
  const flow = ${JSON.stringify(flow)};
  ${body}`;

test('a process with an idle client leaves by itself', async () => {
  const text = program('console.log((await client.runFlow(flow)).output);');
  const args = ['--input-type=module', '--eval', text];
  const { stdout } = await run(process.execPath, args, { cwd, timeout: 10_000 });
  assert.match(stdout, /\w/);
});

test('64 runs at once on one client', async () => {
  const client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  const results = await Promise.all(
    Array.from({ length: 64 }, (_, index) =>
      client.runFlow({ flowId: 'echo', inputValue: `number ${index}` }),
    ),
  );
  results.forEach((result, index) => assert.match(result.output, new RegExp(`number ${index}$`)));
});

test('64 streams at once on one client', async () => {
  const client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  const results = await Promise.all(
    Array.from({ length: 64 }, () => client.streamFlow(flow).finalResult()),
  );
  assert.equal(new Set(results.map((result) => result.output)).size, 1);
});

const worker = (body) => `
  const { LangflowClient } = require(${JSON.stringify(entry)});
  const client = new LangflowClient({ baseUrl: '${mock.url}', apiKey: '${mock.apiKey}' });
  const flow = ${JSON.stringify(flow)};
  const { parentPort } = require('node:worker_threads');
  (async () => {${body}})();`;

test('worker threads have clients of their own', async () => {
  const text = worker('parentPort.postMessage((await client.runFlow(flow)).output);');
  const outputs = await Promise.all(
    [1, 2, 3].map(async () => (await once(new Worker(text, { eval: true }), 'message'))[0]),
  );
  assert.equal(new Set(outputs).size, 1);
});

test('threads that are ended in the middle of calls take nothing with them', async () => {
  const text = worker(`
    parentPort.postMessage('ready');
    for (;;) {
      const stream = client.streamFlow(flow);
      await Promise.all([client.runFlow(flow), stream.finalResult(), client.flows.list()]);
    }`);
  // A process of its own, so that a crash is a failed test and not the end of all tests.
  const program = `
    const { once } = require('node:events');
    const { Worker } = require('node:worker_threads');
    (async () => {
      for (let round = 0; round < 25; round += 1) {
        const workers = [1, 2, 3, 4].map(() => new Worker(${JSON.stringify(text)}, { eval: true }));
        await Promise.all(workers.map((one) => once(one, 'message')));
        await new Promise((wake) => setTimeout(wake, Math.random() * 40));
        await Promise.all(workers.map((one) => one.terminate()));
      }
      console.log('alive');
    })();`;
  const { stdout } = await run(process.execPath, ['--eval', program], { cwd, timeout: 60_000 });
  assert.equal(stdout.trim(), 'alive');
});
