// The package in an application of Next.js: on the page, in a route on Node and in one on the edge.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FlowStream } from 'langflow-client';
import { check, inPage, launch, startMock } from './site.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = join(here, 'node_modules/next/dist/bin/next');
const START = ['start', '--port', '0', '--hostname', '127.0.0.1'];
const ADDRESS = /(http:\/\/127\.0\.0\.1:[1-9]\d*)/;
let mock;
let browser;
let folder;
let server;
let url;

/** Runs a command of Next until it ends, or until it prints what it is waited for. */
function next(args, until, more) {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    LANGFLOW_URL: mock.url,
    LANGFLOW_API_KEY: mock.apiKey,
    ...more,
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
  server = next(START, ADDRESS);
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

test('a hook on a page that the server has rendered', async () => {
  const html = await (await fetch(url)).text();
  assert.match(html, /<main>idle: <\/main>/);
  const text = await inPage(browser, url, async () => {
    const main = document.querySelector('main');
    while (!main.textContent.startsWith('done')) await new Promise((wake) => setTimeout(wake, 20));
    return main.textContent;
  });
  assert.equal(text, "done: I'm doing well, thank you for asking!");
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

test('with the addon, in a server that leaves the package out of its bundle', async () => {
  rmSync(join(folder, '.next'), { recursive: true });
  // A hook cannot be rendered so: outside the bundle it would find another React.
  rmSync(join(folder, 'app/page.js'));
  const config = "export default { serverExternalPackages: ['langflow-client'] };";
  writeFileSync(join(folder, 'next.config.mjs'), config);
  mkdirSync(join(folder, 'app/api/engine'));
  const route = `import { LangflowClient } from 'langflow-client';
    export const dynamic = 'force-dynamic';
    export async function GET() {
      const run = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
      return new Response((await new LangflowClient().runFlow(run)).output);
    }`;
  writeFileSync(join(folder, 'app/api/engine/route.js'), route);
  await next(['build']).ready;
  // Without the addon there is no answer.
  const native = next(START, ADDRESS, { LANGFLOW_ENGINE: 'native' });
  try {
    const response = await fetch(`${await native.ready}/api/engine`);
    assert.equal(await response.text(), "I'm doing well, thank you for asking!");
  } finally {
    native.ready.catch(() => undefined);
    native.child.kill();
  }
});
