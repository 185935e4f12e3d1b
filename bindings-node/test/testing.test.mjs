// What a test can do with the mock server, in node:test and in Vitest.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InvalidInput, LangflowClient, RateLimited } from 'langflow-client';
import { MockServer, startMock } from 'langflow-client/testing';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const clientOf = (mock, more) =>
  new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey, ...more });

test('time moves and says what fell due', async (t) => {
  const mock = await startMock(t);
  const client = clientOf(mock);
  const first = await client.runFlow({ flowId: 'memory-chat', inputValue: 'My name is Ada' });
  const fired = await mock.advance(31 * 60_000);
  assert.deepEqual(
    fired.map(({ type, sessionId }) => [type, sessionId]),
    [['session_expired', first.sessionId]],
  );
  await mock.freeze('2026-01-01T00:00Z');
  await client.runFlow({ flowId: 'echo', inputValue: 'Hi' });
  assert.equal((await mock.requests()).at(-1).at, '2026-01-01T00:00:00Z');
  await assert.rejects(mock.advance('soon'), /advance: has to be seconds/);
});

test('what came is counted and ordered', async (t) => {
  const mock = await startMock(t);
  const client = clientOf(mock);
  await client.runFlow({ flowId: 'echo', inputValue: 'Hi' });
  await client.runFlow({ flowId: 'hello-flow', inputValue: 'Hello' });
  await mock.verify({ operation: 'runFlow' }, { count: 2 });
  await mock.verify([{ flowId: 'echo' }, { flowId: 'hello-flow' }]);
  await mock.verify({ operation: 'listFlows' }, { max: 0 });
  await mock.wait({ operation: 'runFlow' }, { count: 2 });
  const [request] = await mock.requests({ flowId: 'echo' });
  assert.equal(JSON.parse(request.body.text).input_value, 'Hi');
  assert.equal(request.headers.authorization, 'Bearer ***');
  const assertion = { name: 'AssertionError' };
  await assert.rejects(mock.verify({ operation: 'runFlow' }, { count: 1 }), {
    ...assertion,
    message: /2 came, exactly 1 should/,
  });
  await assert.rejects(mock.verify({ operation: 'cancelRun' }), {
    ...assertion,
    message: /POST .*\/flows\/echo\/run -> 200/,
  });
  await assert.rejects(mock.wait({ operation: 'cancelRun' }, { timeout: 50 }), {
    ...assertion,
    message: /0 of 1 came within 50 ms/,
  });
});

test('faults strike and are used up, models follow their script', async (t) => {
  const mock = await startMock(t);
  const client = clientOf(mock, { maxRetries: 0 });
  const match = { flowId: 'echo' };
  const id = await mock.fault({ kind: 'rate_limited', retryAfter: 3, match, times: 2 });
  const [armed] = await mock.faults();
  assert.deepEqual([armed.id, armed.retryAfter, armed.hits], [id, 3, 0]);
  const call = () => client.runFlow({ flowId: 'echo', inputValue: 'Hi' });
  await assert.rejects(call(), (error) => error instanceof RateLimited && error.retryAfter === 3);
  await mock.disarm(id);
  assert.equal((await call()).output, 'Hi');
  await mock.script({ text: 'As you wish.', match: { messageContains: 'wish' } });
  const wish = await client.runFlow({ flowId: 'hello-flow', inputValue: 'I wish' });
  assert.equal(wish.output, 'As you wish.');
  await assert.rejects(mock.fault({ kind: 'rate_limitted' }), /kind/);
});

