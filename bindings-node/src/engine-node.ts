/** The engines of Node, Bun and Deno: the native addon, and WebAssembly where none fits. */
import { createRequire } from 'node:module';
import type { EngineFactory } from './engine.js';
import { InvalidInput } from './generated/errors.js';
import {
  Cancel,
  Mailbox,
  MailedEngine,
  type NativeEngine,
  type NativeMailboxClass,
} from './mailbox.js';
import { withLog } from './log.js';
import { wasmEngine, type WasmGlue, type WasmSource } from './engine-wasm.js';

/** A mock server that runs inside this process. */
export interface NativeMockServer {
  /** Where it listens and what is in it, as JSON. */
  ready(): string;
  stop(): void;
}

/** What the addon exports. */
export interface Addon {
  readonly Engine: new (config: string) => NativeEngine;
  readonly Mailbox: NativeMailboxClass;
  invalidInput(field: string, message: string): string;
  compute(name: string, args: string, body: Uint8Array): string;
  /** Left out of addons that are built without it. */
  readonly MockServer?: new (config: string) => NativeMockServer;
}

/** The addon with all calls on its own thread, as where libuv's loop cannot be watched. */
const THREADED = 'native-thread';

let addon: Addon | undefined;
let mailbox: Mailbox | undefined;
let chosen: EngineFactory | undefined;

/** Loads the addon, once; throws with what to install where there is none for this machine. */
export function loadAddon(): Addon {
  addon ??= requireAddon();
  return addon;
}

function requireAddon(): Addon {
  const names = targets();
  let cause: unknown;
  for (const name of names) {
    for (const place of [`../native/langflow-client.${name}.node`, `langflow-client-${name}`]) {
      try {
        // Not a plain `require`: a bundler would try to pack what only a machine can load.
        return createRequire(__filename)(place) as Addon;
      } catch (thrown) {
        // What is there and does not load says more than what is missing.
        if (cause === undefined || !isMissing(thrown)) cause = thrown;
      }
    }
  }
  const packages = names.map((name) => `langflow-client-${name}`).join(' or ');
  throw new Error(
    `langflow-client: no native addon fits ${process.platform}-${process.arch} with ` +
      `${runtime()}. Install ${packages}, which is an optional dependency: npm leaves it out with ` +
      '--omit=optional, and where package-lock.json was written on another platform (delete it ' +
      'and node_modules, and install again).',
    { cause },
  );
}

function isMissing(thrown: unknown): boolean {
  return (thrown as { code?: unknown } | null)?.code === 'MODULE_NOT_FOUND';
}

/**
 * The names that napi-rs gives this machine. Which C library Linux has is cheaper to try than to
 * find out.
 */
function targets(): string[] {
  const { platform, arch } = process;
  const suffixes = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[platform as string] ?? [''];
  return suffixes.map((suffix) => `${platform}-${arch}${suffix}`);
}

/** `node/22.1.0` and the like. */
function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun/${bun}`;
  return deno === undefined ? `node/${node}` : `deno/${deno}`;
}

/** The environment's `LANGFLOW_...` variables; a worker thread has an environment of its own. */
function environment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith('LANGFLOW_') && value !== undefined) found[name] = value;
  }
  return found;
}

function choose(): EngineFactory {
  const wanted = process.env['LANGFLOW_ENGINE'] || undefined;
  if (wanted !== undefined && !['wasm', 'native', THREADED].includes(wanted)) {
    throw new InvalidInput({
      message: `LANGFLOW_ENGINE=${wanted}: there are native, ${THREADED} and wasm.`,
      hint: 'Unset it to let the package choose.',
      field: 'LANGFLOW_ENGINE',
    });
  }
  if (wanted === 'wasm') return wasm();
  try {
    loadAddon();
    return native;
  } catch (thrown) {
    if (wanted !== undefined) throw thrown;
    const found = fallback();
    if (found === undefined) throw thrown;
    process.emitWarning((thrown as Error).message, {
      type: 'LangflowEngineWarning',
      detail: 'WebAssembly is used instead, which is slower.',
    });
    return found;
  }
}

function fallback(): EngineFactory | undefined {
  try {
    return wasm();
  } catch {
    return undefined;
  }
}

function wasm(): EngineFactory {
  // Plain, so that a bundler packs them: a bundled server has no addon and needs these.
  const glue = require('../wasm/glue.cjs') as WasmGlue;
  const module = require('../wasm/module.cjs') as { default: () => WasmSource };
  warnOfNetwork();
  return wasmEngine(glue, module.default, { language: `${runtime()}-wasm`, environment });
}

/** What the addon reads from the environment and `fetch` does not: left out silently, it would be missed. */
function warnOfNetwork(): void {
  const { env } = process;
  const names = env['LANGFLOW_CA_BUNDLE'] ? ['LANGFLOW_CA_BUNDLE'] : [];
  // Node's own switch for them, where it is new enough.
  if (env['NODE_USE_ENV_PROXY'] !== '1') {
    const proxies = [
      'HTTPS_PROXY',
      'https_proxy',
      'HTTP_PROXY',
      'http_proxy',
      'ALL_PROXY',
      'all_proxy',
    ];
    names.push(...proxies.filter((name) => env[name]));
  }
  if (names.length === 0 || process.versions['bun'] !== undefined) return;
  const text = `langflow-client: WebAssembly sends by fetch, which does not read ${names.join(', ')}.`;
  const detail =
    'Node has NODE_EXTRA_CA_CERTS for authorities and, from 22.21 and 24.5 on, NODE_USE_ENV_PROXY=1 for proxies.';
  process.emitWarning(text, { type: 'LangflowEngineWarning', detail });
}

/**
 * Whether calls may run on this thread, as guests of libuv's loop. Bun and Deno have none; Electron's is
 * driven by another one, which nobody here has tried.
 */
function watches(): boolean {
  const { bun, deno, electron } = process.versions;
  return (bun ?? deno ?? electron) === undefined && process.env['LANGFLOW_ENGINE'] !== THREADED;
}

const native: EngineFactory = {
  get language() {
    return runtime();
  },
  create: (config) => {
    const { Engine, Mailbox: make } = loadAddon();
    const engine = new Engine(config);
    mailbox ??= new Mailbox(make, watches());
    return new MailedEngine(engine, mailbox);
  },
  cancelHandle: () => new Cancel(),
  invalidInput: (field, message) => loadAddon().invalidInput(field, message),
  compute: (name, args, body) => loadAddon().compute(name, args, body),
  environment,
};

/** The engine that fits this machine, chosen when it is first needed. */
export function nodeEngine(): EngineFactory {
  chosen ??= withLog(choose(), process.env['LANGFLOW_LOG'], (line) => {
    process.stderr.write(line);
  });
  return chosen;
}
