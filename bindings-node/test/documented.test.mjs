// The documented snippet in each of the ways that JavaScript is written, and the examples.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { snippet as callOf, tweakTypes } from 'langflow-client/export';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const examples = fileURLToPath(new URL('../../examples/node', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
let server;
let folder;
let env;

before(async () => {
  server = await MockServer.start();
  folder = mkdtempSync(join(tmpdir(), 'langflow-client-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/langflow-client'));
  env = { ...process.env, LANGFLOW_URL: server.url, LANGFLOW_API_KEY: server.apiKey };
});

after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** The page's snippet with nothing filled in but URL, key and flow id. */
function snippet(load, wait) {
  return `${load}
const client = new LangflowClient({
  baseUrl: '${server.url}',
  apiKey: '${server.apiKey}'
});
${wait(`const result = await client.runFlow({
  flowId: 'hello-flow',
  inputValue: 'Hello!'
});
console.log(result.output);`)}
`;
}

const plain = (body) => body;
const load = "import { LangflowClient } from 'langflow-client';";

async function node(file, ...args) {
  const { stdout } = await run(process.execPath, [file, ...args], { cwd: folder, env });
  return stdout.trim();
}

// The flow files of Langflow that the exporter is judged by.
const kit = new URL('../../tests/export/kit/', import.meta.url);
const flowFiles = ['flows', 'more', 'older'].flatMap((group) =>
  readdirSync(new URL(group, kit)).map((name) => new URL(`${group}/${name}`, kit)),
);
const hello = new URL('../../server-mock/seeds/hello-flow.json', import.meta.url);

async function compile(...files) {
  const options = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  const strict = ['--strict', '--exactOptionalPropertyTypes'];
  const roots = ['--typeRoots', join(root, 'node_modules/@types')];
  await run(process.execPath, [tsc, ...options, ...strict, ...roots, ...files], { cwd: folder });
}

test('the snippet as an ECMAScript module', async () => {
  writeFileSync(join(folder, 'a.mjs'), snippet(load, plain));
  assert.match(await node('a.mjs'), /\w/);
});

test('the snippet as CommonJS', async () => {
  const text = snippet("const { LangflowClient } = require('langflow-client');", (body) => {
    return `(async () => {\n${body}\n})();`;
  });
  writeFileSync(join(folder, 'b.cjs'), text);
  assert.match(await node('b.cjs'), /\w/);
});

test('the snippet as TypeScript, for both kinds of modules', async () => {
  writeFileSync(join(folder, 'c.mts'), snippet(load, plain));
  const wrapped = snippet(load, (body) => `void (async () => {\n${body}\n})();`);
  writeFileSync(join(folder, 'd.cts'), wrapped);
  await compile('c.mts', 'd.cts');
  assert.match(await node('c.mjs'), /\w/);
  assert.match(await node('d.cjs'), /\w/);
});

for (const [name, flow, expected] of [
  ['quickstart.mjs', 'hello-flow', /\w/],
  ['stream.mjs', 'hello-flow', /I'm doing well, thank you for asking!\n\(\d+ tokens\)/],
  ['session.mjs', 'memory-chat', /\n.*Alice/],
]) {
  test(`examples/node/${name}`, async () => {
    copyFileSync(join(examples, name), join(folder, name));
    assert.match(await node(name, flow), expected);
  });
}

test('examples/node/quickstart.ts', async () => {
  copyFileSync(join(examples, 'quickstart.ts'), join(folder, 'typed.mts'));
  await compile('typed.mts');
  assert.match(await node('typed.mjs', 'hello-flow'), /\w/);
});

test('tweaks and calls that the exporter writes compile strictly, and the call is one', async () => {
  assert.ok(flowFiles.length > 40);
  const written = flowFiles.flatMap((file, number) => {
    const flow = readFileSync(file);
    writeFileSync(join(folder, `types${number}.mts`), tweakTypes(flow, 'typescript'));
    writeFileSync(join(folder, `call${number}.mts`), callOf(flow, { language: 'typescript' }));
    return [`types${number}.mts`, `call${number}.mts`];
  });
  const flow = readFileSync(hello);
  writeFileSync(join(folder, 'hello.mts'), tweakTypes(flow, 'typescript'));
  const use = (tweaks) => `${load}
import { toTweaks } from './hello.mjs';
const tweaks = toTweaks(${tweaks});
await new LangflowClient().runFlow({ flowId: 'hello-flow', inputValue: 'Hello!', tweaks });
`;
  writeFileSync(join(folder, 'use.mts'), use('{ openAi: { temperature: 0.5 } }'));
  await compile(...written, 'use.mts');
  writeFileSync(join(folder, 'wrong.mts'), use("{ openAi: { temperature: 'hot' } }"));
  await assert.rejects(compile('wrong.mts'), ({ stdout }) => /TS2322/.test(stdout));
  assert.equal(await node('use.mjs'), '');
  const call = callOf(flow, { language: 'typescript', flowId: 'hello-flow', baseUrl: server.url });
  writeFileSync(join(folder, 'call.mjs'), call);
  assert.match(await node('call.mjs'), /assistant/);
});
