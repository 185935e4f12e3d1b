// Compiles src/ twice. To CommonJS for Node, Bun and Deno, in few files and with ECMAScript modules in
// front of it: both worlds so share every class, and `instanceof` holds whichever way an error comes.
// And to ECMAScript modules for browsers and edge runtimes, which bundlers can take apart.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle-cjs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist/`;
const entries = ['index', 'testing', 'export', 'react'];

// Built aside and then moved, so that a program that runs meanwhile finds the old or the new one.
async function compile(folder, project, type) {
  const fresh = `${dist}${folder}.${process.pid}`;
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  try {
    const args = [tsc, '-p', `${root}${project}`, '--outDir', fresh];
    execFileSync(process.execPath, args, { stdio: 'inherit' });
    const manifest = type === 'module' ? { type, sideEffects: false } : { type };
    writeFileSync(`${fresh}/package.json`, `${JSON.stringify(manifest)}\n`);
    if (type === 'commonjs') await bundle(fresh);
  } catch (failed) {
    rmSync(fresh, { recursive: true, force: true });
    throw failed;
  }
  return () => {
    rmSync(`${dist}${folder}`, { recursive: true, force: true });
    renameSync(fresh, `${dist}${folder}`);
  };
}

mkdirSync(dist, { recursive: true });
const moves = [
  await compile('cjs', 'tsconfig.json', 'commonjs'),
  await compile('esm', 'tsconfig.web.json', 'module'),
];
for (const move of moves) move();

for (const entry of entries) {
  const from = `./cjs/${entry}.js`;
  const names = Object.keys(createRequire(dist)(from)).sort();
  const list = names.map((name) => `  ${name},\n`).join('');
  // Said once more for frameworks that look at the first module only.
  const directive = entry === 'react' ? "'use client';\n" : '';
  writeFileSync(`${dist}${entry}.mjs`, `${directive}export {\n${list}} from '${from}';\n`);
  writeFileSync(`${dist}${entry}.d.mts`, `export * from '${from}';\n`);
}

// How a platform comes by the module: as text, since that works wherever a bundler puts it, or
// compiled, where a platform compiles nothing at run time.
const modules = {
  web: ['../wasm/module.js', 'module'],
  workerd: ['../wasm/engine.wasm', '() => module'],
  edge: ['../wasm/engine.wasm?module', '() => module'],
};
rmSync(`${dist}web`, { recursive: true, force: true });
mkdirSync(`${dist}web`);
writeFileSync(`${dist}web/package.json`, '{ "type": "module" }\n');
for (const [name, [module, source]] of Object.entries(modules)) {
  const text = `import { install } from '../esm/web.js';
import * as glue from '../wasm/glue.js';
import module from '${module}';

install(glue, ${source});

export * from '../esm/api.js';
`;
  writeFileSync(`${dist}web/${name}.js`, text);
  writeFileSync(`${dist}web/${name}.d.ts`, "export * from '../esm/api.js';\n");
}
const required = `const { install } = require('../cjs/web.js');
const glue = require('../wasm/glue.cjs');

install(glue, () => require('../wasm/module.cjs').default());

module.exports = require('../cjs/api.js');
`;
writeFileSync(`${dist}web/web.cjs`, required);
writeFileSync(`${dist}web/web.d.cts`, "export * from '../cjs/api.js';\n");

for (const license of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  copyFileSync(`${root}../${license}`, `${dist}${license}`);
}
