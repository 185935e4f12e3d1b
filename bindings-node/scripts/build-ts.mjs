// Compiles src/ to CommonJS, which is the one implementation, and writes the ECMAScript modules in
// front of it. Both worlds so share every class: `instanceof` holds whichever way an error comes.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = ['index', 'testing'];
// Built aside and then moved, so that a program that runs meanwhile finds the old or the new one.
const fresh = `${root}dist/cjs.${process.pid}`;

mkdirSync(fresh, { recursive: true });
const tsc = `${root}node_modules/typescript/bin/tsc`;
execFileSync(process.execPath, [tsc, '-p', root, '--outDir', fresh], { stdio: 'inherit' });
writeFileSync(`${fresh}/package.json`, '{ "type": "commonjs" }\n');
for (const entry of entries) {
  const names = Object.keys(createRequire(`${fresh}/`)(`./${entry}.js`)).sort();
  const from = `./cjs/${entry}.js`;
  const list = names.map((name) => `  ${name},\n`).join('');
  writeFileSync(`${root}dist/${entry}.mjs`, `export {\n${list}} from '${from}';\n`);
  writeFileSync(`${root}dist/${entry}.d.mts`, `export * from '${from}';\n`);
}
rmSync(`${root}dist/cjs`, { recursive: true, force: true });
renameSync(fresh, `${root}dist/cjs`);
for (const license of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  copyFileSync(`${root}../${license}`, `${root}dist/${license}`);
}
