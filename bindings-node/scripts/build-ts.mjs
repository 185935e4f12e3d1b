// Compiles src/ to CommonJS, which is the one implementation, and writes the ECMAScript modules in
// front of it. Both worlds so share every class: `instanceof` holds whichever way an error comes.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
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
  const from = `./cjs/${entry}.js`;
  const names = Object.keys(createRequire(`${root}dist/`)(from)).sort();
  writeFileSync(
    `${root}dist/${entry}.mjs`,
    `export {\n  ${names.join(',\n  ')},\n} from '${from}';\n`,
  );
  writeFileSync(`${root}dist/${entry}.d.mts`, `export * from '${from}';\n`);
}
for (const license of ['LICENSE-MIT', 'LICENSE-APACHE']) {
  copyFileSync(`${root}../${license}`, `${root}dist/${license}`);
}
