// Puts what tsc made as CommonJS into three files: Node spends more time on finding and opening fifty
// of them than on what is inside. Nothing is minified, so that a stack trace reads as before.
//
// `core.js` has what runs everywhere, `node.js` what only Node, Bun and Deno have, `react.js` the hooks:
// a bundler for pages must not meet `node:module`, nor one without React `react`. Each module is in one
// of them only, so that there is one of each class whichever entry a program takes.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const ENTRIES = { core: ['api', 'web'], node: ['index', 'testing', 'export'] };
const OF_NODE = [...ENTRIES.node, 'engine-node', 'mock-control'];

/** Half of what is run at the start is the open-source API, which most programs never ask for. */
const LATE = 'const resources_js_1 = require("./generated/langflow/resources.js");';

const nameOf = (path) => path.slice('./'.length, -'.js'.length);

/** Names to modules, each run when it is first asked for. */
function table(names) {
  const lines = names.map((name) => `  get '${name}'() { return require('./${name}.js'); },\n`);
  return `exports.modules = {\n${lines.join('')}};\n`;
}

/** What is not one's own is asked of the core; `asked` learns what that is. */
function ofCore(own, asked) {
  const setup = ({ onResolve, onLoad }) => {
    onResolve({ filter: /^\.\/.*\.js$/ }, ({ path, namespace }) => {
      if (namespace === 'core') return { path, external: true };
      if (own.includes(nameOf(path))) return undefined;
      asked.add(nameOf(path));
      return { path: nameOf(path), namespace: 'core' };
    });
    onLoad({ filter: /.*/, namespace: 'core' }, ({ path }) => ({
      contents: `module.exports = require('./core.js').modules['${path}'];`,
    }));
  };
  return { name: 'of-core', setup };
}

/** The engine for pages and its glue stay files of their own. */
const apart = {
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/wasm\// }, ({ path }) => ({ path, external: true })),
};

/** Bundles the modules in `folder`, and leaves nothing but the bundles, the entries and the types. */
export async function bundle(folder) {
  const client = readFileSync(`${folder}/client.js`, 'utf8');
  if (!client.includes(LATE)) throw new Error(`client.js has no line ${LATE}`);
  const late = `${LATE.replace('= require', '= { get Langflow() { return require').slice(0, -1)}.Langflow; } };`;
  writeFileSync(`${folder}/client.js`, client.replace(LATE, late));

  const asked = new Set(ENTRIES.core);
  // A class that makes others of itself would be called `_FlowStream` else.
  const common = {
    bundle: true,
    format: 'cjs',
    target: 'es2022',
    keepNames: true,
    logLevel: 'warning',
  };
  const made = (name) => ({ ...common, outfile: `${folder}/bundled/${name}.js` });
  const of = (names) => ({ contents: table(names), resolveDir: folder });
  await build({
    ...made('node'),
    stdin: of(ENTRIES.node),
    platform: 'node',
    plugins: [apart, ofCore(OF_NODE, asked)],
  });
  await build({
    ...made('react'),
    entryPoints: [`${folder}/react.js`],
    platform: 'neutral',
    external: ['react'],
    plugins: [ofCore(['react'], asked)],
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
    writeFileSync(`${folder}/${name}`, readFileSync(`${folder}/bundled/${name}`));
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
