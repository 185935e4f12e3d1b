// Every example of the documentation comments and of the README compiles under the strict options
// and runs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
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
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as library from 'langflow-client';
import { MockServer } from 'langflow-client/testing';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** Blocks of TypeScript, out of documentation comments where there are some. */
function blocks(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const plain = file.endsWith('.md') ? text : text.replace(/^ *\* ?/gm, '');
  const found = [...plain.matchAll(/^```(tsx?)\n([^]*?)^```$/gm)];
  return (
    found
      .map(([, kind, block]) => ({ kind, block }))
      // What belongs on a page runs in tests/browser.
      .filter(({ block }) => !block.startsWith('// on the page'))
  );
}

const sources = readdirSync(join(root, 'src')).filter((name) => name.endsWith('.ts'));
const examples = ['README.md', ...sources.map((name) => `src/${name}`)].flatMap((file) =>
  blocks(file).map((block, index) => ({ name: `${file} ${index + 1}`, ...block })),
);

/** A flow of an open-source server that answers with its file. */
async function reader(server) {
  const client = new library.LangflowClient({ baseUrl: server.url, apiKey: server.apiKey });
  const file = readFileSync(join(root, '../tests/real/flows/file.json'), 'utf8');
  const { name, data } = JSON.parse(file);
  return (await client.langflow.flows.create({ name, data })).id;
}

/** What an example leaves to its reader. */
const GIVEN = {
  client: 'const client = new LangflowClient();',
  flowId: "const flowId = 'hello-flow';",
  question: "const question = 'Hello!';",
  show: 'const show = (text: string) => console.log(text);',
  app: "const app = { use: (_: string, __: (...given: never[]) => Promise<void>) => console.log('used') };",
  fetch: `const fetch = async (..._: unknown[]) =>
    new Response(client.streamFlow({ flowId: 'hello-flow', inputValue: 'x' }).toReadableStream());`,
};

function whole(block, server) {
  const filled = block
    .replaceAll('your-workspace-url', server.url)
    .replaceAll('your-api-key', server.apiKey)
    .replaceAll('your-file-flow-id', server.fileFlow)
    .replaceAll(/your-flow-id|my-flow/g, 'hello-flow');
  const lines = [];
  const mentions = (text, name) => new RegExp(`(?<![.\\w'/])${name}\\b(?!['/:])`).test(text);
  const declares = (name) => new RegExp(`(const|function|class) ${name}\\b`).test(filled);
  for (const [name, line] of Object.entries(GIVEN).reverse()) {
    if (!declares(name) && mentions([filled, ...lines].join('\n'), name)) lines.unshift(line);
  }
  const text = [...lines, filled].join('\n');
  const imported = /import \{([^}]*)\} from 'langflow-client'/.exec(filled)?.[1] ?? '';
  const missing = Object.keys(library).filter(
    (name) => mentions(text, name) && !mentions(imported, name),
  );
  const testing = mentions(text, 'MockServer') && !filled.includes('langflow-client/testing');
  return [
    missing.length > 0 ? `import { ${missing.join(', ')} } from 'langflow-client';` : '',
    testing ? "import { MockServer } from 'langflow-client/testing';" : '',
    text,
    'export {};',
  ].join('\n');
}

/** Loads a module, calls the routes and renders the components that it exports. */
const runner = `
  const { LangflowError } = await import('langflow-client');
  const found = await import(process.argv[1]);
  for (const [name, route] of Object.entries(found)) {
    if (name !== name.toUpperCase()) {
      const { createElement } = await import('react');
      const { renderToString } = await import('react-dom/server');
      console.log(name, renderToString(createElement(route, { text: 'x' })).length);
      continue;
    }
    const url = 'http://site/api/langflow/langflow/api/v1/version';
    const body = name === 'GET' ? {} : { body: 'Hello!' };
    try {
      const answer = await route(new Request(url, { method: name, ...body }));
      console.log(name, answer.status, (await answer.text()).length);
    } catch (error) {
      if (!(error instanceof LangflowError)) throw error;
      console.log(name, error.code);
    }
  }`;

test('every example compiles and runs', async (t) => {
  assert.ok(examples.length > 18, `only ${examples.length} examples`);
  const workspace = await MockServer.start();
  const openSource = await MockServer.start({ api: ['langflow'] });
  openSource.fileFlow = await reader(openSource);
  const serverOf = (block) => (block.includes('your-file-flow-id') ? openSource : workspace);
  const folder = mkdtempSync(join(tmpdir(), 'langflow-client-examples-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/langflow-client'));
    for (const name of ['react', 'react-dom', '@types']) {
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const files = examples.map(({ kind, block }, index) => {
      writeFileSync(join(folder, `e${index}.${kind}`), whole(block, serverOf(block)));
      return `e${index}`;
    });
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2022', 'esnext.disposable', 'dom', 'dom.asynciterable'],
      jsx: 'react-jsx',
      types: ['node', 'react'],
      typeRoots: [join(root, 'node_modules/@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
      noPropertyAccessFromIndexSignature: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const compiled = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    assert.equal(compiled.stdout, '');
    writeFileSync(join(folder, 'notes.txt'), 'What the file says');
    const env = (server) => ({
      ...process.env,
      LANGFLOW_URL: server.url,
      LANGFLOW_API_KEY: server.apiKey,
      WEBHOOK_SECRET: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    });
    for (const [index, file] of files.entries()) {
      await t.test(examples[index].name, async () => {
        const args = ['--input-type=module', '--eval', runner, join(folder, `${file}.js`)];
        const { stdout } = await run(process.execPath, args, {
          cwd: folder,
          env: env(serverOf(examples[index].block)),
          timeout: 20_000,
        });
        t.diagnostic(`${examples[index].name}: ${stdout.trim().split('\n').at(-1)}`);
      });
    }
  } finally {
    await Promise.all([workspace.stop(), openSource.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
});
