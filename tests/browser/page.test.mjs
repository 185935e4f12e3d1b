// What is different on a page: keys that anyone could read, and an engine that is loaded.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { inPage, launch, serve, startMock } from './site.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const KEY = 'sk-for-nobody-else';
let mock;
let browser;
let work;
let site;

before(async () => {
  work = mkdtempSync(join(here, '.built-page-'));
  [mock, browser] = await Promise.all([startMock(), launch()]);
  const outdir = join(work, 'site');
  mkdirSync(outdir);
  // Counts what is compiled before anything else runs.
  const count = `window.compiled = 0;
    const { Module } = WebAssembly;
    for (const name of ['Module', 'compile', 'compileStreaming', 'instantiate', 'instantiateStreaming']) {
      const real = WebAssembly[name];
      const counted = function (given, ...rest) {
        if (!(given instanceof Module)) window.compiled += 1;
        return new.target ? new real(given, ...rest) : real.call(WebAssembly, given, ...rest);
      };
      counted.prototype = real.prototype;
      WebAssembly[name] = counted;
    }`;
  const scripts = `<script>${count}</script><script src="/main.js"></script>`;
  writeFileSync(join(outdir, 'index.html'), `<!doctype html><title>x</title>${scripts}`);
  const contents = `import * as langflow from 'langflow-client';
    globalThis.langflow = langflow;
    globalThis.tryKey = (options) => {
      try {
        return { shown: JSON.stringify(new langflow.LangflowClient(options)) };
      } catch (error) {
        const { code, field, message, hint } = error;
        return { known: error instanceof langflow.InvalidInput, code, field, text: message + hint };
      }
    };
    if (globalThis.document === undefined) postMessage(tryKey({ apiKey: '${KEY}' }));`;
  for (const name of ['main', 'worker']) {
    const outfile = join(outdir, `${name}.js`);
    await build({ stdin: { contents, resolveDir: here }, outfile, bundle: true, format: 'iife' });
  }
  site = await serve(outdir, mock);
});
after(async () => {
  site?.stop();
  await Promise.all([mock?.stop(), browser?.close()]);
  if (work) rmSync(work, { recursive: true, force: true });
});

function refused({ known, code, field, text }) {
  assert.deepEqual([known, code, field], [true, 'invalid_input', 'apiKey']);
  assert.match(text, /can be read by everyone.*createProxyHandler.*dangerouslyAllowKeyInBrowser/);
  assert.ok(!text.includes(KEY), 'the key is in the error');
}

test('a key is refused on a page, and in a worker of it', async () => {
  refused(await inPage(browser, site.url, `tryKey({ apiKey: '${KEY}' })`));
  const inWorker = `new Promise((done) => {
    new Worker('/worker.js').onmessage = ({ data }) => done(data);
  })`;
  refused(await inPage(browser, site.url, inWorker));
  // Only what says true allows it.
  for (const allow of ['false', '1', "'yes'"]) {
    const options = `{ apiKey: '${KEY}', dangerouslyAllowKeyInBrowser: ${allow} }`;
    refused(await inPage(browser, site.url, `tryKey(${options})`));
  }
});

test('a key that may be read is taken, and not shown', async () => {
  const options = `{ apiKey: '${KEY}', baseUrl: '${mock.url}', dangerouslyAllowKeyInBrowser: true }`;
  const { shown } = await inPage(browser, site.url, `tryKey(${options})`);
  assert.ok(shown.includes(mock.url) && !shown.includes(KEY), shown);
});

test('nothing is compiled before the first client, and once for all of them', async () => {
  const counts = await inPage(browser, site.url, async () => {
    const before = window.compiled;
    const flow = { flowId: 'echo', inputValue: 'Hello!' };
    const clients = [1, 2, 3].map(
      () => new window.langflow.LangflowClient({ baseUrl: '/api/langflow' }),
    );
    await Promise.all(clients.map((client) => client.runFlow(flow)));
    await clients[0].withOptions({ baseUrl: '/api/langflow', timeout: 5000 }).runFlow(flow);
    return [before, window.compiled];
  });
  assert.deepEqual(counts, [0, 1]);
});

test('what stands in for fetch may throw, answer at once, and not say where its answer came from', async () => {
  const found = await inPage(browser, site.url, async () => {
    const flow = { flowId: 'echo', inputValue: 'Hello!' };
    const real = window.fetch;
    const client = new window.langflow.LangflowClient({ baseUrl: '/api/langflow', maxRetries: 0 });
    try {
      window.fetch = () => {
        throw new TypeError('of a test');
      };
      const { message } = await client.runFlow(flow).catch((error) => error);
      const headers = { 'content-type': 'application/json' };
      window.fetch = () => new Response('{"result":{"output":"x"}}', { headers });
      return [message.includes('of a test'), (await client.runFlow(flow)).output];
    } finally {
      window.fetch = real;
    }
  });
  assert.deepEqual(found, [true, 'x']);
});

test('the first piece is seen before the last is sent', async () => {
  await mock.reset();
  await inPage(browser, site.url, async () => {
    const client = new window.langflow.LangflowClient({ baseUrl: '/api/langflow' });
    const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
    for await (const event of client.streamFlow(flow)) {
      if (event.type === 'token') break;
    }
  });
  const [{ ending }] = await mock.requests({ operation: 'runFlow' });
  assert.equal(ending, 'client_closed', 'the run was over before its first piece was read');
});
