// The tarball, installed into an empty folder, runs without the repository and without Rust.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

const body = `
  const server = await MockServer.start();
  const client = new LangflowClient({ baseUrl: server.url, apiKey: server.apiKey });
  const result = await client.runFlow({ flowId: 'hello-flow', inputValue: 'Hello!' });
  console.log(result.output);
  await server.stop();`;

const esm = `
import { LangflowClient } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
${body}`;

const cjs = `
const { LangflowClient } = require('langflow-client');
const { MockServer } = require('langflow-client/testing');
(async () => {${body}})();`;

test('npm pack, npm install, run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'langflow-client-pack-'));
  try {
    const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
    });
    const [{ filename, files }] = JSON.parse(packed.stdout);
    const paths = files.map((file) => file.path);
    assert.ok(
      paths.some((path) => path.endsWith('.node')),
      'the addon is in the tarball',
    );
    assert.ok(!paths.some((path) => /(^|\/)(test|src|native\/.*\.rs)\//.test(path)), paths.join());
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const options = { cwd: folder };
    await run('npm', ['install', '--offline', '--no-audit', `./${filename}`], options);
    writeFileSync(join(folder, 'a.mjs'), esm);
    writeFileSync(join(folder, 'b.cjs'), cjs);
    const [first, second] = await Promise.all([
      run(process.execPath, ['a.mjs'], options),
      run(process.execPath, ['b.cjs'], options),
    ]);
    assert.match(first.stdout, /\w/);
    assert.equal(first.stdout, second.stdout);
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('published in parts: the addon is a package of its own, without it WebAssembly is used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'langflow-client-parts-'));
  const server = await MockServer.start();
  try {
    await run(process.execPath, [join(root, 'scripts/platform-packages.mjs'), folder]);
    const parts = readdirSync(folder).sort();
    assert.equal(parts.length, 2, parts.join());
    const [tarball, addon] = await Promise.all(
      parts.map(async (part) => {
        const { stdout } = await run('npm', ['pack', '--json'], { cwd: join(folder, part) });
        return join(folder, part, JSON.parse(stdout)[0].filename);
      }),
    );
    const env = { ...process.env, LANGFLOW_URL: server.url, LANGFLOW_API_KEY: server.apiKey };
    const program = `
      const { LangflowClient } = require('langflow-client');
      new LangflowClient().runFlow({ flowId: 'hello-flow', inputValue: 'Hello!' })
        .then(({ output }) => console.log(output));`;
    for (const [name, tarballs, warns] of [
      ['whole', [tarball, addon], false],
      ['bare', [tarball], true],
    ]) {
      const cwd = join(folder, name);
      mkdirSync(cwd);
      writeFileSync(join(cwd, 'package.json'), '{ "private": true }');
      await run('npm', ['install', '--offline', '--no-audit', ...tarballs], { cwd });
      const { stdout, stderr } = await run(process.execPath, ['--eval', program], { cwd, env });
      assert.match(stdout, /How can I help you/, name);
      assert.equal(/LangflowEngineWarning/.test(stderr), warns, `${name}: ${stderr}`);
      if (warns) assert.ok(stderr.includes(`Install ${parts[1]}`), stderr);
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What a program prints and warns of on a machine that no addon fits. */
function elsewhere(body, env = {}) {
  const text = `
    Object.defineProperty(process, 'arch', { value: 'sparc' });
    const { LangflowClient } = require(${JSON.stringify(join(root, 'dist/cjs/index.js'))});
    (async () => {${body}})();`;
  return run(process.execPath, ['--eval', text], { env: { ...process.env, ...env } });
}

test('a machine without an addon uses WebAssembly and is told what is missing', async () => {
  const server = await MockServer.start();
  try {
    const options = JSON.stringify({ baseUrl: server.url, apiKey: server.apiKey });
    const { stdout, stderr } = await elsewhere(`
      const client = new LangflowClient(${options});
      const flow = { flowId: 'hello-flow', inputValue: 'Hello!' };
      new LangflowClient(${options});
      console.log((await client.runFlow(flow)).output);`);
    assert.match(stdout, /How can I help you/);
    assert.equal(stderr.match(/LangflowEngineWarning/g)?.length, 1, stderr);
    assert.match(stderr, /Install langflow-client-\w+-sparc/);
  } finally {
    await server.stop();
  }
});

test('both engines know hosts in every alphabet', async () => {
  for (const engine of ['native', 'wasm']) {
    const { stdout } = await run(
      process.execPath,
      [
        '--eval',
        `
      const { LangflowClient } = require(${JSON.stringify(join(root, 'dist/cjs/index.js'))});
      for (const baseUrl of ['https://bücher.example/x', 'bücher.example', 'http://localhost:1'])
        console.log(new LangflowClient({ baseUrl }).toJSON().baseUrl);`,
      ],
      {
        env: { ...process.env, LANGFLOW_ENGINE: engine },
      },
    );
    const host = 'https://xn--bcher-kva.example';
    assert.deepEqual(stdout.trim().split('\n'), [`${host}/x`, host, 'http://localhost:1'], engine);
  }
});

test('what stands in for fetch need not give its answers a URL', async () => {
  const { stdout } = await run(
    process.execPath,
    [
      '--eval',
      `
      const { LangflowClient } = require(${JSON.stringify(join(root, 'dist/cjs/index.js'))});
      const headers = { 'content-type': 'application/json' };
      globalThis.fetch = async () => new Response('{"result":{"output":"x"}}', { headers });
      new LangflowClient({ baseUrl: 'http://localhost:1', apiKey: 'k' })
        .runFlow({ flowId: 'f', inputValue: 'x' })
        .then(({ output }) => console.log(output));`,
    ],
    { env: { ...process.env, LANGFLOW_ENGINE: 'wasm' } },
  );
  assert.equal(stdout.trim(), 'x');
});

test('a machine without an addon that wants it is told what to install', async () => {
  const { stdout } = await elsewhere(
    `try { new LangflowClient({ baseUrl: 'x' }); } catch (error) { console.log(error.message); }`,
    { LANGFLOW_ENGINE: 'native' },
  );
  assert.match(stdout, /Install langflow-client-\w+-sparc.*, which is an optional dependency/);
  assert.match(stdout, /node\/\d+/);
});

test('an engine that there is not is refused, and what fetch does not read is said', async () => {
  const program = `
    const { LangflowClient } = require(${JSON.stringify(join(root, 'dist/cjs/index.js'))});
    try { new LangflowClient({ baseUrl: 'x' }); } catch ({ code, field }) { console.log(code, field); }`;
  const { NODE_USE_ENV_PROXY: _, ...clean } = process.env;
  const made = (env) => run(process.execPath, ['--eval', program], { env: { ...clean, ...env } });
  const { stdout } = await made({ LANGFLOW_ENGINE: 'nope' });
  assert.equal(stdout.trim(), 'invalid_input LANGFLOW_ENGINE');
  const network = { LANGFLOW_CA_BUNDLE: 'ca.pem', HTTPS_PROXY: 'http://me:secret@proxy.example' };
  const { stderr } = await made({ ...network, LANGFLOW_ENGINE: 'wasm' });
  assert.match(stderr, /LangflowEngineWarning.*fetch.*LANGFLOW_CA_BUNDLE, HTTPS_PROXY/);
  assert.ok(!stderr.includes('secret'), stderr);
  const native = await made({ HTTPS_PROXY: network.HTTPS_PROXY, LANGFLOW_ENGINE: '' });
  assert.equal(native.stderr, '');
});

test('no public type is any', () => {
  const folder = join(root, 'dist/cjs');
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.d.ts'));
  assert.ok(files.length > 20);
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const types = text.replace(/\/\*[^]*?\*\/|\/\/.*|'[^'\n]*'/g, '');
    assert.doesNotMatch(types, /\bany\b/, file);
  }
});
