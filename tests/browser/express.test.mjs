// The example with Express, in front of a mock server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LangflowClient } from 'langflow-client';
import { startMock } from './site.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

test('runs pass through Express, streams as they come', async () => {
  const mock = await startMock();
  const folder = mkdtempSync(join(here, '.built-express-'));
  cpSync(join(here, '../../examples/node/express/server.mjs'), join(folder, 'server.mjs'));
  const env = { ...process.env, PORT: '0', LANGFLOW_URL: mock.url, LANGFLOW_API_KEY: mock.apiKey };
  const child = spawn(process.execPath, ['server.mjs'], { cwd: folder, env });
  try {
    const [line] = await once(child.stdout, 'data');
    const client = new LangflowClient({ baseUrl: `${String(line).trim()}/api/langflow` });
    const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
    const times = [];
    const stream = client.streamFlow(flow);
    for await (const event of stream) if (event.type === 'token') times.push(performance.now());
    assert.ok(times.at(-1) - times[0] > 25, 'all came at once');
    assert.equal((await client.runFlow(flow)).output, (await stream.finalResult()).output);
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
    await mock.stop();
  }
});
