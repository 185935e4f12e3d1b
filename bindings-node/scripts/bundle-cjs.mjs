// Puts what tsc made as CommonJS into four files: Node spends more time on finding and opening fifty
// of them than on what is inside. Nothing is minified, so that a stack trace reads as before.
//
// `core.js` has what runs everywhere, `node.js` what only Node, Bun and Deno have, `react.js` the hooks:
// a bundler for pages must not meet `node:module`, nor one without React `react`. `open-source.js` has the
// open-source API, which most programs never ask for: a third of all that would be read. Each module is
// in one of them only, so that there is one of each class whichever entry a program takes.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const ENTRIES = { core: ['api', 'web'], node: ['index', 'testing', 'export'] };
const OF_NODE = [...ENTRIES.node, 'engine-node', 'mock-control'];

const OF_LANGFLOW = ['generated/langflow/resources', 'generated/langflow/wire'];

/** What is run only when it is asked for, which most programs never do: who asks, and for what. */
const LATE = {
  client: ['./generated/langflow/resources.js'],
  bridge: ['./generated/wire.js'],
  webhook: ['./generated/wire.js'],
  'generated/resources': ['./wire.js'],
  api: ['./proxy.js', './listener.js', './webhook.js'],
};

/** Lets a module ask for others with each use of them, which costs a call once they are there. */
function askLate(folder, name, others) {
  let text = readFileSync(`${folder}/${name}.js`, 'utf8');
  for (const other of others) {
    const line = text
      .split('\n')
      .find((one) => /^(const|var) /.test(one) && one.includes(`require("${other}")`));
    if (line === undefined) throw new Error(`${name}.js does not ask for ${other}`);
    const [, variable] = line.split(' ');
    const open = "require('./open-source.js').modules['generated/langflow/resources']";
    const module = other.includes('/langflow/') ? open : `require('${other}')`;
    const [before, after] = text.split(line);
    const uses = new RegExp(`(?<![\\w./])${variable}\\.(?=\\w)`, 'g');
    text = `${before}const ${variable} = () => ${module};${after.replace(uses, `(${variable}()).`)}`;
  }
  writeFileSync(`${folder}/${name}.js`, text);
}

/** Names to modules, each run when it is first asked for. */
function table(names) {
  const lines = names.map((name) => `  get '${name}'() { return require('./${name}.js'); },\n`);
  return `exports.modules = {\n${lines.join('')}};\n`;
}

/** What is not one's own is asked of the core; `asked` learns what that is. */
function ofCore(folder, own, asked) {
  const setup = ({ onResolve, onLoad }) => {
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, namespace, resolveDir }) => {
      if (namespace === 'core') return { path, external: true };
      const name = relative(folder, join(resolveDir, path))
        .replaceAll('\\', '/')
        .slice(0, -'.js'.length);
      if (own.includes(name)) return undefined;
      asked.add(name);
      return { path: name, namespace: 'core' };
    });
    onLoad({ filter: /.*/, namespace: 'core' }, ({ path }) => ({
      contents: `module.exports = require('./core.js').modules['${path}'];`,
    }));
  };
  return { name: 'of-core', setup };
}

/** The engine for pages and its glue stay files of their own, and so does what is asked for late. */
const apart = {
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/wasm\/|^\.\/open-source\.js$/ }, ({ path }) => ({
      path,
      external: true,
    })),
};

/**
 * A class that speaks of itself is bundled as `var FlowStream = class _FlowStream`, and would be called so.
 * esbuild can give names back, but by a word for each class and function that runs at every start.
 */
function renamed(text) {
  const names = [...text.matchAll(/^\s*var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  return names.reduce((all, name) => all.replace(new RegExp(`\\b_${name}\\b`, 'g'), name), text);
}

/** Bundles the modules in `folder`, and leaves nothing but the bundles, the entries and the types. */
export async function bundle(folder) {
  for (const [name, others] of Object.entries(LATE)) askLate(folder, name, others);

  const asked = new Set(ENTRIES.core);
  const common = { bundle: true, format: 'cjs', target: 'es2022', logLevel: 'warning' };
  const made = (name) => ({ ...common, outfile: `${folder}/bundled/${name}.js` });
  const of = (names) => ({ contents: table(names), resolveDir: folder });
  await build({
    ...made('node'),
    stdin: of(ENTRIES.node),
    platform: 'node',
    plugins: [apart, ofCore(folder, OF_NODE, asked)],
  });
  await build({
    ...made('react'),
    entryPoints: [`${folder}/react.js`],
    platform: 'neutral',
    external: ['react'],
    plugins: [ofCore(folder, ['react'], asked)],
  });
  await build({
    ...made('open-source'),
    stdin: of([OF_LANGFLOW[0]]),
    platform: 'neutral',
    plugins: [ofCore(folder, OF_LANGFLOW, asked)],
  });
  await build({
    ...made('core'),
    stdin: of([...asked].sort()),
    platform: 'neutral',
    plugins: [apart],
  });

  const require = createRequire(`${folder}/`);
  const names = {};
  for (const entry of Object.values(ENTRIES).flat()) {
    names[entry] = Object.keys(require(`./${entry}.js`)).filter((name) => name !== '__esModule');
  }
  for (const name of readdirSync(folder, { recursive: true })) {
    if (name.endsWith('.js') && !name.startsWith('bundled')) rmSync(`${folder}/${name}`);
  }
  for (const name of readdirSync(`${folder}/bundled`)) {
    writeFileSync(`${folder}/${name}`, renamed(readFileSync(`${folder}/bundled/${name}`, 'utf8')));
  }
  rmSync(`${folder}/bundled`, { recursive: true });
  for (const [file, entries] of Object.entries(ENTRIES)) {
    for (const entry of entries) {
      // The list is never run: Node reads from it which names an `import` finds.
      const listed = `0 && (module.exports = { ${names[entry].sort().join(', ')} });\n`;
      const text = `'use strict';\nmodule.exports = require('./${file}.js').modules['${entry}'];\n${listed}`;
      writeFileSync(`${folder}/${entry}.js`, text);
    }
  }
}
