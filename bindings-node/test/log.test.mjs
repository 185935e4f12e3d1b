/** `LANGFLOW_LOG`: read once, so each case has a process of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

const program = `
import { LangflowClient } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
const mock = await MockServer.start({ seed: 42, tokenDelay: 100 });
const client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
await client.runFlow({ flowId: 'echo', inputValue: 'a secret input' });
await client.runFlow({ flowId: 'no-such', inputValue: 'x' }).catch(() => {});
for await (const _ of client.streamFlow({ flowId: 'echo', inputValue: 'x' })) { /* to its end */ }
for await (const _ of client.streamFlow({ flowId: 'hello-flow', inputValue: 'a b c d' })) break;
await mock.fault({ kind: 'rate_limited', times: 1 });
await client.flows.list();
await mock.stop();
`;

async function logOf(level) {
  const env = { ...process.env, LANGFLOW_LOG: level };
  const args = ['--input-type=module', '-e', program];
  const { stderr } = await run(process.execPath, args, { env, cwd: root });
  return stderr.split('\n').filter((line) => line.includes('langflow-client'));
}

test('debug says when a call begins and what came of it, and nothing of its content', async () => {
  const lines = await logOf('debug');
  const text = lines.join('\n');
  assert.match(text, /DEBUG runFlow begins/);
  assert.match(text, /DEBUG runFlow ended after \d\.\d{3} s attempts=1 request_id=\S+ session_id=/);
  assert.match(text, /DEBUG runFlow failed with not_found after .* status=404 attempts=1/);
  assert.match(text, /DEBUG streamFlow ended after /);
  assert.match(text, /DEBUG streamFlow was left after /);
  assert.match(text, /INFO listFlows ended after .* attempts=2/);
  assert.ok(!text.includes('a secret input'));
  const ends = lines.filter((line) => line.includes(' after '));
  assert.equal(ends.length, 5, text);
});

test('no line has a secret, whatever a server says', async () => {
  const echoing = `
    import { createServer } from 'node:http';
    import { LangflowClient } from 'langflow-client';
    const server = createServer((request, response) => {
      const key = request.headers.authorization.slice(7);
      const more = request.headers['x-token'];
      response.setHeader('x-request-id', 'r-' + key + '-' + more);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ result: { output: 'x' }, session_id: 's-' + key }));
    }).listen(0);
    const baseUrl = 'http://127.0.0.1:' + server.address().port;
    const run = { flowId: 'f', inputValue: 'x' };
    for (const apiKey of ['sk-first-secret', () => 'sk-second-secret', undefined]) {
      const client = new LangflowClient({ baseUrl, apiKey, headers: { 'x-token': 'sk-third-secret' } });
      await client.runFlow(run);
    }
    server.close();`;
  const env = { ...process.env, LANGFLOW_LOG: 'debug', LANGFLOW_API_KEY: 'sk-fourth-secret' };
  const args = ['--input-type=module', '-e', echoing];
  const { stderr } = await run(process.execPath, args, { env, cwd: root });
  assert.equal(stderr.match(/request_id=r-\*\*\*-\*\*\* session_id=s-\*\*\*/g)?.length, 3, stderr);
  assert.doesNotMatch(stderr, /secret/);
});

test('info says what took more than one request', async () => {
  const lines = await logOf('info');
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /INFO listFlows ended after .* status=200 attempts=2/);
});

test('a level that nobody knows is said, and nothing else', async () => {
  const lines = await logOf('loud');
  assert.equal(lines.length, 1);
  assert.match(lines[0], /LANGFLOW_LOG=loud: known are debug, info, warning, error/);
});
