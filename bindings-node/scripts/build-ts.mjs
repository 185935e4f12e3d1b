// Compiles src/ to CommonJS, which is the one implementation, and writes the ECMAScript modules in
// front of it. Both worlds so share every class: `instanceof` holds whichever way an error comes.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = ['index', 'testing'];

rmSync(`${root}dist/cjs`, { recursive: true, force: true });
mkdirSync(`${root}dist/cjs`, { recursive: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', root], {
  stdio: 'inherit',
});
writeFileSync(`${root}dist/cjs/package.json`, '{ "type": "commonjs" }\n');
for (const entry of entries) {
  const code = `export * from './cjs/${entry}.js';\n`;
  writeFileSync(`${root}dist/${entry}.mjs`, code);
  writeFileSync(`${root}dist/${entry}.d.mts`, code);
}
for (const license of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  copyFileSync(`${root}../${license}`, `${root}dist/${license}`);
}