test('deliveries, the verdict, and a reset', async (t) => {
  const mock = await startMock(t);
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => receiver.close());
  const client = clientOf(mock);
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;
  await client.webhooks.create({ flowId: 'echo', url, events: ['flow_completed'] });
  await client.runFlow({ flowId: 'echo', inputValue: 'Hi' });
  await mock.advance('1s');
  const [delivery] = await mock.deliveries({ status: 'delivered' });
  assert.equal(delivery.event, 'flow_completed');
  assert.deepEqual(delivery.payload.result, { output: 'Hi' });
  assert.equal(delivery.attempts[0].statusCode, 204);

  assert.equal((await mock.verdict()).ok, true);
  await fetch(`${mock.url}/langflow/api/v1/health?key=${mock.apiKey}`);
  const { findings } = await mock.verdict();
  assert.equal(findings[0].code, 'secret_in_url');
  assert.equal((await mock.verdict({ ignore: ['secret_in_url'] })).ok, true);
  await mock.assertResilient({ ignore: ['secret_in_url'], strict: true });
  await assert.rejects(mock.assertResilient(), /secret_in_url/);
  await mock.reset();
  assert.deepEqual(await mock.requests(), []);
});

test('what makes no sense is said by name, before anything is sent', async (t) => {
  const mock = await startMock(t);
  const cases = [
    [() => mock.control(null), 'method'],
    [() => mock.control('GET', null), 'path'],
    [() => mock.control('GET', 'info'), 'path'],
    [() => mock.advance(null), 'by'],
    [() => mock.advance(-1), 'by'],
    [() => mock.freeze(null), 'at'],
    [() => mock.freeze('x'), 'at'],
    [() => mock.fault(null), 'fault'],
    [() => mock.fault([]), 'fault'],
    [() => mock.script('text'), 'script'],
    [() => mock.disarm(null), 'id'],
    [() => mock.requests(null), 'match'],
    [() => mock.verify(null), 'match'],
    [() => mock.verify([null]), 'match'],
    [() => mock.verify({}, null), 'count'],
    [() => mock.wait(null), 'match'],
    [() => mock.wait({}, null), 'options'],
    [() => mock.deliveries(null), 'match'],
    [() => mock.verdict(null), 'options'],
    [() => mock.verdict({ ignore: 'gave_up' }), 'ignore'],
    [() => MockServer.start(null), 'options'],
    [() => MockServer.start({ tokenDelay: -1 }), 'tokenDelay'],
    [() => MockServer.start({ keepalive: NaN }), 'keepalive'],
    [() => startMock(null), 'context'],
    [() => startMock({}, { seed: 1 }), 'context'],
    [() => startMock(new (class Suite {})()), 'context'],
  ];
  for (const [call, field] of cases)
    await assert.rejects(call, (error) => error instanceof InvalidInput && error.field === field);
  for (const webhookSchedule of ['sometimes', [-1], null])
    await assert.rejects(MockServer.start({ webhookSchedule }), Error);
  await assert.rejects(MockServer.start({ token_delai: 1 }), /token_delai/);
  assert.deepEqual(await mock.requests(), []);
});

test('options alone start a server that the caller ends', async () => {
  const mock = await startMock({ seed: 7, seedFlows: false });
  assert.deepEqual(mock.flowIds, {});
  await mock[Symbol.asyncDispose]();
  await assert.rejects(fetch(mock.url));
});

