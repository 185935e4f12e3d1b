// Builds the WebAssembly engine into dist/wasm: the module, the JavaScript beside it for both module
// systems, and the module as text for platforms that cannot load a file.
//
// Needs rustup's target wasm32-unknown-unknown, or Debian's rustc-web, cargo-web and rust-web-src.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { orderFunctions } from './order-functions.mjs';

const TARGET = 'wasm32-unknown-unknown';
const here = fileURLToPath(new URL('..', import.meta.url));
const repository = join(here, '..');
const work = join(process.env.CARGO_TARGET_DIR ?? join(repository, 'target'), 'wasm');
const crate = join(work, 'engine');
const dist = join(here, 'dist/wasm');

function read(program, args, options) {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
}

function run(program, args, options) {
  execFileSync(program, args, { stdio: ['ignore', 2, 'inherit'], ...options });
}

/**
 * A crate that is langflow-wasm with a profile of its own, and without what only listeners of spans
 * need.
 */
function writeCrate() {
  const metadata = read('cargo', ['metadata', '--no-deps', '--format-version', '1', '--locked'], {
    cwd: repository,
  });
  const found = JSON.parse(metadata).packages.find((one) => one.name === 'langflow-wasm');
  const dependencies = found.dependencies.map((one) => {
    const place = one.path === undefined ? { version: one.req } : { path: one.path };
    const [[name, value]] = Object.entries(place);
    const features = JSON.stringify(one.features);
    const defaults = `default-features = ${one.uses_default_features}, features = ${features}`;
    return `${one.name} = { ${name} = ${JSON.stringify(value)}, ${defaults} }`;
  });
  const manifest = `[package]
name = "langflow-wasm"
version = "${found.version}"
edition = "${found.edition}"

[lib]
crate-type = ["cdylib"]
path = ${JSON.stringify(found.targets[0].src_path)}

[dependencies]
${dependencies.join('\n')}
# Nobody listens there.
tracing = { version = "0.1", default-features = false, features = ["max_level_off"] }

[workspace]

[profile.release]
opt-level = "z"
lto = "fat"
codegen-units = 1
# The section of features has to survive for the optimiser.
strip = "debuginfo"
panic = "abort"
`;
  mkdirSync(crate, { recursive: true });
  writeFileSync(join(crate, 'Cargo.toml'), manifest);
  copyFileSync(join(repository, 'Cargo.lock'), join(crate, 'Cargo.lock'));
  // Takes out of it what this crate does not need.
  run('cargo', ['update', '--quiet', '--workspace'], { cwd: crate });
}

/** Compiles the crate: the path of the module. */
function compile() {
  const sysroot = read('rustc', ['--print', 'sysroot']).trim();
  const args = ['build', '--quiet', '--release', '--locked', '--target', TARGET];
  const options = { cwd: crate, env: { ...process.env, CARGO_TARGET_DIR: work } };
  if (existsSync(join(sysroot, 'lib/rustlib', TARGET))) {
    run('cargo', args, options);
  } else {
    if (!existsSync('/usr/bin/rustc')) {
      throw new Error(
        `needs the rustup target ${TARGET}, or the Debian packages rustc-web cargo-web rust-web-src`,
      );
    }
    // Debian's has no linker of its own.
    const tools = join(sysroot, 'lib/rustlib');
    const linker = readdirSync(tools)
      .map((host) => join(tools, host, 'bin/rust-lld'))
      .find(existsSync);
    const { RUSTUP_TOOLCHAIN: _, ...env } = options.env;
    Object.assign(env, {
      RUSTC: '/usr/bin/rustc',
      RUSTC_BOOTSTRAP: '1',
      RUSTFLAGS: '-Zlocation-detail=none -Zfmt-debug=shallow',
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker,
    });
    const std = ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'];
    run('/usr/bin/cargo', [...args, ...std], { ...options, env });
  }
  return join(work, TARGET, 'release/langflow_wasm.wasm');
}

/** Runs one of binaryen's programs. */
function binaryen(program, ...args) {
  const command = [join(here, 'node_modules/binaryen/bin', program), ...args];
  run(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Makes the module small, also behind a server that compresses: what each step gave is in docs/sizes.md. */
function optimise(from, to) {
  const step = (name) => join(bound, name);
  // wasm-streams exports what makes streams of JavaScript, for everybody; here they are only read.
  const kept = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(from)))
    .map(({ name }) => name)
    .filter((name) => !name.includes('intounderlying'));
  const graph = kept.map((name) => ({ name, export: name, root: true }));
  writeFileSync(step('graph.json'), JSON.stringify(graph));
  binaryen(
    'wasm-metadce',
    from,
    '-g',
    '-f',
    step('graph.json'),
    '-o',
    step('used.wasm'),
    '--quiet',
  );
  // Not --all-features: it makes modules that no browser takes yet. The lowest kilobyte is the end of
  // the stack, where nothing lies.
  const small = [
    '-Oz',
    '--low-memory-unused',
    '--one-caller-inline-max-function-size',
    '20',
    '-Oz',
  ];
  binaryen(
    'wasm-opt',
    step('used.wasm'),
    '-g',
    '--gufa-optimizing',
    ...small,
    '-o',
    step('small.wasm'),
  );
  writeFileSync(step('named.wasm'), orderFunctions(readFileSync(step('small.wasm'))));
  const sorted = ['--reorder-functions-by-name', '-o', step('sorted.wasm')];
  binaryen('wasm-opt', step('named.wasm'), '-g', ...sorted);
  binaryen('wasm-opt', step('sorted.wasm'), '--strip-debug', '--strip-producers', '-o', to);
}

/** Writes a module for `import` and for `require`. */
function write(name, contents) {
  for (const [suffix, format] of [
    ['js', 'esm'],
    ['cjs', 'cjs'],
  ]) {
    buildSync({
      stdin: { contents, resolveDir: here },
      outfile: join(dist, `${name}.${suffix}`),
      bundle: true,
      format,
      minify: true,
      target: 'es2022',
      banner: { js: '// Parts of fflate: MIT, (c) 2023 Arjun Barrett.'.repeat(name === 'module') },
    });
  }
}

writeCrate();
const module = compile();
const bound = join(work, 'bound');
rmSync(bound, { recursive: true, force: true });
const bind = ['run', '--quiet', '--locked', '--package', 'langflow-wasm-bind', '--'];
run('cargo', [...bind, 'bind', module, bound], { cwd: repository });

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
optimise(join(bound, 'engine_bg.wasm'), join(dist, 'engine.wasm'));
const bytes = readFileSync(join(dist, 'engine.wasm'));
run('cargo', [...bind, 'pack', join(dist, 'engine.wasm'), join(work, 'packed')], {
  cwd: repository,
});
write('glue', readFileSync(join(bound, 'engine_bg.js'), 'utf8'));
// Packed: the text of the plain bytes is a third larger, also behind a server that compresses.
write(
  'module',
  `import { inflateSync } from 'fflate';
  const text = '${readFileSync(join(work, 'packed')).toString('base64')}';
  export default function unpack() {
    const binary = atob(text);
    const packed = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at += 1) packed[at] = binary.charCodeAt(at);
    return inflateSync(packed, { out: new Uint8Array(${bytes.length}) });
  }`,
);
writeFileSync(join(dist, 'package.json'), '{ "type": "module", "sideEffects": false }\n');
const size = (content) => gzipSync(content, { level: 9 }).length;
const text = readFileSync(join(dist, 'module.js'));
console.log(`engine.wasm: ${bytes.length} bytes, ${size(bytes)} gzip; as text ${size(text)} gzip`);
