// The package in other runtimes than Node: Bun, Deno and Cloudflare's workerd.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { startMock } from './site.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const bin = (name) => join(here, 'node_modules/.bin', name);
const SAID = "I'm doing well, thank you for asking!";
let mock;
let folder;
let program;

before(async () => {
  mock = await startMock();
  folder = mkdtempSync(join(here, '.built-'));
  program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import { LangflowClient, NotFound } from 'langflow-client';
    const client = new LangflowClient();
    const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
    console.log((await client.runFlow(flow)).output);
    let text = '';
    for await (const piece of client.streamFlow(flow).textStream) text += piece;
    console.log(text);
    const error = await client.flows.get({ flowId: 'none' }).catch((thrown) => thrown);
    console.log(error instanceof NotFound);`,
  );
});
after(async () => {
  await mock?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Runs the program; gives what it warned of. */
async function runs(command, args, engine) {
  const env = { ...process.env, LANGFLOW_URL: mock.url, LANGFLOW_API_KEY: mock.apiKey };
  if (engine) env.LANGFLOW_ENGINE = engine;
  const options = { cwd: folder, env, timeout: 60_000 };
  const { stdout, stderr } = await run(command, [...args, program], options);
  assert.equal(stdout, `${SAID}\n${SAID}\ntrue\n`, stderr);
  return stderr;
}

test('Bun, native', () => runs(bin('bun'), ['run'], 'native'));
test('Bun, WebAssembly', () => runs(bin('bun'), ['run'], 'wasm'));

const deno = ['run', '--no-prompt', '--allow-net=127.0.0.1', '--allow-env', '--allow-read'];
test('Deno, native', () => runs(bin('deno'), [...deno, '--allow-ffi'], 'native'));
test('Deno that may load no addon uses WebAssembly', async () => {
  assert.match(await runs(bin('deno'), deno), /WebAssembly is used instead/);
});

test('workerd', async () => {
  const outfile = join(folder, 'worker.js');
  const contents = `
    import { LangflowClient } from 'langflow-client';
    export default {
      async fetch(request, env) {
        const client = new LangflowClient({ baseUrl: env.URL, apiKey: env.KEY });
        const run = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
        return new Response(client.streamFlow(run).toReadableStream());
      },
    };`;
  const modules = [];
  // What Cloudflare's own tool does with a module: it is handed over compiled.
  const compiled = {
    name: 'compiled',
    setup({ onResolve }) {
      onResolve({ filter: /\.wasm$/ }, async ({ path, resolveDir }) => {
        const contents = readFileSync(join(resolveDir, path));
        modules.push({ type: 'CompiledWasm', path: 'engine.wasm', contents });
        return { path: './engine.wasm', external: true };
      });
    },
  };
  await build({
    stdin: { contents, resolveDir: here },
    outfile,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    plugins: [compiled],
    logLevel: 'silent',
  });
  assert.equal(modules.length, 1);
  const script = { type: 'ESModule', path: 'worker.js', contents: readFileSync(outfile, 'utf8') };
  const worker = new Miniflare({
    modules: [script, ...modules],
    compatibilityDate: '2026-01-01',
    bindings: { URL: mock.url, KEY: mock.apiKey },
  });
  try {
    const response = await worker.dispatchFetch('http://worker/');
    const lines = (await response.text()).trim().split('\n').map(JSON.parse);
    assert.equal(lines.at(-1).type, 'end', JSON.stringify(lines.at(-1)));
    assert.equal(lines.at(-1).result.output, SAID);
    assert.ok(lines.filter(({ type }) => type === 'token').length > 3);
  } finally {
    await worker.dispose();
  }
});
