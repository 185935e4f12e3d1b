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
 * A crate that is langflow-wasm without international domain names: their tables are a quarter of
 * the module, and every JavaScript engine has its own. Cargo can leave them out only by the lock
 * file, so this crate has one, made from the repository's.
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
  run('cargo', ['update', '--quiet', '--package', 'idna_adapter', '--precise', '1.0.0'], {
    cwd: crate,
  });
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
      RUSTFLAGS: '-Zlocation-detail=none',
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker,
    });
    const std = ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'];
    run('/usr/bin/cargo', [...args, ...std], { ...options, env });
  }
  return join(work, TARGET, 'release/langflow_wasm.wasm');
}

/** The same JavaScript for `require`. */
function toCommonJs(text) {
  const names = [];
  const plain = text.replace(/^export (class|function) (\w+)/gm, (_, kind, name) => {
    names.push(name);
    return `${kind} ${name}`;
  });
  if (/^(export|import)\b/m.test(plain)) throw new Error('the glue has an unknown export');
  return `${plain}\nmodule.exports = { ${names.join(', ')} };\n`;
}

writeCrate();
const module = compile();
const bound = join(work, 'bound');
rmSync(bound, { recursive: true, force: true });
const bind = ['run', '--quiet', '--locked', '--package', 'langflow-wasm-bind', '--'];
run('cargo', [...bind, module, bound], { cwd: repository });

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
// Not --all-features: it makes modules that no browser takes yet.
const optimiser = join(here, 'node_modules/binaryen/bin/wasm-opt');
run(process.execPath, [
  optimiser,
  '-Oz',
  join(bound, 'engine_bg.wasm'),
  '-o',
  join(dist, 'engine.wasm'),
]);
const bytes = readFileSync(join(dist, 'engine.wasm'));
const glue = readFileSync(join(bound, 'engine_bg.js'), 'utf8').replace(
  /^ *\/\*\*[^]*?\*\/\n/gm,
  '',
);
const text = bytes.toString('base64');
const files = {
  'glue.js': glue,
  'glue.cjs': toCommonJs(glue),
  'module.js': `export default '${text}';\n`,
  'module.cjs': `module.exports = '${text}';\n`,
  'package.json': '{ "type": "module", "sideEffects": false }\n',
};
for (const [name, content] of Object.entries(files)) writeFileSync(join(dist, name), content);
const size = (content) => gzipSync(content, { level: 9 }).length;
console.log(
  `engine.wasm: ${bytes.length} bytes, ${size(bytes)} gzip; as text ${size(files['module.js'])} gzip`,
);
