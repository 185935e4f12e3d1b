// The tarball, installed into an empty folder, runs without the repository and without Rust.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

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

test('a machine without an addon is told what is missing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'langflow-client-bare-'));
  try {
    const entry = join(root, 'dist/cjs/index.js');
    const text = `
      Object.defineProperty(process, 'arch', { value: 'sparc' });
      const { LangflowClient } = require(${JSON.stringify(entry)});
      try { new LangflowClient({ baseUrl: 'x' }); } catch (error) { console.log(error.message); }`;
    const { stdout } = await run(process.execPath, ['--eval', text], { cwd: folder });
    assert.match(stdout, /langflow-client\.\w+-sparc.*\.node/);
    assert.match(stdout, /Node v\d+/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
