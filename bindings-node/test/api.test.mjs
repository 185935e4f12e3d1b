/**
 * The public surface that is written by hand stands in `api.txt`: whoever changes it sees that.
 *
 * `UPDATE_API=1 node --test test/api.test.mjs` writes the file anew. Of what is generated the code itself
 * is the record: it is checked in, and the gate compares it.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const record = join(root, 'api.txt');
const ENTRIES = ['index', 'testing', 'export', 'react'];

/** Declarations without comments and without what is internal, by the names of their files. */
function declarations() {
  const folder = mkdtempSync(join(tmpdir(), 'api-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const only = ['--emitDeclarationOnly', '--removeComments', '--stripInternal'];
    const args = [tsc, '-p', join(root, 'tsconfig.json'), ...only, '--outDir', folder];
    execFileSync(process.execPath, args, { stdio: 'inherit' });
    const found = new Map();
    const waiting = [...ENTRIES];
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (found.has(name) || name.startsWith('generated/')) continue;
      const text = readFileSync(join(folder, `${name}.d.ts`), 'utf8');
      found.set(name, text.replace(/^import [^;]*;\n/gm, ''));
      // What is exported from elsewhere, and the bases of classes, of which the members are inherited.
      for (const [, other] of text.matchAll(/^export [^;]*? from ['"]\.\/([\w/-]+)\.js['"]/gm)) {
        waiting.push(other);
      }
      for (const [, base] of text.matchAll(
        /^export declare class \w+(?:<[^{]*>)? extends (\w+)/gm,
      )) {
        const from = new RegExp(
          `^import [^;]*\\b${base}\\b[^;]*? from ['"]\\./([\\w/-]+)\\.js['"]`,
          'm',
        );
        const other = from.exec(text)?.[1];
        if (other !== undefined) waiting.push(other);
      }
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the public surface is the one on record', () => {
  const files = [...declarations()].sort(([one], [other]) => (one < other ? -1 : 1));
  const surface = files.map(([name, text]) => `// ${name}\n${text}`).join('\n');
  if (process.env.UPDATE_API) writeFileSync(record, surface);
  // A record of nothing would always agree.
  assert.match(surface, /runFlow\(params: FlowRun/);
  assert.match(surface, /class MockServer/);
  const hint = 'if that was meant: UPDATE_API=1 node --test test/api.test.mjs';
  assert.equal(surface, readFileSync(record, 'utf8'), hint);
});
