// The package in the bundlers that people use, and what they make of it in Chromium.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { check, inPage, launch, serve, startMock } from './site.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const app = join(here, 'app');
let mock;
let browser;
let work;

before(async () => {
  // Below this folder, so that bundlers find the packages.
  work = mkdtempSync(join(here, '.built-'));
  [mock, browser] = await Promise.all([startMock(), launch()]);
});
after(async () => {
  await Promise.all([mock?.stop(), browser?.close()]);
  rmSync(work, { recursive: true, force: true });
});

const page = '<!doctype html><title>x</title><script type="module" src="/main.js"></script>';

function folder(name) {
  const made = join(work, name);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'index.html'), page);
  return made;
}

/** Runs what was built and checks what came of it. */
async function runs(built, script) {
  const site = await serve(built, mock);
  try {
    check(await inPage(browser, site.url, script ?? (() => window.answer)));
  } finally {
    site.stop();
  }
}

async function esbuild(options) {
  const { build } = await import('esbuild');
  await build({ bundle: true, minify: true, logLevel: 'silent', platform: 'browser', ...options });
}

test('esbuild, as a module', async (t) => {
  const outdir = folder('esbuild');
  await esbuild({ entryPoints: [join(app, 'main.js')], outdir, format: 'esm' });
  const size = gzipSync(readFileSync(join(outdir, 'main.js')), { level: 9 }).length;
  t.diagnostic(`the whole bundle is ${size} bytes, gzip`);
  await runs(outdir);
});

test('esbuild, as a script without modules', async () => {
  const outdir = folder('esbuild-iife');
  await esbuild({ entryPoints: [join(app, 'main.js')], outdir, format: 'iife' });
  await runs(outdir);
});

test('esbuild, in a worker of the page', async () => {
  const outdir = folder('esbuild-worker');
  const conditions = ['worker', 'browser'];
  await esbuild({ entryPoints: [join(app, 'worker.js')], outdir, format: 'esm', conditions });
  writeFileSync(join(outdir, 'index.html'), '<!doctype html><title>x</title>');
  await runs(outdir, () => {
    const worker = new Worker('/worker.js', { type: 'module' });
    return new Promise((done, failed) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = ({ message }) => failed(new Error(message));
    });
  });
});

test('Rollup, with nothing but its resolver', async () => {
  const [{ rollup }, { nodeResolve }] = await Promise.all([
    import('rollup'),
    import('@rollup/plugin-node-resolve'),
  ]);
  const warnings = [];
  const bundle = await rollup({
    input: join(app, 'main.js'),
    plugins: [nodeResolve({ browser: true })],
    onwarn: (warning) => warnings.push(warning.message),
  });
  const dir = folder('rollup');
  await bundle.write({ dir, format: 'esm' });
  await bundle.close();
  assert.deepEqual(warnings, []);
  await runs(dir);
});

test('webpack', async () => {
  const { default: webpack } = await import('webpack');
  const path = folder('webpack');
  const entry = join(app, 'main.js');
  const performance = { hints: false };
  const output = { path, filename: 'main.js' };
  const compiler = webpack({ mode: 'production', context: here, entry, output, performance });
  const stats = await promisify(compiler.run.bind(compiler))();
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  assert.deepEqual([...errors, ...warnings], []);
  await promisify(compiler.close.bind(compiler))();
  await runs(path);
});

test('Vite', async () => {
  const { build } = await import('vite');
  const outDir = join(work, 'vite');
  await build({ root: app, logLevel: 'error', build: { outDir, emptyOutDir: true } });
  assert.ok(readdirSync(join(outDir, 'assets')).length > 0);
  await runs(outDir);
});

test('without a bundler, as it is', async () => {
  const outdir = folder('plain');
  cpSync(join(here, 'node_modules/langflow-client/dist'), join(outdir, 'client'), {
    recursive: true,
  });
  const map = JSON.stringify({ imports: { 'langflow-client': '/client/web/web.js' } });
  for (const name of ['main.js', 'run.js']) cpSync(join(app, name), join(outdir, name));
  writeFileSync(join(outdir, 'index.html'), `<script type="importmap">${map}</script>${page}`);
  await runs(outdir);
});

test('a server that is bundled has an engine too', async () => {
  const { build } = await import('esbuild');
  const outfile = join(work, 'server.cjs');
  const contents = `
    const { LangflowClient } = require('langflow-client');
    const client = new LangflowClient();
    const flow = { flowId: 'hello-flow', inputValue: 'Hello, how are you?' };
    client.runFlow(flow).then((result) => console.log(result.output));`;
  const stdin = { contents, resolveDir: here };
  await build({ stdin, outfile, bundle: true, platform: 'node', logLevel: 'silent' });
  const env = { ...process.env, LANGFLOW_URL: mock.url, LANGFLOW_API_KEY: mock.apiKey };
  const { stdout } = await run(process.execPath, [outfile], { env, cwd: '/' });
  assert.equal(stdout, "I'm doing well, thank you for asking!\n");
});
