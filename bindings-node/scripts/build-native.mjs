// Builds the addon with cargo and puts it where the package looks for it, under the name that
// napi-rs gives the addon of this machine. Takes `--debug`.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';

const profile = process.argv.includes('--debug') ? [] : ['--release'];
const cargo = spawnSync(
  'cargo',
  ['build', '--package', 'langflow-node', '--message-format=json-render-diagnostics', ...profile],
  { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 28 },
);
if (cargo.error) throw cargo.error;
if (cargo.status !== 0) process.exit(cargo.status ?? 1);

const library = cargo.stdout
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .findLast(
    (message) => message.reason === 'compiler-artifact' && message.target.name === 'langflow_node',
  )
  ?.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
if (library === undefined) throw new Error('cargo has built no library of the name langflow_node');

const { platform, arch, report } = process;
const musl = platform === 'linux' && !report.getReport().header.glibcVersionRuntime;
const abi = { linux: musl ? '-musl' : '-gnu', win32: '-msvc' }[platform] ?? '';
const folder = new URL('../dist/native/', import.meta.url);
const addon = new URL(`langflow-client.${platform}-${arch}${abi}.node`, folder);
mkdirSync(folder, { recursive: true });
// A new file: one that a running process has mapped must not change under it.
rmSync(addon, { force: true });
copyFileSync(library, addon);
