// The package in an application of Next.js: on the page, in a route on Node and in one on the edge.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FlowStream } from 'langflow-client';
import { check, inPage, launch, startMock } from './site.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = join(here, 'node_modules/next/dist/bin/next');
let mock;
let browser;
let folder;
let server;
let url;

/** Runs a command of Next until it ends, or until it prints what it is waited for. */
function next(args, until) {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    LANGFLOW_URL: mock.url,
    LANGFLOW_API_KEY: mock.apiKey,
  };
  const child = spawn(process.execPath, [command, ...args], { cwd: folder, env });
  let text = '';
  const ready = new Promise((done, failed) => {
    const look = (chunk) => {
      text += chunk;
      const found = until?.exec(text);
      if (found) done(found[1]);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('error', failed);
    child.on('exit', (code) => {
      if (code === 0 && until === undefined) done();
      else failed(new Error(`next ${args.join(' ')} has ended with ${code}\n${text}`));
    });
  });
  return { child, ready };
}

before(async () => {
  [mock, browser] = await Promise.all([startMock(), launch()]);
  // Below this folder, so that Next finds its packages.
  folder = mkdtempSync(join(here, '.built-next-'));
  cpSync(join(here, 'next'), folder, { recursive: true });
  // The route is the example's.
  cpSync(join(here, '../../examples/node/next'), folder, { recursive: true });
  cpSync(join(here, 'app/run.js'), join(folder, 'app/run.js'));
  await next(['build']).ready;
  server = next(
    ['start', '--port', '0', '--hostname', '127.0.0.1'],
    /(http:\/\/127\.0\.0\.1:[1-9]\d*)/,
  );
  url = await server.ready;
});
after(async () => {
  server?.ready.catch(() => undefined);
  server?.child.kill();
  await Promise.all([mock?.stop(), browser?.close()]);
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test('on a page, through a route on Node', async () => {
  check(
    await inPage(browser, url, async () => {
      while (window.answer === undefined) await new Promise((wake) => setTimeout(wake, 20));
      return window.answer;
    }),
  );
});

test('in a route on the edge', async () => {
  const response = await fetch(`${url}/api/edge`);
  assert.equal(response.status, 200);
  const stream = FlowStream.fromReadableStream(response.body);
  let text = '';
  for await (const piece of stream.textStream) text += piece;
  assert.equal(text, "I'm doing well, thank you for asking!");
  assert.equal((await stream.finalResult()).text, text);
});
