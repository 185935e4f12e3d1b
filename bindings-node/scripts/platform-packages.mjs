// Splits what was built into the packages that are published, in the convention of napi-rs: one for
// each addon in dist/native, and the package itself, which names them as optional dependencies and
// brings none. `node scripts/platform-packages.mjs FOLDER` writes them as folders to publish.
import {
  cpSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The machines that addons are built for: what npm calls them, by what napi-rs calls them. */
const TARGETS = {
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { os: 'darwin', cpu: 'x64' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl' },
  'linux-x64-gnu': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl' },
  'win32-arm64-msvc': { os: 'win32', cpu: 'arm64' },
  'win32-x64-msvc': { os: 'win32', cpu: 'x64' },
};

const root = fileURLToPath(new URL('..', import.meta.url));
const out = process.argv[2];
if (out === undefined) throw new Error('which folder shall the packages be written to?');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { name, version, license, engines, keywords } = manifest;

function write(folder, content) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

for (const [target, { os, cpu, libc }] of Object.entries(TARGETS)) {
  const addon = `${name}.${target}.node`;
  if (!readdirSync(join(root, 'dist/native')).includes(addon)) continue;
  const folder = join(out, `${name}-${target}`);
  rmSync(folder, { recursive: true, force: true });
  write(folder, {
    name: `${name}-${target}`,
    version,
    description: `The native engine of ${name} for ${target}`,
    license,
    keywords,
    main: addon,
    files: [addon, 'LICENSE-MIT', 'LICENSE-APACHE'],
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
  });
  copyFileSync(join(root, 'dist/native', addon), join(folder, addon));
  for (const file of ['LICENSE-MIT', 'LICENSE-APACHE']) {
    copyFileSync(join(root, 'dist', file), join(folder, file));
  }
}

const folder = join(out, name);
rmSync(folder, { recursive: true, force: true });
const { devDependencies: _, scripts: __, ...published } = manifest;
const optional = Object.keys(TARGETS).map((target) => [`${name}-${target}`, version]);
write(folder, { ...published, optionalDependencies: Object.fromEntries(optional) });
copyFileSync(join(root, 'README.md'), join(folder, 'README.md'));
const native = join(root, 'dist/native');
cpSync(join(root, 'dist'), join(folder, 'dist'), {
  recursive: true,
  filter: (source) => source !== native,
});
