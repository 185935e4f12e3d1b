// Whatever a server does wrong, a call ends with its result or with an error of ours, nothing is
// rejected behind the program's back, and the process leaves by itself.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('..', import.meta.url));
// The matrix that every language is held to, and the statuses that it leaves out.
const matrix = JSON.parse(readFileSync(join(cwd, '../tests/faults.json'), 'utf8'));
const FAULTS = [
  ...matrix.map(({ fault }) => fault),
  ...[400, 401, 403, 409, 413, 418, 422, 429, 504].map((status) => ({ kind: 'status', status })),
];

let mock;
before(async () => {
  mock = await MockServer.start();
});
after(() => mock.stop());

const program = (faults) => `
  import { LangflowClient, LangflowError, RunResult } from 'langflow-client';
  const behind = [];
  process.on('unhandledRejection', (error) => behind.push(['unhandledRejection', String(error)]));
  process.on('uncaughtException', (error) => behind.push(['uncaughtException', String(error)]));
  const client = new LangflowClient({
    baseUrl: '${mock.url}',
    apiKey: '${mock.apiKey}',
    maxRetries: 1,
    timeout: 1500,
  });
  const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
  const ends = async (what, work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LangflowError)) behind.push([what, String(error)]);
      return error;
    }
  };
  const faults = ${JSON.stringify(faults)};
  const codes = [];
  // Some at a time: a call that only waits for its turn would run out of time.
  while (faults.length > 0) codes.push(...(await Promise.all(
    faults.splice(0, 8).map(async (fault) => {
      const options = { headers: { 'x-mock': JSON.stringify(fault) } };
      const what = JSON.stringify(fault);
      const found = await Promise.all([
        ends(what, () => client.runFlow(flow, options)),
        ends(what, () => client.streamFlow(flow, options).finalResult()),
        ends(what, async () => {
          for await (const event of client.streamFlow(flow, options)) if (event.text) break;
        }),
        ends(what, () => Promise.all(client.streamFlow(flow, options).tee().map((one) => one.finalResult()))),
        ends(what, () => new Response(client.streamFlow(flow, options).toReadableStream()).text()),
        ends(what, () => client.runFlow(flow, { ...options, signal: AbortSignal.timeout(30) })),
        ends(what, () => client.streamFlow(flow, { ...options, signal: AbortSignal.timeout(30) }).finalResult()),
        ends(what, async () => {
          for await (const flow of client.flows.list({}, options)) if (flow) break;
        }),
        ends(what, () => client.runMany([flow, flow], options).all()),
        ends(what, () => client.flows.import({ body: new Blob(['{}']) }, options)),
        ends(what, () => client.flows.get({ flowId: 'echo' }, options).withResponse()),
      ]);
      return [what, found[0].code ?? 'result', found[1].code ?? 'result'];
    }),
  )));
  console.log(JSON.stringify({ behind, codes }));`;

for (const engine of ['native', 'wasm']) {
  test(`every fault of the mock server, ${engine} engine`, { timeout: 120_000 }, async (t) => {
    const args = ['--input-type=module', '--eval', program(FAULTS)];
    const env = { ...process.env, LANGFLOW_ENGINE: engine };
    const options = { cwd, env, timeout: 100_000, maxBuffer: 2 ** 24 };
    const { stdout } = await run(process.execPath, args, options);
    const { behind, codes } = JSON.parse(stdout);
    assert.deepEqual(behind, []);
    assert.equal(codes.length, FAULTS.length);
    for (const [fault, ran, streamed] of codes) t.diagnostic(`${fault}: ${ran}, ${streamed}`);
    // The matrix strikes: what breaks an answer is not a result.
    const broken = codes.filter(([, ran, streamed]) => ran !== 'result' && streamed !== 'result');
    assert.ok(broken.length > 15, `only ${broken.length} faults were felt`);
  });
}