/** A folder with test files that know the package by its name. */
function folder(t, files) {
  const path = mkdtempSync(join(tmpdir(), 'langflow-client-testing-'));
  t.after(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(root, join(path, 'node_modules/langflow-client'));
  symlinkSync(join(root, 'node_modules/vitest'), join(path, 'node_modules/vitest'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const body = (runner) => `
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from '${runner}';
import { LangflowClient } from 'langflow-client';
import { startMock } from 'langflow-client/testing';

test('passes', async (t) => {
  const mock = await startMock(t);
  const client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  await client.runFlow({ flowId: 'echo', inputValue: 'Hello!' });
  await mock.verify({ operation: 'runFlow' }, { count: 1 });
  writeFileSync('url', mock.url);
});

test('the server of the last test is gone', async () => {
  const { readFileSync } = await import('node:fs');
  await assert.rejects(fetch(readFileSync('url', 'utf8')));
});

test('fails', async (t) => {
  const mock = await startMock(t);
  const client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
  await client.runFlow({ flowId: 'two-outputs', inputValue: 'Hello!' });
  assert.equal(1, 2);
});

test('fails without a server', async (t) => {
  const mock = await startMock(t);
  await mock.stop();
  assert.equal(1, 2);
});
`;

/** A failing run of tests: its output. */
async function failing(program, args, cwd) {
  const env = { ...process.env, NO_COLOR: '1', CI: '1' };
  // Of a runner above this one: the tests below it would report to that.
  delete env.NODE_TEST_CONTEXT;
  const failed = await run(program, args, { cwd, env, timeout: 60_000 }).catch((error) => error);
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  return failed.stdout + failed.stderr;
}

function hold(output) {
  assert.equal(
    output.match(/langflow mock http:\/\/127\.0\.0\.1:\d+: the last/g)?.length,
    1,
    output,
  );
  assert.match(output, /POST .*\/flows\/two-outputs\/run -> 200/);
  assert.match(output, /verdict: nothing to blame/);
}

test('node:test: gone after the test, and a failed test shows what came', async (t) => {
  const path = folder(t, { 'a.test.mjs': body('node:test') });
  const output = await failing(
    process.execPath,
    ['--test', '--test-reporter=tap', 'a.test.mjs'],
    path,
  );
  hold(output);
  assert.match(output, /# pass 2\n# fail 2/);
});

test('Vitest: the same', async (t) => {
  const path = folder(t, { 'a.test.mjs': body('vitest') });
  const output = await failing(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], path);
  hold(output);
  assert.match(output, /2 failed \| 2 passed/);
});

test('await using ends the server', async (t) => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const path = folder(t, {
    'a.mts': `
import { startMock } from 'langflow-client/testing';
let url = '';
{
  await using mock = await startMock(undefined, { seed: 7 });
  url = mock.url;
}
console.log(await fetch(url).then(() => 'there', () => 'gone'));`,
  });
  const options = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2022,esnext.disposable,dom',
    '--strict',
  ];
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  await run(process.execPath, [tsc, ...options, ...types, 'a.mts'], { cwd: path });
  const { stdout } = await run(process.execPath, ['a.mjs'], { cwd: path });
  assert.equal(stdout.trim(), 'gone');
});

test('a server whose address alone is kept goes on, and does not keep its process', async () => {
  const program = `
    import { MockServer } from 'langflow-client/testing';
    const address = async () => (await MockServer.start()).url;
    const url = await address();
    for (let round = 0; round < 3; round += 1) {
      globalThis.gc();
      await new Promise((wake) => setTimeout(wake, 50));
    }
    console.log((await fetch(url + '/health')).status > 0);`;
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const { stdout } = await run(process.execPath, args, { cwd: root, timeout: 20_000 });
  assert.equal(stdout, 'true\n');
});

test('a server begins with flows, keys and pauses of the user', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'seed-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ours = await startMock(t);
  const flow = await clientOf(ours).flows.export({ flowId: 'echo' });
  writeFileSync(join(folder, 'mine.json'), JSON.stringify({ ...flow, id: 'mine' }));
  const seedFile = join(folder, 'seed.json');
  const keys = [{ name: 'ci', secret: 'a-known-key', permissions: ['execute'], max_uses: 1 }];
  writeFileSync(seedFile, JSON.stringify({ flows: ['mine.json'], keys }));
  const mock = await startMock(t, {
    seedFile,
    tenants: ['anna'],
    webhookSchedule: [0, 1_000, 300_000],
  });
  assert.equal(mock.keys.ci, 'a-known-key');
  const client = clientOf(mock, { baseUrl: `${mock.url}/__t/anna`, apiKey: 'a-known-key' });
  const ask = () => client.runFlow({ flowId: 'mine', inputValue: 'Hi' });
  assert.equal((await ask()).output, 'Hi');
  await assert.rejects(ask(), /expired/);
  const admin = clientOf(mock);
  const url = 'http://127.0.0.1:9/hook';
  await admin.webhooks.create({ flowId: 'mine', url, events: ['flow_completed'] });
  await admin.runFlow({ flowId: 'mine', inputValue: 'Hi' });
  await mock.advance(360_000);
  const [delivery] = await mock.deliveries();
  assert.deepEqual([delivery.status, delivery.attempts.length], ['failed', 3]);
  await assert.rejects(startMock(t, { webhookSchedule: 'soon' }), /webhook_schedule/);
});
