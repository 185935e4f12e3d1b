// The package among other things in a process: threads, many calls, and leaving.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { LangflowClient } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('..', import.meta.url));
const flow = { flowId: 'hello-flow', inputValue: 'Hello!' };
let mock;

before(async () => {
  mock = await MockServer.start();
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

test('worker threads have clients of their own, and one may be ended in the middle of a call', async () => {
  const text = program(`
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage((await client.runFlow(flow)).output);
    await client.streamFlow(flow).finalResult();
    setInterval(() => client.runFlow(flow).catch(() => undefined), 1);`);
  const outputs = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(moduleAt(text));
          worker.once('error', reject);
          worker.once('message', async (output) => {
            await new Promise((wake) => setTimeout(wake, 30));
            await worker.terminate();
            resolve(output);
          });
        }),
    ),
  );
  assert.equal(new Set(outputs).size, 1);
});

/** A module without a file, that finds the package as a file here would. */
function moduleAt(text) {
  const entry = new URL('../dist/index.mjs', import.meta.url).href;
  return new URL(
    `data:text/javascript,${encodeURIComponent(text.replace("'langflow-client'", `'${entry}'`))}`,
  );
}
